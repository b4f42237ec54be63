"""Training steps agree with a loop of torch's own autograd, loss and optimiser."""

import gc
import weakref
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.support.slow import slow_except
from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import DivergedError
from vae.data.splits import Dataset
from vae.models.vae import VAE
from vae.training import RunGroup, TrainingRun, can_train_together, run_training, stepper
from vae.training.autograd_step import AutogradStep
from vae.training.manual.support import supports_manual_step
from vae.training.stepper import MAX_STEPS_PER_TURN, Stepper
from vae.training.weights import slot_view

MODEL = ModelConfig((1, 8, 8), latent_dim=3)
TRAIN = TrainConfig("digits", epochs=3, batch_size=64, learning_rate=3e-3, seed=5, beta=2.0)
STEPS = 20
CPU = torch.device("cpu")


def take_steps(group: RunGroup, steps: int) -> None:
    """Take some steps, with a report after each step."""
    for _ in zip(range(steps), group.run(report_seconds=0.0), strict=False):
        pass


def plain_loop(
    config: ModelConfig, train: TrainConfig, dataset: Dataset, steps: int
) -> tuple[VAE, float]:
    """Return the model after some steps of a plain loop, and the distortion of all steps."""
    training = TrainingRun(config, train, dataset)
    model, order = VAE.seeded(config, train.seed), training.order(0)
    optimiser = torch.optim.Adam(model.parameters())
    noise = torch.Generator().manual_seed(train.seed)
    total = 0.0
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = training.learning_rate(step)
        chosen = order[step * train.batch_size : (step + 1) * train.batch_size]
        images = dataset.train.images[chosen] / 255
        seen = images
        if train.corruption:
            drawn = torch.randn(images.shape, generator=noise)
            seen = (images + train.corruption * drawn).clamp(0, 1)
        mean, raw = model.encoder(seen).chunk(2, dim=1)
        logvar = raw.clamp(-10, 10)
        z = mean + torch.exp(logvar / 2) * torch.randn(mean.shape, generator=noise)
        distortion = plain_distortion(config, model.decoder(z), images)
        rate = -0.5 * (1 + logvar - mean**2 - logvar.exp())
        counted = rate.mean(dim=0).clamp(min=train.free_bits).sum()
        warmup_steps = train.warmup_epochs * training.steps_per_epoch
        kl_scale = min(1.0, step / warmup_steps) if warmup_steps else 1.0
        optimiser.zero_grad()
        (distortion.mean() + kl_scale * train.beta * counted).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), train.grad_clip)
        optimiser.step()
        total += float(distortion.detach().sum())
    return model, total / min(steps * train.batch_size, len(order))


def plain_distortion(config: ModelConfig, output: Tensor, images: Tensor) -> Tensor:
    if config.likelihood == "bernoulli":
        loss = F.binary_cross_entropy_with_logits(output, images, reduction="none")
    else:
        scale = torch.tensor(config.pixel_scale)
        loss = -torch.distributions.Normal(torch.sigmoid(output), scale).log_prob(images)
    return loss.flatten(1).sum(dim=1)


@torch.no_grad()
def assert_close(model: VAE, expected: VAE, tolerance: float) -> None:
    """Assert a small relative distance of all weights together and of each parameter."""
    for (name, found), wanted in zip(model.named_parameters(), expected.parameters(), strict=True):
        distance = float((found - wanted).norm() / wanted.norm())
        assert distance < tolerance, name


@torch.no_grad()
def distance(first: TrainingRun, other: TrainingRun) -> float:
    """Return the distance between the weights of two runs, relative to their norm."""
    a, b = (torch.cat([p.flatten() for p in t.model.parameters()]) for t in (first, other))
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize(
    ("model", "train"),
    [
        ({}, {}),
        ({"architecture": "mlp-deep"}, {"warmup_epochs": 1.0}),
        ({"likelihood": "gaussian", "pixel_scale": 0.3}, {}),
        ({}, {"beta": 2, "learning_rate": 1, "schedule": "constant", "grad_clip": 1e-3}),
        ({}, {"free_bits": 0.05}),
        ({}, {"grad_clip": 0.5}),
        ({}, {"corruption": 0.4}),
        ({"architecture": "conv"}, {"corruption": 0.4}),
        ({"architecture": "conv"}, {"warmup_epochs": 1.0}),
        ({"architecture": "conv-mlp"}, {"free_bits": 0.05, "grad_clip": 5.0}),
        ({"architecture": "conv", "likelihood": "gaussian", "pixel_scale": 0.3}, {"beta": 1.0}),
    ],
)
def test_steps_agree_with_a_plain_autograd_loop(digits, model, train):
    config, settings = replace(MODEL, **model), replace(TRAIN, **train)
    training = TrainingRun(config, settings, digits)
    report = next(run_training(training, report_seconds=1e9))
    _, distortion = plain_loop(config, settings, digits, training.steps_per_epoch)
    assert report.distortion == pytest.approx(distortion, rel=0.01)

    short = TrainingRun(config, settings, digits)
    take_steps(RunGroup([short]), STEPS)
    # A convolution's output may be 0 up to rounding. Whether a ReLU passes its gradient then
    # depends on the processor. A wrong formula has an error that is a hundred times as large.
    tolerance = 2e-4 if "conv" in config.architecture else 3e-5
    assert_close(short.model, plain_loop(config, settings, digits, STEPS)[0], tolerance)


