"""Residual blocks start as the identity, and spatial codes keep their positions."""

from dataclasses import replace

import pytest
import torch

from tests.support.slow import slow_except
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError, UnsupportedNetwork
from vae.explorer import Explorer
from vae.metrics.evaluation import evaluate
from vae.models.build import build_seeded
from vae.models.condition import Condition
from vae.models.networks.architectures import build_decoder, build_encoder
from vae.models.networks.residual import ResidualBlock
from vae.training import TrainingRun, run_training
from vae.viewer.pack import pack_decoder

FLAT = ModelConfig((3, 16, 16), 5, "resnet")
SPATIAL = ModelConfig((3, 16, 24), 2 * 4 * 6, "spatial")


def test_a_block_adds_two_convolutions_to_its_input():
    block, signal = ResidualBlock(4), torch.randn(2, 4, 5, 5)
    assert torch.equal(block(signal), signal)
    first, last = block.layers[1], block.layers[3]
    torch.nn.init.normal_(last.weight)
    inner = torch.nn.functional.silu(first(torch.nn.functional.silu(signal)))
    torch.testing.assert_close(block(signal), signal + last(inner))


def test_a_spatial_code_has_channels_for_each_quarter_of_the_image():
    assert SPATIAL.latent_shape == (2, 4, 6)
    assert FLAT.latent_shape == (5,)
    encoder, decoder = build_encoder(SPATIAL, 2 * SPATIAL.latent_dim), build_decoder(SPATIAL)
    assert encoder(torch.zeros(2, 3, 16, 24)).shape == (2, 96)
    assert decoder(torch.zeros(2, 48)).shape == (2, 3, 16, 24)


def test_a_spatial_code_depends_on_nearby_pixels_and_affects_nearby_pixels():
    """Far from a changed pixel nothing changes, in the means and in the log-variances."""
    config = ModelConfig((1, 64, 64), 16 * 16, "spatial")
    model = build_seeded(config, 0).requires_grad_(False)
    images = torch.zeros(1, 1, 64, 64)
    changed = images.clone()
    changed[..., :4, :4] = 1
    for name in ("mean", "logvar"):
        before, after = (getattr(model.encode(x), name).reshape(16, 16) for x in (images, changed))
        assert not torch.allclose(before[:2, :2], after[:2, :2])
        assert torch.equal(before[8:, 8:], after[8:, 8:])
    z = torch.zeros(1, 256)
    moved = z.clone()
    moved[0, 0] = 3
    before, after = model.decode(z)[0, 0], model.decode(moved)[0, 0]
    assert not torch.allclose(before[:8, :8], after[:8, :8])
    assert torch.equal(before[32:, 32:], after[32:, 32:])


@pytest.mark.parametrize("latent_dim", [1, 25, 47])
def test_a_code_size_that_does_not_fill_the_grid_is_refused(latent_dim):
    with pytest.raises(ConfigError, match="multiple of 24, not"):
        replace(SPATIAL, latent_dim=latent_dim)


@pytest.mark.parametrize("architecture", ["resnet", "spatial"])
def test_sides_that_cannot_be_halved_twice_are_refused(architecture):
    with pytest.raises(ConfigError, match="multiples of 4"):
        ModelConfig((1, 30, 28), 4, architecture)


@pytest.mark.parametrize("kind", ["vae", "autoencoder", "conditional"])
@pytest.mark.parametrize("architecture", ["resnet", "spatial"])
@pytest.mark.parametrize("precision", slow_except(["float32", "bfloat16"], ["float32"]))
def test_residual_networks_learn(digits, architecture, kind, precision):
    classes = 10 if kind == "conditional" else 0
    config = ModelConfig((1, 8, 8), 8, architecture, kind=kind, classes=classes)
    train = TrainConfig("digits", epochs=1, batch_size=32, learning_rate=5e-3, precision=precision)
    training = TrainingRun(config, train, digits)
    before = evaluate(training.model, digits.test).distortion
    for _ in run_training(training):
        pass
    assert evaluate(training.model, digits.test).distortion < 0.8 * before


@pytest.mark.parametrize("architecture", ["resnet", "spatial"])
def test_residual_networks_serve_a_range_of_betas_and_labels(architecture):
    config = ModelConfig((1, 8, 8), 8, architecture)
    z, betas = torch.randn(3, 8), torch.full((3,), 2.0)
    gated = build_seeded(replace(config, beta_range=(0.1, 10.0)), 0).requires_grad_(False)
    for name, parameter in gated.named_parameters():
        if name.endswith(("slope", "offset")):
            torch.nn.init.normal_(parameter)
    torch.testing.assert_close(gated.at_beta(2.0).decode(z), gated.decode(z, Condition(betas)))
    conditional = build_seeded(replace(config, kind="conditional", classes=10), 0).requires_grad_(
        False
    )
    torch.nn.init.normal_(conditional.decoder.offsets)
    labels = torch.full((3,), 4)
    torch.testing.assert_close(
        conditional.at_label(4).decode(z), conditional.decode(z, Condition(labels=labels))
    )


def test_the_browser_refuses_residual_networks(tmp_path, train_into):
    explorer = Explorer.open(train_into(tmp_path / "r", 2, "resnet", epochs=1, batch_size=200))
    with pytest.raises(UnsupportedNetwork, match="ResidualBlock"):
        pack_decoder(explorer)
