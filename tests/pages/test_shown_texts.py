"""What pages say of errors: names, and not where the server keeps its files."""

from pathlib import Path

import pytest

from pages.ui.markdown import without_paths


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("{root}/a/model.safetensors is cut short", "a/model.safetensors is cut short"),
        ("no folder {root}/a; see `vae list`", "no folder a; see `vae list`"),
        ("{root} cannot be listed", "the folder of the checkpoints cannot be listed"),
        ("[Errno 28] No space: '{root}/a/x.partial'", "[Errno 28] No space: 'a/x.partial'"),
        ("put them into {data}", "put them into the folder of the data"),
        ("{data}/MNIST/raw is damaged", "MNIST/raw is damaged"),
        ("{root}-of-others/a is theirs", "{root}-of-others/a is theirs"),
        ("of 12 checkpoints or/and more", "of 12 checkpoints or/and more"),
    ],
)
def test_a_path_below_the_server_s_folders_becomes_a_name(monkeypatch, tmp_path, said, shown):
    places = {"root": tmp_path / "kept" / "checkpoints", "data": tmp_path / "data"}
    monkeypatch.setenv("LATENT_CHECKPOINTS", str(places["root"]))
    monkeypatch.setenv("LATENT_DATA_DIR", str(places["data"]))
    assert without_paths(said.format(**places)) == shown.format(**places)


def test_a_relative_folder_is_left_out_too_and_as_a_word_it_stays(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LATENT_CHECKPOINTS", raising=False)
    said = f"checkpoints/a and {Path.cwd()}/checkpoints/b are checkpoints"
    assert without_paths(said) == "a and b are checkpoints"
