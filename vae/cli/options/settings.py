"""Command-line options that follow from the schema of settings (`vae.core.settings`)."""

import argparse
from typing import Any

from vae.core.config import SETTINGS
from vae.core.errors import ConfigError
from vae.core.settings import REQUIRED, Setting, format_value

Parser = argparse.ArgumentParser | argparse._ArgumentGroup


def add_setting(parser: Parser, name: str, **changes: Any) -> None:
    """Adds the option of one setting; `changes` are arguments of `add_argument`."""
    setting = SETTINGS[name]
    options = [option for option in (setting.option, setting.alias) if option]
    arguments: dict[str, Any] = {"dest": name, "help": _help(setting), "metavar": setting.metavar}
    arguments |= {"choices": setting.choices} if setting.choices else {"type": _type(setting)}
    default = None if setting.derive or setting.default is REQUIRED else setting.default
    parser.add_argument(*options, **arguments | {"default": default} | changes)


def add_settings_by_group(parser: argparse.ArgumentParser) -> dict[str, argparse._ArgumentGroup]:
    """Adds all settings that have a group, under its heading; returns the groups by heading."""
    headings = dict.fromkeys(setting.group for setting in SETTINGS.values() if setting.group)
    groups = {heading: parser.add_argument_group(heading) for heading in headings}
    for setting in SETTINGS.values():
        if setting.group:
            add_setting(groups[setting.group], setting.name)
    return groups


def _help(setting: Setting) -> str:
    default = setting.derived
    if not default and setting.default not in (REQUIRED, None, ""):
        default = format_value(setting.default)
    return f"{setting.help} (default: {default})" if default else setting.help


def _type(setting: Setting) -> Any:
    """Returns the function that reads the option's text; argparse names it in its errors."""
    if setting.value_type in (int, float, str):
        return setting.value_type

    def value(text: str) -> Any:
        try:
            return setting.parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return value
