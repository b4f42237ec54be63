"""ONNX files agree with the explorer, in a runtime without torch."""

import numpy as np
import pytest

from vae.core.errors import CheckpointError, ConfigError
from vae.explorer import Explorer
from vae.explorer.onnx import export_onnx
from vae.runs.checkpoint import load_model, load_run

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def model(tiny_checkpoint):
    return load_model(load_run(tiny_checkpoint))


def session(file):
    return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])


def test_the_decoder_agrees_with_the_explorer_at_any_batch_size(tiny_checkpoint, model, tmp_path):
    file = export_onnx(model, tmp_path / "decoder.onnx")
    assert [f.name for f in tmp_path.iterdir()] == ["decoder.onnx"]
    explorer, decoder = Explorer.open(tiny_checkpoint), session(file)
    for count in (1, 2, 7):
        z = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
        (images,) = decoder.run(["images"], {"z": z})
        assert images.shape == (count, 1, 8, 8)
        expected = explorer.decode(z).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(images, expected, atol=1e-5)


def test_the_encoder_agrees_with_the_explorer_at_any_batch_size(tiny_checkpoint, model, tmp_path):
    file = export_onnx(model, tmp_path / "encoder.onnx", "encoder")
    explorer, encoder = Explorer.open(tiny_checkpoint), session(file)
    for count in (1, 5):
        images = np.random.default_rng(count).random((count, 1, 8, 8), dtype=np.float32)
        found = encoder.run(["mean", "logvar"], {"images": images})
        expected = explorer.encode(images.transpose(0, 2, 3, 1))
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_convolutions_are_exported(tmp_path):
    import torch

    from vae.core.config import ModelConfig
    from vae.models.vae import VAE

    model = VAE.seeded(ModelConfig((3, 8, 12), 2, "conv"), seed=0)
    decoder = session(export_onnx(model, tmp_path / "conv.onnx"))
    z = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    with torch.no_grad():
        expected = model.decode_mean(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(decoder.run(None, {"z": z})[0], expected, atol=1e-5)


def test_a_file_that_cannot_be_written_is_reported(model, tmp_path):
    with pytest.raises(CheckpointError, match="could not be written") as caught:
        export_onnx(model, tmp_path / "nothing" / "model.onnx")
    assert "\n" not in str(caught.value)


def test_an_unknown_part_is_refused(model, tmp_path):
    with pytest.raises(ConfigError, match="decoder or encoder"):
        export_onnx(model, tmp_path / "model.onnx", "prior")  # type: ignore[arg-type]
