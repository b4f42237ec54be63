"""Each kind of model has its own behaviour, and all kinds train in the same loop."""

import json
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import one_hot

from tests.support.slow import slow_except
from vae.__main__ import main
from vae.core.compatibility import check_together
from vae.core.config import KINDS, KINDS_WITH_LABELS, ModelConfig, TrainConfig
from vae.core.errors import ConfigError, DataError
from vae.data.splits import Dataset, Split
from vae.explorer import Explorer
from vae.metrics.evaluation import evaluate, log_likelihood
from vae.models.build import build_seeded
from vae.models.condition import Condition
from vae.models.conditional import ConditionalVAE
from vae.runs.checkpoint import load_model, load_run
from vae.training import TrainingRun, run_training

PLAIN = ModelConfig((1, 8, 8), 3)
CONDITIONAL = replace(PLAIN, kind="conditional", classes=10)
SHORT = TrainConfig("digits", epochs=4, batch_size=32, learning_rate=5e-3)


def settings_of(kind: str) -> dict:
    """Returns the settings that a kind needs besides a latent size of 4."""
    needed = {"ladder": {"levels": (1, 3)}, "vq": {"codebook": 16}}
    return {"classes": 10} if kind in KINDS_WITH_LABELS else needed.get(kind, {})


def some_images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def with_offsets(config: ModelConfig) -> ConditionalVAE:
    """Returns a model whose output depends on the label."""
    model = build_seeded(config, 0)
    assert isinstance(model, ConditionalVAE)
    for network in (model.encoder, model.decoder):
        torch.nn.init.normal_(network.offsets, generator=torch.Generator().manual_seed(2))
    return model.requires_grad_(False)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "vae"])
@pytest.mark.parametrize("architecture", slow_except(["mlp", "conv"], ["mlp"]))
def test_every_kind_learns_in_the_same_loop(digits, kind, architecture):
    if kind == "vq" and architecture == "mlp":
        pytest.skip("a vq has a grid of codes, and so convolutions")
    config = ModelConfig((1, 8, 8), 4, architecture, kind=kind, **settings_of(kind))
    training = TrainingRun(config, SHORT, digits)
    before = evaluate(training.model, digits.test).distortion
    for _ in run_training(training):
        pass
    assert evaluate(training.model, digits.test).distortion < 0.8 * before


@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv", "conv-mlp"])
def test_a_label_is_a_one_hot_vector_beside_the_first_layers_input(architecture):
    model = with_offsets(replace(CONDITIONAL, architecture=architecture))
    z, labels = torch.randn(5, 3), torch.tensor([0, 3, 3, 9, 1])
    first, *rest = list(model.decoder)
    beside = torch.cat([z, one_hot(labels, 10).float()], dim=1)
    signal = beside @ torch.cat([first.weight, model.decoder.offsets.T], dim=1).T + first.bias
    for layer in rest:
        signal = layer(signal)
    torch.testing.assert_close(model.decode(z, Condition(labels=labels)), signal)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_at_a_label_a_conditional_model_is_a_plain_one(architecture):
    model = with_offsets(replace(CONDITIONAL, architecture=architecture))
    images, z, labels = some_images(4), torch.randn(4, 3), torch.full((4,), 7)
    plain = model.at_label(7)
    assert plain.config == replace(PLAIN, architecture=architecture)
    torch.testing.assert_close(plain.decode(z), model.decode(z, Condition(labels=labels)))
    torch.testing.assert_close(
        plain.encode(images).mean, model.encode(images, Condition(labels=labels)).mean
    )
    assert not torch.allclose(plain.decode(z), model.at_label(6).decode(z))


def test_the_decoder_over_one_hot_vectors_gives_the_same_images():
    model = with_offsets(CONDITIONAL)
    z, labels = torch.randn(4, 3), torch.tensor([0, 9, 9, 2])
    code = torch.cat([z, one_hot(labels, 10).float()], dim=1)
    torch.testing.assert_close(
        model.decoder.over_one_hot()(code), model.decode(z, Condition(labels=labels))
    )


@pytest.mark.parametrize("label", [-1, 10])
def test_an_unknown_label_is_refused(label):
    with pytest.raises(ConfigError, match="labels 0 to 9"):
        build_seeded(CONDITIONAL, 0).at_label(label)


def test_the_conditional_likelihood_is_that_of_the_plain_model_at_the_label():
    model = with_offsets(CONDITIONAL)
    images, labels = some_images(3), torch.tensor([4, 4, 4])
    found = log_likelihood(
        model, images, 20, torch.Generator().manual_seed(0), Condition(labels=labels)
    )
    plain = log_likelihood(model.at_label(4), images, 20, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found, plain)


def test_an_autoencoders_codes_are_points():
    model, images = build_seeded(replace(PLAIN, kind="autoencoder"), 0), some_images(6)
    terms = model.elbo_terms(images, torch.Generator().manual_seed(0))
    again = model.elbo_terms(images, torch.Generator().manual_seed(1))
    assert torch.equal(terms.z, terms.posterior.mean)
    assert torch.equal(terms.distortion, again.distortion)
    assert not terms.rate_per_dimension.any()
    assert list(model.encoder)[-1].out_features == 3


