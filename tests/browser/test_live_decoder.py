"""The browser's decoder gives what torch gives."""

import base64
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.multi_rate import multi_rate
from tests.support.slow import slow_except
from vae.core.errors import UnsupportedNetwork
from vae.explorer import Explorer
from vae.runs.checkpoint import load_model, load_run
from vae.viewer.blobs import decoder_blob
from vae.viewer.bundle import bundle
from vae.viewer.pack import pack_decoder, pack_multi_rate_decoder

SOURCE = bundle("transport/asset_registry.js")
PROJECT = Path(__file__).parents[2]
SHIPPED = sorted(run.parent for run in (PROJECT / "checkpoints").glob("*/run.json"))
SERVED = {"cifar10-jpeg-compressor", "mnist-ladder", "mnist-vq"}
"""Residual blocks, levels, a codebook."""

IN_THE_BROWSER = [path.name for path in SHIPPED if path.name not in {*SERVED, "mnist-classifier"}]
OFTEN = ["mnist-map", "mnist-best", "mnist-conditional", "sprites-beta-4-seed-1"]
"""One model of each network and kind; the others take long."""

ANY_BETA = [path for path in SHIPPED if path.name.endswith("any-beta")]
DECODE_AT = "([z, beta]) => (decoder.setBeta(beta), z.map((row) => [...decoder.decode(row)]))"
LATENT = 10
TOLERANCE = 1e-4

LOAD = """async ([source, blob]) => {
  const module = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const bytes = Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
  window.decoder = new module.Decoder(module.unpack(bytes));
}"""


def mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(LATENT, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, (1, 28, 28))
    )


def conv_transpose(channels: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(nn.Linear(LATENT, 256), nn.ReLU(), nn.Linear(256, 64 * 7 * 7), nn.ReLU()),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
    )


def mixed() -> nn.Sequential:
    """What the other two lack: plain and uneven convolutions, every activation."""
    return nn.Sequential(
        nn.Linear(LATENT, 3 * 5 * 4, bias=False),
        nn.Tanh(),
        nn.Unflatten(1, (3, 5, 4)),
        nn.ConvTranspose2d(3, 6, (3, 2), stride=(3, 2), padding=(1, 0), output_padding=(1, 1)),
        nn.SiLU(),
        nn.Conv2d(6, 2, (3, 2), stride=(1, 2), padding=(2, 1), bias=False),
        nn.Flatten(),
        nn.Sigmoid(),
    )


DECODERS = {
    "mlp": (mlp, (1, 28, 28)),
    "conv-transpose": (conv_transpose, (1, 28, 28)),
    "colour": (lambda: conv_transpose(3), (3, 28, 28)),
    "mixed": (mixed, (2, 16, 5)),
}


def codes(latent: int = LATENT) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(6, latent, generator=generator)
    return torch.cat([drawn, 10 * drawn[:3], torch.zeros(1, latent), torch.full((1, latent), 30)])


def decode_in_browser(page, blob: bytes, z: torch.Tensor) -> np.ndarray:
    page.goto("about:blank")
    page.evaluate(LOAD, [SOURCE, base64.b64encode(blob).decode()])
    return np.array(page.evaluate("(z) => z.map((row) => [...decoder.decode(row)])", z.tolist()))


@pytest.mark.parametrize("mean", ["sigmoid", "identity"])
@pytest.mark.parametrize("name", DECODERS)
def test_decodes_as_torch_does(page, name, mean):
    build, image_shape = DECODERS[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = build()
    z = codes()
    with torch.no_grad():
        expected = decoder(z).flatten(1)
    if mean == "sigmoid":
        expected = expected.sigmoid()

    blob = decoder_blob(decoder, LATENT, image_shape, "test", mean=mean)
    found = decode_in_browser(page, blob, z)

    assert np.abs(found - expected.numpy()).max() < TOLERANCE


@pytest.mark.parametrize("name", sorted(SERVED))
def test_what_the_browser_cannot_run_is_left_to_the_server(name):
    with pytest.raises(UnsupportedNetwork, match="browser"):
        pack_decoder(Explorer.open(PROJECT / "checkpoints" / name))


@pytest.mark.parametrize("name", slow_except(IN_THE_BROWSER, OFTEN))
def test_decodes_a_shipped_checkpoint_as_torch_does(page, name):
    explorer = Explorer.open(PROJECT / "checkpoints" / name)
    z = codes(explorer.latent_dim)
    expected = explorer.decode(z.numpy()).transpose(0, 3, 1, 2).reshape(len(z), -1)
    found = decode_in_browser(page, pack_decoder(explorer), z)
    assert np.abs(found - expected).max() < TOLERANCE


@pytest.mark.parametrize("path", ANY_BETA, ids=lambda path: path.name)
def test_a_shipped_checkpoint_of_any_beta_decodes_as_torch_does(page, path):
    run = load_run(path)
    model, z = load_model(run), codes(run.model.latent_dim)
    blob = pack_multi_rate_decoder(Explorer.open(path), "any")
    decode_in_browser(page, blob, z)
    for beta in (0.1, 3.0, 10.0):
        expected = model.at_beta(beta).decode_mean(z).flatten(1).numpy()
        found = np.array(page.evaluate(DECODE_AT, [z.tolist(), beta]))
        assert np.abs(found - expected).max() < TOLERANCE


@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv"])
def test_gates_follow_beta_as_torch_does(page, architecture):
    image_shape = (3, 16, 16) if architecture == "conv" else (1, 28, 28)
    model = multi_rate(architecture, image_shape, LATENT)
    blob = decoder_blob(model.decoder, LATENT, image_shape, "test", beta_range=(0.1, 10))
    z = codes()
    with torch.no_grad():
        expected = {
            beta: model.at_beta(beta).decode_mean(z).flatten(1).numpy()
            for beta in (0.1, 0.7, 1.0, 10.0)
        }
    fresh = decode_in_browser(page, blob, z)
    assert np.abs(fresh - expected[1.0]).max() < TOLERANCE
    for beta in (0.1, 10.0, 0.7, 1.0, 0.1):
        found = np.array(page.evaluate(DECODE_AT, [z.tolist(), beta]))
        assert np.abs(found - expected[beta]).max() < TOLERANCE
    assert np.abs(expected[0.1] - expected[10.0]).max() > 0.01
    assert page.evaluate("decoder.betaRange") == [0.1, 10]


def test_a_decoder_without_gates_ignores_beta(page):
    blob = decoder_blob(mlp(), LATENT, (1, 28, 28), "test")
    before = decode_in_browser(page, blob, codes())
    page.evaluate("decoder.setBeta(4)")
    after = page.evaluate("(z) => z.map((row) => [...decoder.decode(row)])", codes().tolist())
    np.testing.assert_array_equal(before, after)
    assert page.evaluate("decoder.betaRange") is None


def test_decoding_reuses_its_buffers(page):
    blob = decoder_blob(mlp(), LATENT, (1, 28, 28), "test")
    decode_in_browser(page, blob, codes())
    assert page.evaluate("(z) => decoder.decode(z) === decoder.decode(z)", [0.0] * LATENT)


def test_a_foreign_blob_is_refused(page):
    page.goto("about:blank")
    load = f"([s, b]) => ({LOAD})([s, b]).then(() => '', (error) => error.message)"
    assert "LATX" in page.evaluate(load, [SOURCE, base64.b64encode(b"PNG" + bytes(60)).decode()])
