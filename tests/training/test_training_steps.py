"""A step of training, against a loop with torch's own autograd, loss and optimiser."""

import gc
import weakref
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

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


def take_steps(cohort: RunGroup, steps: int) -> None:
    """So many steps, a report after each."""
    for _ in zip(range(steps), cohort.run(report_seconds=0.0), strict=False):
        pass


def plain_loop(
    config: ModelConfig, train: TrainConfig, dataset: Dataset, steps: int
) -> tuple[VAE, float]:
    """The weights after some steps of an ordinary loop, and the distortion over all of them."""
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
    """The relative distance of all weights together, and nothing far off on its own."""
    for (name, found), wanted in zip(model.named_parameters(), expected.parameters(), strict=True):
        distance = float((found - wanted).norm() / wanted.norm())
        assert distance < tolerance, name


@torch.no_grad()
def distance(first: TrainingRun, other: TrainingRun) -> float:
    """Between the weights of two runs, relative to their size."""
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
def test_steps_are_those_of_an_ordinary_loop(digits, model, train):
    config, settings = replace(MODEL, **model), replace(TRAIN, **train)
    training = TrainingRun(config, settings, digits)
    report = next(run_training(training, report_seconds=1e9))
    _, distortion = plain_loop(config, settings, digits, training.steps_per_epoch)
    assert report.distortion == pytest.approx(distortion, rel=0.01)

    short = TrainingRun(config, settings, digits)
    take_steps(RunGroup([short]), STEPS)
    # A convolution's output may be zero to rounding, and a ReLU then passes a gradient or not,
    # depending on the processor. A wrong formula is off by a hundred times as much.
    tolerance = 2e-4 if "conv" in config.architecture else 3e-5
    assert_close(short.model, plain_loop(config, settings, digits, STEPS)[0], tolerance)


@pytest.mark.parametrize("architecture", ["mlp", "conv", "conv-mlp"])
def test_steps_on_colour_images_are_those_of_an_ordinary_loop(digits, architecture):
    """Channels come first in the data set and last in convolutions."""
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
def test_which_steps_are_taken_by_hand(model, train, models, expected):
    """Else the comparisons with an ordinary loop could compare autograd with itself."""
    configs = replace(MODEL, **model), replace(TRAIN, **train)
    assert supports_manual_step(*configs, CPU, models) == expected


def test_free_bits_clipping_and_corruption_make_a_difference_there(digits):
    """Else the comparisons above would compare nothing."""
    plain = plain_loop(MODEL, TRAIN, digits, STEPS)[0]
    changes = {"free_bits": 0.05, "grad_clip": 0.5, "warmup_epochs": 1.0, "corruption": 0.4}
    for name, value in changes.items():
        other = TrainingRun(MODEL, replace(TRAIN, **{name: value}), digits)
        take_steps(RunGroup([other]), STEPS)
        with pytest.raises(AssertionError):
            assert_close(other.model, plain, 1e-3)


def test_a_log_variance_at_its_limit_gets_no_gradient(digits):
    """Of the encoder's last layer, in the half that the clamp holds."""
    training = TrainingRun(MODEL, replace(TRAIN, grad_clip=1e9), digits)
    with torch.no_grad():
        training.model.encoder[3].bias[3:] = 50.0
    take_steps(RunGroup([training]), 1)
    moments = training.state()["adam.first.encoder.3.bias"]
    assert torch.equal(moments[3:], torch.zeros(3))
    assert moments[:3].abs().min() > 0


@pytest.mark.parametrize("by_turns", [True, False])
@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv"])
@pytest.mark.parametrize("seeds", [(5,), (5, 6)])
def test_models_that_train_together_come_out_as_if_alone(
    digits, monkeypatch, architecture, by_turns, seeds
):
    """By turns, as on the CPU; or side by side, as on CUDA."""
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


def test_reports_of_models_that_train_together_are_each_one_s_own(digits):
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
def test_one_that_is_dropped_changes_nothing_for_the_others(digits, architecture):
    model = replace(MODEL, architecture=architecture)
    configs = [replace(TRAIN, beta=beta, epochs=2) for beta in (0.5, 1.0, 4.0)]
    members = [TrainingRun(model, config, digits) for config in configs]
    cohort = RunGroup(members)
    for reports in cohort.run(report_seconds=0.0):
        if reports[members[0]].step == STEPS:
            cohort.drop(members[1])
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


def test_one_that_diverges_leaves_the_others_alone(digits):
    configs = [replace(TRAIN, beta=beta, epochs=1) for beta in (0.5, 1.0, 4.0)]
    members = [TrainingRun(MODEL, config, digits) for config in configs]
    cohort, told = RunGroup(members), []
    for reports in cohort.run(report_seconds=0.0):
        told.append(reports)
        if reports[members[0]].step == 3:
            members[1].weights.values[0] = float("nan")
    assert isinstance(told[3][members[1]], DivergedError)
    assert [len(reports) for reports in told] == [3] * 4 + [2] * 18
    assert cohort.members == [members[0], members[2]]
    alone = TrainingRun(MODEL, configs[2], digits)
    take_steps(RunGroup([alone]), 22)
    assert distance(members[2], alone) < 1e-4


def test_one_that_diverges_frees_what_took_its_steps(digits):
    """Its error may be kept, and must not keep the stepper with all that is on the device."""
    members = [TrainingRun(MODEL, replace(TRAIN, beta=beta), digits) for beta in (0.5, 1.0)]
    cohort = RunGroup(members)
    run = cohort.run(report_seconds=0.0)
    next(run)
    taken_by = weakref.ref(cohort._stepper)
    members[1].weights.values[0] = float("nan")
    gc.disable()
    try:
        error = next(run)[members[1]]
        assert isinstance(error, DivergedError)
        assert taken_by() is None
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
def test_the_step_by_hand_and_the_one_by_autograd_are_interchangeable(digits, architecture):
    """The second goes on from the moments that the first left."""
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


def test_moments_that_fade_become_zero(digits):
    """A pixel that is black in every image: arithmetic on what is below 1.2e-38 is very slow."""
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
def test_layers_in_bfloat16_learn_the_same(digits, architecture):
    """As near as bfloat16 has it: relative errors of some parts in a thousand at each step."""
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


def test_models_that_take_turns_take_several_steps_in_each(digits):
    """As many as the reports leave time for, up to the end of the epoch, and all stay abreast."""
    members = [TrainingRun(MODEL, replace(TRAIN, beta=beta), digits) for beta in (1.0, 2.0, 4.0)]
    steps = Stepper(members)
    assert steps.step(max_steps=100, seconds=1e9) == 64
    assert {member.step for member in members} == {1}
    steps.step(max_steps=100, seconds=1e9)
    assert {member.step for member in members} == {1 + MAX_STEPS_PER_TURN}
    steps.step(max_steps=2, seconds=1e9)
    steps.step(max_steps=100, seconds=0.0)
    assert {member.step for member in members} == {4 + MAX_STEPS_PER_TURN}