@pytest.mark.parametrize("architecture", ["mlp", "conv", "conv-mlp"])
def test_steps_on_colour_images_agree_with_a_plain_autograd_loop(digits, architecture):
    """Data sets store channels first, and convolutions compute with channels last."""
    plain = digits.train.images
    images = torch.cat([plain, 255 - plain, plain.flip(-1)], dim=1)
    coloured = replace(digits, train=replace(digits.train, images=images))
    config = replace(MODEL, architecture=architecture, image_shape=(3, 8, 8))
    run = TrainingRun(config, TRAIN, coloured)
    take_steps(RunGroup([run]), STEPS)
    assert_close(run.model, plain_loop(config, TRAIN, coloured, STEPS)[0], 3e-5)


@pytest.mark.parametrize(
    ("model", "train", "models", "expected"),
    [
        ({}, {}, 5, True),
        ({}, {"precision": "bfloat16"}, 5, True),
        ({"architecture": "conv"}, {}, 1, True),
        ({"architecture": "conv-mlp"}, {}, 1, True),
        ({"architecture": "conv"}, {}, 2, False),
        ({"architecture": "conv"}, {"precision": "bfloat16"}, 1, False),
        ({"architecture": "resnet"}, {}, 1, False),
        ({"architecture": "conv", "beta_range": (0.1, 10.0)}, {}, 1, False),
        ({}, {"objective": "beta-tcvae"}, 1, False),
    ],
)
def test_the_manual_step_is_used_where_it_is_expected(model, train, models, expected):
    """Otherwise the comparisons with a plain loop could compare autograd with itself."""
    configs = replace(MODEL, **model), replace(TRAIN, **train)
    assert supports_manual_step(*configs, CPU, models) == expected


def test_free_bits_clipping_and_corruption_change_the_compared_numbers(digits):
    """Otherwise the comparisons above would not test these settings."""
    plain = plain_loop(MODEL, TRAIN, digits, STEPS)[0]
    changes = {"free_bits": 0.05, "grad_clip": 0.5, "warmup_epochs": 1.0, "corruption": 0.4}
    for name, value in changes.items():
        other = TrainingRun(MODEL, replace(TRAIN, **{name: value}), digits)
        take_steps(RunGroup([other]), STEPS)
        with pytest.raises(AssertionError):
            assert_close(other.model, plain, 1e-3)


def test_a_log_variance_at_its_limit_gets_no_gradient(digits):
    """The encoder's last layer has no gradient in the half that the clamp limits."""
    training = TrainingRun(MODEL, replace(TRAIN, grad_clip=1e9), digits)
    with torch.no_grad():
        training.model.encoder[3].bias[3:] = 50.0
    take_steps(RunGroup([training]), 1)
    moments = training.state()["adam.first.encoder.3.bias"]
    assert torch.equal(moments[3:], torch.zeros(3))
    assert moments[:3].abs().min() > 0


