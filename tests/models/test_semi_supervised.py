"""The semi-supervised kind has the right bound and learns from few labels."""

import json
import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from vae.__main__ import main
from vae.core.compatibility import check_together
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError
from vae.data.sampling import LABELLED_SHARE, EpochSampler, keep_labels, labelled_indices
from vae.explorer import Explorer
from vae.metrics.evaluation import classify_split, evaluate
from vae.models.build import build_seeded
from vae.models.condition import Condition
from vae.models.semi_supervised import ALPHA, SemiSupervisedVAE
from vae.training import TrainingRun, run_training
from vae.training.manual.support import supports_manual_step

CONFIG = ModelConfig((1, 8, 8), 3, kind="semi-supervised", classes=4)
TRAIN = TrainConfig("digits", epochs=2, batch_size=32, learning_rate=3e-3, labelled=50)


def some_model(architecture: str = "mlp") -> SemiSupervisedVAE:
    """Returns a model whose output depends on the label."""
    model = build_seeded(replace(CONFIG, architecture=architecture), 0)
    assert isinstance(model, SemiSupervisedVAE)
    for network in (model.encoder, model.decoder):
        torch.nn.init.normal_(network.offsets, generator=torch.Generator().manual_seed(2))
    return model.requires_grad_(False)


def some_images(count: int) -> torch.Tensor:
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(1)).round()


def bound(model: SemiSupervisedVAE, image, noise, label: int) -> torch.Tensor:
    """Returns log p(x|z, y) - KL(q(z|x, y) || p(z)) of an image, by torch.distributions."""
    labels, prior = torch.tensor([label]), Normal(0.0, 1.0)
    posterior = model.encode(image[None], Condition(labels=labels))
    normal = Normal(posterior.mean, (posterior.logvar / 2).exp())
    z = normal.mean + normal.stddev * noise
    pixels = Bernoulli(logits=model.decode(z, Condition(labels=labels)))
    return pixels.log_prob(image[None]).sum() - kl_divergence(normal, prior).sum()


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_the_unlabelled_bound_is_the_sum_over_all_labels(architecture):
    model, images, noise = some_model(architecture), some_images(5), torch.randn(5, 3)
    labels = torch.tensor([-1, 2, -1, 0, -1])
    found = model.elbo_terms(images, noise, Condition(labels=labels))
    guesses = Categorical(logits=model.classify(images))
    uniform = torch.full((4,), 0.25).log()
    for i, label in enumerate(labels.tolist()):
        bounds = torch.stack([bound(model, images[i], noise[i], y) for y in range(4)])
        if label >= 0:  # equation 6, and the classifier's share of equation 9
            loss = -(bounds[label] + uniform[label]) - ALPHA * guesses.logits[i, label]
        else:  # equation 7
            q = guesses.probs[i]
            loss = (q * -(bounds + uniform)).sum() - Categorical(probs=q).entropy()
        assert float(found.penalty[i] - found.elbo[i]) == pytest.approx(float(loss), rel=1e-5)


def test_known_labels_give_the_terms_of_these_labels_alone():
    model, images, noise = some_model(), some_images(4), torch.randn(4, 3)
    labels = torch.tensor([3, 1, 0, 1])
    alone = model.elbo_terms(images, noise, Condition(labels=labels))
    beside = model.elbo_terms(
        torch.cat([images, images]),
        torch.cat([noise, noise]),
        Condition(labels=torch.cat([labels, torch.full((4,), -1)])),
    )
    for name in ("distortion", "rate_per_dimension", "z", "penalty"):
        torch.testing.assert_close(getattr(alone, name), getattr(beside, name)[:4])
    torch.testing.assert_close(alone.posterior.mean, beside.posterior.mean[:4])
    plain = model.at_label(1).elbo_terms(images[[1, 3]], noise[[1, 3]])
    torch.testing.assert_close(plain.elbo, alone.elbo[[1, 3]])


def test_an_unlabelled_image_has_the_posterior_of_its_most_probable_label():
    model, images, noise = some_model(), some_images(6), torch.randn(6, 3)
    found = model.elbo_terms(images, noise, Condition(labels=torch.full((6,), -1)))
    wanted = model.encode(images, Condition(labels=model.classify(images).argmax(dim=1)))
    torch.testing.assert_close(found.posterior.mean, wanted.mean)
    torch.testing.assert_close(found.z, wanted.sample(noise))


