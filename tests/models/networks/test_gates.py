"""A multi-rate model with gates is an ordinary model at each beta."""

import math
from dataclasses import replace

import pytest
import torch

from vae.core.config import ARCHITECTURES, ModelConfig
from vae.core.errors import ConfigError
from vae.models.condition import Condition
from vae.models.networks.gates import MARGIN, GatedSequential, RateGate, is_gate, sample_betas
from vae.models.vae import VAE

MODEL = ModelConfig((1, 8, 8), latent_dim=3, beta_range=(0.1, 10.0))


def with_random_gates(config: ModelConfig) -> VAE:
    model = VAE.seeded(config, seed=1)
    generator = torch.Generator().manual_seed(2)
    for module in model.modules():
        if isinstance(module, RateGate):
            torch.nn.init.normal_(module.slope, generator=generator)
            torch.nn.init.normal_(module.offset, generator=generator)
    return model


def test_a_gate_is_twice_the_sigmoid_of_a_line_in_log_beta():
    gate = RateGate(2)
    gate.load_state_dict({"slope": torch.tensor([-1.0, 2.0]), "offset": torch.tensor([0.5, -0.3])})
    log_beta = torch.tensor([0.7, -1.0])
    found = gate(torch.ones(2, 2, 3, 3), log_beta)
    for i, value in enumerate(log_beta):
        for j, (slope, offset) in enumerate(((-1.0, 0.5), (2.0, -0.3))):
            factor = 2 / (1 + torch.exp(-(slope * value + offset)))
            torch.testing.assert_close(found[i, j], torch.full((3, 3), float(factor)))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_at_one_beta_is_the_gated_one_with_that_beta(architecture):
    gated = with_random_gates(replace(MODEL, latent_dim=4, architecture=architecture))
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    z = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    pictures = {}
    for beta in (0.1, 1.7, 10.0):
        plain, betas = gated.at_beta(beta), torch.full((4,), beta)
        torch.testing.assert_close(
            plain.encode(images).mean, gated.encode(images, Condition(betas)).mean
        )
        torch.testing.assert_close(plain.decode(z), gated.decode(z, Condition(betas)))
        pictures[beta] = plain.decode(z)
    assert not torch.allclose(pictures[0.1], pictures[10.0], atol=0.01)


def test_a_model_at_one_beta_is_of_the_plain_configuration():
    plain = with_random_gates(MODEL).at_beta(2.0)
    assert plain.config == replace(MODEL, beta_range=None)
    expected = VAE.seeded(plain.config, seed=0).state_dict()
    found = plain.state_dict()
    assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in expected.items()}
    assert not any(p.requires_grad for p in plain.parameters())


def test_folding_leaves_the_gated_model_as_it_was():
    gated = with_random_gates(MODEL)
    before = {name: value.clone() for name, value in gated.state_dict().items()}
    gated.at_beta(0.3)
    assert all(torch.equal(before[name], value) for name, value in gated.state_dict().items())


def test_every_layer_with_weights_has_a_gate_of_its_outputs():
    gated = VAE.seeded(replace(MODEL, architecture="conv"), seed=0)
    for network in (gated.encoder, gated.decoder):
        assert isinstance(network, GatedSequential)
        weighted = [layer for layer in network if hasattr(layer, "weight")]
        gates = [layer for layer in network if isinstance(layer, RateGate)]
        assert [len(gate.slope) for gate in gates] == [len(layer.bias) for layer in weighted]


def test_a_model_of_one_beta_serves_no_other():
    model = VAE.seeded(replace(MODEL, beta_range=None), seed=0)
    assert model.at_beta(4.0) is model


@pytest.mark.parametrize("beta", [0.09, 10.1])
def test_a_beta_outside_the_range_is_refused(beta):
    with pytest.raises(ConfigError, match=r"from 0\.1 to 10"):
        VAE.seeded(MODEL, seed=0).at_beta(beta)


def test_betas_are_sampled_log_uniformly_and_often_at_the_high_end():
    betas = sample_betas(0.1, 10.0, 200_000, torch.Generator().manual_seed(0)).double()
    assert float(betas.min()) == pytest.approx(0.1, rel=1e-3)
    assert float(betas.max()) == pytest.approx(10.0)
    span = math.log(100) + math.log(MARGIN)
    for beta in (0.2, 1.0, 5.0, 9.999):
        share = math.log(beta / 0.1) / span
        assert float((betas < beta).double().mean()) == pytest.approx(share, abs=0.005)


def test_gates_are_distinguished_from_weights():
    model = VAE.seeded(MODEL, seed=0)
    gates = [name for name, _ in model.named_parameters() if is_gate(model, name)]
    assert gates == [n for n, _ in model.named_parameters() if n.endswith(("slope", "offset"))]
    assert len(gates) == 2 * 4
    assert len(list(model.parameters())) == 2 * len(gates)


def test_a_plain_model_has_no_gates():
    model = VAE.seeded(replace(MODEL, beta_range=None), 0)
    assert not any(is_gate(model, name) for name, _ in model.named_parameters())