@pytest.mark.parametrize("by_turns", [True, False])
@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv"])
@pytest.mark.parametrize("seeds", slow_except([(5,), (5, 6)], [(5, 6)]))
def test_models_that_train_together_have_the_same_results_as_alone(
    digits, monkeypatch, architecture, by_turns, seeds
):
    """This holds in turns, as on the CPU, and for stacked runs, as on CUDA."""
    if not by_turns:
        monkeypatch.setattr(
            stepper, "supports_manual_step", lambda *_: architecture != "conv"
        )  # as on CUDA
        monkeypatch.setattr(stepper, "split_into_stacks", lambda members: [members])
    model = replace(MODEL, architecture=architecture)
    configs = [
        replace(TRAIN, beta=beta, seed=seed, warmup_epochs=0.5, grad_clip=20.0, free_bits=0.02)
        for beta in (0.5, 1.0, 4.0)
        for seed in seeds
    ]
    together = [TrainingRun(model, config, digits) for config in configs]
    take_steps(RunGroup(together), STEPS)
    alone = [TrainingRun(model, config, digits) for config in configs]
    for one, other in zip(alone, together, strict=True):
        take_steps(RunGroup([one]), STEPS)
        assert other.step == STEPS
        assert distance(other, one) < 1e-5
        assert torch.equal(other.noise.get_state(), one.noise.get_state())
    assert distance(together[0], together[-1]) > 0.01


def test_models_that_train_together_have_separate_reports(digits):
    configs = [replace(TRAIN, beta=beta) for beta in (0.5, 4.0)]
    together = [TrainingRun(MODEL, config, digits) for config in configs]
    reports = list(RunGroup(together).run(report_seconds=1e9))
    assert len(reports) == TRAIN.epochs
    for member, config in zip(together, configs, strict=True):
        alone = list(run_training(TrainingRun(MODEL, config, digits), report_seconds=1e9))
        for row, report in zip(reports, alone, strict=True):
            assert row[member].beta == report.beta == config.beta
            assert row[member].distortion == pytest.approx(report.distortion, rel=1e-4)
            assert row[member].rate == pytest.approx(report.rate, rel=1e-3)
            assert row[member].validation.elbo == pytest.approx(report.validation.elbo, rel=1e-3)
            assert row[member].ends_epoch


def test_the_time_of_models_that_train_together_is_shared(digits):
    configs = [replace(TRAIN, beta=beta) for beta in (0.5, 1.0, 2.0, 4.0)]
    members = [TrainingRun(MODEL, config, digits) for config in configs]
    last = next(RunGroup(members).run(report_seconds=1e9))[members[-1]]
    assert last.seconds == members[0].seconds > 0
    left = (last.steps - last.step) / last.step
    assert last.seconds_left == pytest.approx(left * 4 * last.seconds)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_a_dropped_run_changes_no_number_of_the_others(digits, architecture):
    model = replace(MODEL, architecture=architecture)
    configs = [replace(TRAIN, beta=beta, epochs=2) for beta in (0.5, 1.0, 4.0)]
    members = [TrainingRun(model, config, digits) for config in configs]
    group = RunGroup(members)
    for reports in group.run(report_seconds=0.0):
        if reports[members[0]].step == STEPS:
            group.drop(members[1])
    assert [member.step for member in members] == [44, STEPS, 44]
    for member, config in zip(members, configs, strict=True):
        alone = TrainingRun(model, config, digits)
        take_steps(RunGroup([alone]), member.step)
        assert distance(member, alone) < 1e-4
    take_steps(RunGroup([members[1]]), 44 - STEPS)
    alone = TrainingRun(model, configs[1], digits)
    assert distance(members[1], alone) > 0.01
    take_steps(RunGroup([alone]), 44)
    assert distance(members[1], alone) < 1e-4


def test_a_diverging_run_does_not_affect_the_others(digits):
    configs = [replace(TRAIN, beta=beta, epochs=1) for beta in (0.5, 1.0, 4.0)]
    members = [TrainingRun(MODEL, config, digits) for config in configs]
    group, yielded = RunGroup(members), []
    for reports in group.run(report_seconds=0.0):
        yielded.append(reports)
        if reports[members[0]].step == 3:
            members[1].weights.values[0] = float("nan")
    assert isinstance(yielded[3][members[1]], DivergedError)
    assert [len(reports) for reports in yielded] == [3] * 4 + [2] * 18
    assert group.members == [members[0], members[2]]
    alone = TrainingRun(MODEL, configs[2], digits)
    take_steps(RunGroup([alone]), 22)
    assert distance(members[2], alone) < 1e-4


def test_the_error_of_a_diverging_run_does_not_keep_the_stepper_alive(digits):
    """A caller may keep the error, which must not keep the device memory of the stepper."""
    members = [TrainingRun(MODEL, replace(TRAIN, beta=beta), digits) for beta in (0.5, 1.0)]
    group = RunGroup(members)
    run = group.run(report_seconds=0.0)
    next(run)
    stepper_ref = weakref.ref(group._stepper)
    members[1].weights.values[0] = float("nan")
    gc.disable()
    try:
        error = next(run)[members[1]]
        assert isinstance(error, DivergedError)
        assert stepper_ref() is None
    finally:
        gc.enable()


