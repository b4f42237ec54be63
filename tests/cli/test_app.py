"""`vae app`: what it starts, without starting it."""

import sys

import pytest

from vae.__main__ import _parser, main
from vae.cli.app import streamlit_command


def command(*arguments: str) -> list[str]:
    return list(streamlit_command(_parser().parse_args(["app", *arguments])))


def test_it_runs_the_app_of_this_installation_with_this_python():
    found = command()
    assert found[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert found[4].endswith("app.py")
    assert len(found) == 5


def test_the_options_become_streamlit_s():
    found = command("--port", "8600", "--address", "0.0.0.0", "--no-browser", "--read-only")
    assert found[5:] == [
        *("--server.port", "8600", "--server.address", "0.0.0.0", "--server.headless", "true"),
        *("--", "--read-only"),
    ]


def test_the_exit_status_is_the_server_s(monkeypatch):
    monkeypatch.setattr("subprocess.run", lambda *_, **__: type("Done", (), {"returncode": 3}))
    assert main(["app"]) == 3


def test_the_version_is_the_package_s(capsys):
    from vae import __version__

    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == f"vae {__version__}"