def test_a_classifiers_distortion_is_minus_the_log_probability_of_the_label():
    model = build_seeded(replace(PLAIN, kind="classifier", classes=10), 0).requires_grad_(False)
    images, labels = some_images(6), torch.tensor([0, 1, 2, 3, 4, 9])
    found = model.elbo_terms(images, torch.Generator(), Condition(labels=labels)).distortion
    probabilities = torch.softmax(model.decode(model.encode(images).mean), dim=1)
    torch.testing.assert_close(found, -probabilities[range(6), labels].log())


@pytest.mark.parametrize("kind", ["conditional", "semi-supervised", "classifier"])
def test_images_without_a_label_are_refused(digits, kind):
    unlabelled = Split(digits.train.images, torch.full_like(digits.train.labels, -1))
    dataset = Dataset("plain", (), unlabelled, digits.validation, digits.test)
    with pytest.raises(DataError, match="label"):
        TrainingRun(replace(PLAIN, kind=kind, classes=10), TrainConfig("plain"), dataset)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "conditional"}, "2 to 1000 classes"),
        ({"kind": "classifier", "classes": 1}, "2 to 1000 classes"),
        ({"classes": 10}, "classes"),
        ({"kind": "gan"}, "kind must be one of"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        replace(PLAIN, **settings)


def test_conflicting_settings_are_refused():
    autoencoder = replace(PLAIN, kind="autoencoder")
    with pytest.raises(ConfigError, match="plain VAE"):
        check_together(autoencoder, replace(SHORT, objective="beta-tcvae"))
    with pytest.raises(ConfigError, match="plain VAE"):
        check_together(replace(autoencoder, beta_range=(0.1, 10.0)), SHORT)


def test_an_explorer_sees_a_conditional_model_at_one_label(tmp_path, train_into):
    path = train_into(tmp_path / "c", 3, kind="conditional", classes=10, epochs=2)
    explorer, z = Explorer.open(path), torch.randn(2, 3).numpy()
    model = load_model(load_run(path))
    for label in (0, 7):
        wanted = model.decode_mean(torch.from_numpy(z), Condition(labels=torch.full((2,), label)))
        found = explorer.at_label(label).decode(z)
        assert found == pytest.approx(wanted.numpy().transpose(0, 2, 3, 1), abs=1e-6)
        assert explorer.decode(z, [label, label]) == pytest.approx(found, abs=1e-6)
    assert explorer.decoder_identity != explorer.at_label(7).decoder_identity
    own = explorer.atlas_images([0, 1])
    labels = explorer.atlas.label[:2]
    assert own == pytest.approx(explorer.decode(explorer.atlas.mean[:2], labels), abs=1e-6)


def test_an_explorer_refuses_a_classifier(tmp_path, train_into):
    path = train_into(tmp_path / "classifier", 3, kind="classifier", classes=10, epochs=1)
    with pytest.raises(ConfigError, match="no images"):
        Explorer.open(path)


def test_the_commands_take_every_kind(tmp_path, capsys):
    quick = ["--epochs", "1", "--latent-dim", "3", "--threads", "1", "--json"]
    for kind in KINDS:
        train = ["train", "--dataset", "digits", "--model", kind, "--out", str(tmp_path / kind)]
        grid = ["--arch", "conv", "--latent-dim", "4"] if kind == "vq" else []
        assert main([*train, *quick, *grid]) == 0
        record = json.loads(capsys.readouterr().out)
        has_rate = load_run(tmp_path / kind).model.has_rate
        assert (record["test_elbo"] is not None) == has_rate
        evaluate = ["evaluate", str(tmp_path / kind), "--importance-samples", "2"]
        assert main([*evaluate, "--threads", "1", "--json"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert (record["log_likelihood"] is not None) == has_rate
        assert ("test_accuracy" in record) == (kind == "classifier")


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("conditional", [], "--label"),
        ("conditional", ["--label", "10"], "labels 0 to 9"),
        ("autoencoder", ["--label", "1"], "leave out --label"),
        ("classifier", [], "no images"),
    ],
)
def test_impossible_exports_are_refused(tmp_path, train_into, capsys, kind, options, words):
    classes = 10 if kind in ("conditional", "classifier") else 0
    path = train_into(tmp_path / kind, 3, kind=kind, classes=classes, epochs=1)
    assert main(["export", str(path), "--out", str(tmp_path / "m.onnx"), *options]) == 2
    assert words in capsys.readouterr().err


def test_a_conditional_model_is_exported_at_a_label(tmp_path, train_into):
    onnxruntime = pytest.importorskip("onnxruntime")
    path = train_into(tmp_path / "c", 3, kind="conditional", classes=10, epochs=1)
    out = tmp_path / "m.onnx"
    assert main(["export", str(path), "--label", "7", "--out", str(out)]) == 0
    z = torch.randn(2, 3)
    found = onnxruntime.InferenceSession(out).run(None, {"z": z.numpy()})[0]
    wanted = load_model(load_run(path)).at_label(7).decode_mean(z)
    assert found == pytest.approx(wanted.numpy(), abs=1e-5)