def test_only_runs_that_differ_in_beta_and_seed_train_together(digits):
    first = TrainingRun(MODEL, TRAIN, digits)
    assert can_train_together(first, TrainingRun(MODEL, replace(TRAIN, beta=7.0, seed=1), digits))
    for change in ({"epochs": 4}, {"learning_rate": 1e-3}, {"free_bits": 0.1}):
        assert not can_train_together(first, TrainingRun(MODEL, replace(TRAIN, **change), digits))
    other = TrainingRun(replace(MODEL, latent_dim=4), TRAIN, digits)
    assert not can_train_together(first, other)
    ahead = TrainingRun(MODEL, TRAIN, digits)
    take_steps(RunGroup([ahead]), 1)
    assert not can_train_together(first, ahead)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_manual_and_autograd_steps_are_interchangeable(digits, architecture):
    """The second kind of step continues from the moments of the first."""
    model = replace(MODEL, architecture=architecture)
    by_hand = TrainingRun(model, TRAIN, digits)
    take_steps(RunGroup([by_hand]), 10)
    half = TrainingRun(model, TRAIN, digits)
    half.restore(by_hand.state())
    step = AutogradStep(half)
    order = half.order(0)
    for position in range(10, STEPS):
        chosen = order[None, position * 64 : (position + 1) * 64]
        kl_scale, learning_rate = half.kl_scale(position), half.learning_rate(position)
        step(chosen, torch.tensor(kl_scale), torch.tensor(learning_rate))
    assert_close(half.model, plain_loop(model, TRAIN, digits, STEPS)[0], 1e-5)


def test_a_model_s_parameters_are_views_of_its_weights(digits):
    training = TrainingRun(replace(MODEL, architecture="conv"), TRAIN, digits)
    training.weights.values.fill_(0.25)
    assert all((p == 0.25).all() for p in training.model.parameters())
    kernel = training.model.encoder[0].weight
    assert kernel.is_contiguous(memory_format=torch.channels_last)


def test_denormal_moments_become_zero(digits):
    """A pixel is black in every image; arithmetic on numbers below 1.2e-38 is very slow."""
    training = TrainingRun(MODEL, TRAIN, digits)
    take_steps(RunGroup([training]), 1)
    first = training.state()["adam.first.encoder.1.weight"]
    black = (digits.train.images == 0).all(dim=0).flatten()
    assert black.any()
    assert (first[:, black] == 0).all()
    moments = slot_view(training.weights.first, training.weights.slots["encoder.1.weight"])
    moments[:, black] = 5e-39
    take_steps(RunGroup([training]), 1)
    assert (moments[:, black].contiguous().view(torch.int32) == 0).all()


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_training_in_bfloat16_agrees_with_float32(digits, architecture):
    """bfloat16 has relative errors of some parts in a thousand at each step."""
    model, before = replace(MODEL, architecture=architecture), torch.get_float32_matmul_precision()
    runs = [
        TrainingRun(model, replace(TRAIN, precision=precision), digits)
        for precision in ("float32", "bfloat16")
    ]
    reports = [list(run_training(run, report_seconds=1e9))[-1] for run in runs]
    assert reports[1].distortion == pytest.approx(reports[0].distortion, rel=0.02)
    assert torch.get_float32_matmul_precision() == before
    for name, parameter in runs[1].model.named_parameters():
        assert parameter.dtype == torch.float32, name


def test_models_take_several_steps_per_turn(digits):
    """Reports and the end of an epoch limit a turn, and all runs have the same step count."""
    members = [TrainingRun(MODEL, replace(TRAIN, beta=beta), digits) for beta in (1.0, 2.0, 4.0)]
    steps = Stepper(members)
    assert steps.step(max_steps=100, seconds=1e9) == 64
    assert {member.step for member in members} == {1}
    steps.step(max_steps=100, seconds=1e9)
    assert {member.step for member in members} == {1 + MAX_STEPS_PER_TURN}
    steps.step(max_steps=2, seconds=1e9)
    steps.step(max_steps=100, seconds=0.0)
    assert {member.step for member in members} == {4 + MAX_STEPS_PER_TURN}
