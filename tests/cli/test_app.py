"""Tests the command that `vae app` runs, without running it."""

import sys

import pytest

from vae.__main__ import _parser, main
from vae.cli.app import streamlit_command


def command(*arguments: str) -> list[str]:
    return list(streamlit_command(_parser().parse_args(["app", *arguments])))


def test_the_app_of_this_installation_runs_with_this_python():
    found = command()
    assert found[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert found[4].endswith("app.py")
    assert len(found) == 5


def test_the_options_become_options_of_streamlit():
    found = command("--port", "8600", "--address", "0.0.0.0", "--no-browser", "--read-only")
    assert found[5:] == [
        *("--server.port", "8600", "--server.address", "0.0.0.0", "--server.headless", "true"),
        *("--", "--read-only"),
    ]


def test_the_server_replaces_the_process(monkeypatch):
    def replace_process(program, arguments):
        raise SystemExit([program, *arguments])

    monkeypatch.setattr("os.execv", replace_process)
    with pytest.raises(SystemExit) as started:
        main(["app", "--port", "8600"])
    assert started.value.code == [sys.executable, *command("--port", "8600")]


def test_the_version_is_that_of_the_package(capsys):
    from vae import __version__

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == f"vae {__version__}"
