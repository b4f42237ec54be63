"""Shows the widget of a setting: its label, limits and help come from the schema."""

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from vae.core.settings import Setting


def setting_widget(
    name: str,
    key: str,
    default: Any = None,
    column: "DeltaGenerator | None" = None,
    **changes: Any,
) -> Any:
    """Show the widget of one setting and return its value.

    `default` replaces the setting's own default. `column` holds the widget.
    `changes` are arguments of the Streamlit widget.
    """
    from vae.core.config import SETTINGS

    setting, where = SETTINGS[name], column or st
    start = setting.default if default is None else default
    arguments: dict[str, Any] = {"key": key, "help": _help(setting)} | changes
    if not setting.choices:
        return setting.value_type(where.number_input(**_number(setting, start) | arguments))
    options = arguments.pop("options", list(setting.choices))
    return where.selectbox(
        setting.label,
        options,
        options.index(start),
        format_func=lambda choice: setting.titles.get(choice, choice),
        **arguments,
    )


def _number(setting: "Setting", start: float) -> dict[str, Any]:
    """Return the arguments of a number's widget; Streamlit wants all of them of one type."""
    low, high = setting.page_low, setting.page_high
    number = setting.value_type
    return {
        "label": setting.label,
        "min_value": number(setting.low if low is None else low),
        "max_value": number(setting.high if high is None else high),
        "value": number(start),
        "step": None if setting.page_step is None else number(setting.page_step),
        "format": "%g" if number is float else None,
    }


def _help(setting: "Setting") -> str:
    """Return the help text; pages write β, which a terminal may not know."""
    return f"{setting.help} {setting.page_help}".strip().replace("beta", "β")