def test_labels_are_balanced_and_follow_from_the_seed(digits):
    labels = digits.train.labels
    chosen = labelled_indices(labels, 53, seed=3)
    assert chosen.equal(chosen.unique())
    assert labels[chosen].bincount().tolist() == [6, 6, 6, 5, 5, 5, 5, 5, 5, 5]
    assert chosen.equal(labelled_indices(labels, 53, seed=3))
    assert not chosen.equal(labelled_indices(labels, 53, seed=4))
    kept = keep_labels(digits.train, 53, seed=3).labels
    assert torch.where(kept >= 0)[0].equal(chosen)
    assert kept[chosen].equal(labels[chosen])


@pytest.mark.parametrize(("count", "words"), [(9, "too few"), (100_000, "which has")])
def test_impossible_numbers_of_labels_are_refused(digits, count, words):
    with pytest.raises(ConfigError, match=words):
        labelled_indices(digits.train.labels, count, seed=0)


def test_every_batch_brings_labelled_images_and_every_other_image_comes_once(digits):
    training = TrainingRun(replace(CONFIG, classes=10), TRAIN, digits)
    known = training.images.labels >= 0
    order = training.order(0)
    batches = order.split(TRAIN.batch_size)
    assert len(batches) == training.steps_per_epoch
    shares = [float(known[batch].float().mean()) for batch in batches]
    assert min(shares) >= LABELLED_SHARE - 0.02
    assert sum(shares[:-1]) / len(shares[:-1]) == pytest.approx(LABELLED_SHARE, abs=0.02)
    times = order.bincount(minlength=len(known))
    assert bool((times[~known] == 1).all())
    assert int(times[known].max() - times[known].min()) <= 1
    assert not order.equal(training.order(1))


def test_the_order_of_other_kinds_is_a_plain_permutation(digits):
    order = EpochSampler(digits.train, 32, repeats_labelled=False)
    assert order.steps == math.ceil(len(digits.train) / 32)
    drawn = order.indices(torch.Generator().manual_seed(5))
    assert drawn.equal(
        torch.randperm(len(digits.train), generator=torch.Generator().manual_seed(5))
    )


def test_a_resumed_run_is_the_same(digits):
    config = replace(CONFIG, classes=10)
    whole, begun, resumed = (TrainingRun(config, TRAIN, digits) for _ in range(3))
    for _ in run_training(whole):
        pass
    for _ in zip(range(70), run_training(begun, report_seconds=0), strict=False):
        pass
    assert begun.step % begun.steps_per_epoch
    resumed.restore(begun.state())
    for _ in run_training(resumed):
        pass
    for name, value in whole.model.state_dict().items():
        assert value.equal(resumed.model.state_dict()[name]), name


def test_fifty_labels_teach_it_most_of_the_digits(digits, tmp_path, train_into):
    settings = {"epochs": 6, "batch_size": 64, "learning_rate": 3e-3, "labelled": 50}
    path = train_into(tmp_path / "m", 4, kind="semi-supervised", classes=10, **settings)
    explorer = Explorer.open(path)
    assert explorer.run.train.labelled == 50
    images = digits.test.images.numpy().transpose(0, 2, 3, 1) / 255
    probabilities = explorer.classify(images)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
    right = probabilities.argmax(axis=1) == digits.test.labels.numpy()
    assert right.mean() > 0.7  # chance is 0.1


def test_results_are_measured_at_the_true_label(digits):
    model = build_seeded(replace(CONFIG, classes=10), 0).requires_grad_(False)
    found = evaluate(model, digits.test)
    generator = torch.Generator().manual_seed(0)
    images = digits.test.batch(torch.arange(len(digits.test)))
    noise = torch.randn(len(images), 3, generator=generator)
    wanted = model.elbo_terms(images, noise, Condition(labels=digits.test.labels)).elbo.mean()
    assert found.elbo == pytest.approx(float(wanted), rel=1e-5)
    assert classify_split(model, digits.test).shape == (360, 10)


def test_conflicting_settings_are_refused(tiny_checkpoint):
    with pytest.raises(ConfigError, match="semi-supervised"):
        check_together(ModelConfig((1, 8, 8)), TRAIN)
    with pytest.raises(ConfigError, match="--model semi-supervised"):
        Explorer.open(tiny_checkpoint).classify([[[[0.0]]]])
    assert not supports_manual_step(CONFIG, TRAIN, torch.device("cpu"))


def test_evaluating_reports_the_error_of_the_classifier(digits, tmp_path, train_into, capsys):
    settings = {"epochs": 2, "labelled": 40, "validation_fraction": 0}
    path = train_into(tmp_path / "m", 3, kind="semi-supervised", classes=10, **settings)
    assert main(["evaluate", str(path), "--importance-samples", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    images = digits.test.images.numpy().transpose(0, 2, 3, 1) / 255
    wrong = Explorer.open(path).classify(images).argmax(axis=1) != digits.test.labels.numpy()
    assert found["test_error"] == pytest.approx(wrong.mean())
    assert "test_accuracy" not in found
