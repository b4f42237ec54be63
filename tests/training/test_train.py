"""Training learns, is reproducible, stops and resumes exactly, and detects divergence."""

import itertools
import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import DataError, DivergedError, TrainingError
from vae.metrics.evaluation import evaluate, explain_collapse
from vae.models.vae import VAE
from vae.runs.recorder import RecordedTraining
from vae.training import Report, TrainingRun, run_training
from vae.training.run import NOISE_BYTES
from vae.training.stepper import Stepper

MODEL = ModelConfig((1, 8, 8), latent_dim=3)
TRAIN = TrainConfig("digits", epochs=3, batch_size=64, learning_rate=3e-3, seed=5)
STEPS_PER_EPOCH = 22  # 1366 training images in batches of 64


def trained(dataset, config: TrainConfig = TRAIN, model: ModelConfig = MODEL) -> TrainingRun:
    training = TrainingRun(model, config, dataset)
    for _ in run_training(training):
        pass
    return training


def run_until(training: TrainingRun, step: int) -> list[Report]:
    """Take steps until `step`, with a report after each step."""
    reports = []
    for report in run_training(training, report_seconds=0.0):
        reports.append(report)
        if report.step == step:
            break
    return reports


def closing(reports: list[Report]) -> list[Report]:
    return [report for report in reports if report.ends_epoch]


def assert_equal_states(first: TrainingRun, second: TrainingRun) -> None:
    """Assert bit-equal weights, moments, step counts, noise generators and steps."""
    a, b = first.state(), second.state()
    assert a.keys() == b.keys()
    assert any(name.startswith("adam.second.") for name in a)
    for name in a.keys() - {"seconds"}:
        assert torch.equal(a[name], b[name]), name


@pytest.mark.parametrize("architecture", ["mlp", "mlp-deep", "conv", "conv-mlp"])
def test_every_architecture_learns(digits, architecture):
    """The distortion falls clearly, and the code holds information about the image."""
    model = replace(MODEL, architecture=architecture)
    config = replace(TRAIN, epochs=4, batch_size=16, learning_rate=2e-3, warmup_epochs=4.0)
    before = evaluate(VAE.seeded(model, config.seed), digits.test)
    after = evaluate(trained(digits, config, model).model, digits.test)
    assert after.elbo > before.elbo + 15
    assert after.rate > 0.4
    assert after.active_units > 0


def test_the_gaussian_likelihood_learns(digits):
    model = replace(MODEL, likelihood="gaussian", pixel_scale=0.2)
    before = evaluate(VAE.seeded(model, TRAIN.seed), digits.test)
    after = evaluate(trained(digits, TRAIN, model).model, digits.test)
    assert after.elbo > before.elbo + 50


def test_the_seed_decides_the_trained_weights(digits):
    first = trained(digits)
    assert_equal_states(first, trained(digits))
    other = trained(digits, replace(TRAIN, seed=6))
    assert not torch.equal(
        first.model.state_dict()["encoder.1.weight"], other.model.state_dict()["encoder.1.weight"]
    )


def test_training_does_not_use_torch_s_global_random_state(digits):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = trained(digits, replace(TRAIN, epochs=1))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert_equal_states(first, trained(digits, replace(TRAIN, epochs=1)))


@pytest.mark.parametrize("stop_at", [30, 2 * STEPS_PER_EPOCH])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(digits, tmp_path, stop_at):
    config = replace(TRAIN, beta=2.0, warmup_epochs=2.5, free_bits=0.05, corruption=0.2)
    whole = TrainingRun(MODEL, config, digits)
    expected = closing(list(run_training(whole)))

    stopped = RecordedTraining.start(tmp_path, MODEL, config, digits, torch.device("cpu"))
    for report in stopped.run(report_seconds=0.0):
        if report.step == stop_at and (report.ends_epoch or stop_at % STEPS_PER_EPOCH):
            break
    stopped.finish()
    torch.manual_seed(1234)
    resumed = RecordedTraining.resume(tmp_path, digits, torch.device("cpu"))
    assert resumed.training.step == stop_at
    found = closing(list(resumed.run()))

    assert_equal_states(whole, resumed.training)
    for report, other in zip(found, expected[-len(found) :], strict=True):
        assert report.validation == other.validation
        assert (report.epoch, report.beta) == (other.epoch, other.beta)
    assert found[-1].distortion == pytest.approx(expected[-1].distortion, rel=1e-6)
    assert evaluate(whole.model, digits.test) == evaluate(resumed.training.model, digits.test)


def test_a_run_without_further_requests_stops_and_later_continues(digits):
    whole = trained(digits)
    paused = TrainingRun(MODEL, TRAIN, digits)
    run_until(paused, 7)
    run_until(paused, 31)
    assert paused.step == 31
    for _ in run_training(paused):
        pass
    assert_equal_states(whole, paused)


def test_the_frequency_of_reports_changes_no_number(digits):
    config = replace(TRAIN, epochs=1)
    often = TrainingRun(MODEL, config, digits)
    reports = list(run_training(often, report_seconds=0.0))
    assert len(reports) == STEPS_PER_EPOCH
    seldom = TrainingRun(MODEL, config, digits)
    (report,) = run_training(seldom, report_seconds=1e9)
    assert_equal_states(often, seldom)
    assert report.distortion == pytest.approx(reports[-1].distortion, rel=1e-5)
    assert report.validation == reports[-1].validation


def test_a_state_of_another_model_is_refused(digits):
    state = trained(digits, replace(TRAIN, epochs=1)).state()
    other = TrainingRun(replace(MODEL, latent_dim=4), TRAIN, digits)
    with pytest.raises(TrainingError, match="does not fit this run"):
        other.restore(state)
    del state["noise"]
    with pytest.raises(TrainingError, match="does not fit this run"):
        TrainingRun(MODEL, TRAIN, digits).restore(state)


def test_a_run_continues_on_another_kind_of_device(digits):
    """The noise generator gets a new seed there, which is the same at every attempt."""
    state = trained(digits, replace(TRAIN, epochs=1)).state()
    assert len(state["noise"]) in NOISE_BYTES
    moved = [TrainingRun(MODEL, TRAIN, digits) for _ in range(2)]
    for each in moved:
        each.restore(state | {"noise": torch.zeros(16, dtype=torch.uint8)})
        run_until(each, STEPS_PER_EPOCH + 3)
    assert_equal_states(*moved)
    with pytest.raises(TrainingError, match="does not fit this run"):
        moved[0].restore(state | {"noise": torch.zeros(17, dtype=torch.uint8)})


def test_images_of_another_shape_are_refused(digits):
    with pytest.raises(DataError, match=r"shape \(1, 8, 8\), but the model takes \(1, 28, 28\)"):
        TrainingRun(ModelConfig((1, 28, 28)), TRAIN, digits)


def test_reports_describe_the_progress(digits):
    config = replace(TRAIN, epochs=2, beta=3.0, warmup_epochs=1.0)
    reports = list(run_training(TrainingRun(MODEL, config, digits), report_seconds=0.0))
    steps = 2 * STEPS_PER_EPOCH

    first, last = reports[0], reports[-1]
    assert (first.step, first.steps, first.epoch, first.active_units) == (1, steps, 0, None)
    assert first.beta == 0.0
    assert reports[10].beta == pytest.approx(3.0 * 10 / STEPS_PER_EPOCH)
    assert (last.step, last.epoch, last.beta) == (steps, 2, 3.0)
    assert [r.epoch for r in closing(reports)] == [1, 2]
    assert all(r.validation is not None for r in closing(reports))
    assert all(r.validation is None for r in reports if not r.ends_epoch)

    assert all(r.images_per_second > 0 for r in reports)
    assert last.seconds_left == 0.0
    middle = reports[STEPS_PER_EPOCH - 1]
    assert middle.step == STEPS_PER_EPOCH
    assert middle.seconds_left == pytest.approx(middle.seconds)
    assert all(a.seconds <= b.seconds for a, b in pairwise(reports))
    assert first.rate == pytest.approx(sum(first.rate_per_dimension))
    assert len(first.rate_per_dimension) == 3


def test_the_last_report_of_an_epoch_covers_the_whole_epoch_after_a_pause(digits):
    config = replace(TRAIN, epochs=1)
    (whole,) = run_training(TrainingRun(MODEL, config, digits), report_seconds=1e9)
    paused = TrainingRun(MODEL, config, digits)
    assert len(list(itertools.islice(run_training(paused, report_seconds=0.0), 7))) == 7
    resumed = TrainingRun(MODEL, config, digits)
    resumed.restore(paused.state())
    (closing,) = run_training(resumed, report_seconds=1e9)
    assert closing.distortion == pytest.approx(whole.distortion, rel=1e-5)
    assert closing.rate == pytest.approx(whole.rate, rel=1e-4)


def test_every_epoch_has_every_training_image_once_in_a_new_order(digits):
    training = TrainingRun(MODEL, replace(TRAIN, epochs=2), digits)
    batches = []
    stepper = Stepper([training])
    (stack,) = stepper.stacks
    take_step = stack.take_step

    def spy(indices, *schedule):
        batches.append(indices[0])
        take_step(indices, *schedule)

    stack.take_step = spy
    for _ in range(2 * STEPS_PER_EPOCH):
        stepper.step()
    orders = [torch.cat(batches[:STEPS_PER_EPOCH]), torch.cat(batches[STEPS_PER_EPOCH:])]
    assert all(torch.equal(order.sort().values, torch.arange(1366)) for order in orders)
    assert not torch.equal(*orders)


class RecordingStep:
    """A step that records its learning rates."""

    def __init__(self, step, rates) -> None:
        self._step, self._rates = step, rates

    def __call__(self, indices, kl_scale, learning_rate) -> None:
        self._rates.append(float(learning_rate))
        self._step(indices, kl_scale, learning_rate)


def test_the_cosine_schedule_falls_from_the_learning_rate_towards_zero(digits):
    rates = {}
    for schedule in ("cosine", "constant"):
        training = TrainingRun(MODEL, replace(TRAIN, schedule=schedule, epochs=2), digits)
        stepper, rates[schedule] = Stepper([training]), []
        (stack,) = stepper.stacks
        stack.take_step = RecordingStep(stack.take_step, rates[schedule])
        while not training.finished:
            stepper.step()
    assert rates["cosine"][0] == pytest.approx(3e-3)
    assert rates["cosine"][STEPS_PER_EPOCH] == pytest.approx(1.5e-3)
    assert rates["cosine"][-1] < 1e-4
    assert rates["constant"] == pytest.approx([3e-3] * 2 * STEPS_PER_EPOCH)


def test_gradients_are_clipped(digits):
    """Adam's first moment after one step is a tenth of the clipped gradient."""
    training = TrainingRun(MODEL, replace(TRAIN, grad_clip=0.5), digits)
    run_until(training, 1)
    moments = [v for k, v in training.state().items() if k.startswith("adam.first.")]
    norm = math.sqrt(sum(float(m.double().square().sum()) for m in moments))
    assert norm == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("report_seconds", [0.0, 1e9])
def test_a_nan_weight_stops_training_with_advice(digits, report_seconds):
    config = replace(TRAIN, learning_rate=0.02, grad_clip=1e9)
    training = TrainingRun(MODEL, config, digits)
    run_until(training, 3)
    with torch.no_grad():
        training.model.decoder[0].bias[0] = math.nan
    with pytest.raises(DivergedError) as caught:
        list(run_training(training, report_seconds))
    message = str(caught.value)
    assert "lower the learning rate (now 0.02, try 0.002)" in message
    assert "clip gradients at a smaller norm (now 1e+09)" in message
    assert "\n" not in message


def test_divergence_in_the_last_step_is_detected(digits):
    """The loss of the last step is finite, and its gradient is not."""
    training = TrainingRun(MODEL, replace(TRAIN, epochs=1, batch_size=5000), digits)
    training.weights.second[0] = math.nan
    with pytest.raises(DivergedError):
        list(run_training(training))


def test_a_run_with_huge_codes_opens_or_is_reported_as_diverged(digits, tmp_path):
    """With beta 0 nothing limits the codes, which may overflow half precision."""
    from vae.explorer import Explorer

    config = replace(TRAIN, beta=0.0, learning_rate=10.0, grad_clip=1e9, schedule="constant")
    recorded = RecordedTraining.start(tmp_path, MODEL, config, digits, torch.device("cpu"))
    try:
        for _ in recorded.run():
            pass
        recorded.finish()
    except DivergedError:
        return
    Explorer.open(tmp_path)


def test_total_collapse_at_a_huge_beta_is_explained(digits):
    config = replace(TRAIN, beta=10_000.0)
    found = evaluate(trained(digits, config).model, digits.test)
    assert found.active_units == 0
    message = explain_collapse(found.inactive, 3, config)
    assert message is not None
    assert "collapsed: all 3 latent dimensions" in message
    assert "lower beta (now 10000)" in message


def test_a_batch_size_above_the_data_set_s_size_is_allowed(digits):
    training = TrainingRun(MODEL, replace(TRAIN, epochs=2, batch_size=1_000_000), digits)
    reports = list(run_training(training))
    assert (training.steps_per_epoch, training.steps) == (1, 2)
    assert [r.step for r in closing(reports)] == [1, 2]
    assert training.finished


def test_active_units_are_those_of_training_images_without_a_validation_split(digits):
    from vae.data.registry import load_dataset

    dataset = load_dataset("digits", validation_fraction=0.0)
    assert len(dataset.validation) == 0
    reports = list(run_training(TrainingRun(MODEL, replace(TRAIN, epochs=1), dataset)))
    assert reports[-1].validation is None
    assert reports[-1].active_units is not None


def test_the_speed_leaves_out_the_first_epoch_and_evaluations(digits, monkeypatch):
    """A fake clock gives 4 s per step in epoch 1, then 1 s, and 100 s per evaluation or pause."""
    clock = SimpleNamespace(now=0.0)
    training = TrainingRun(MODEL, replace(TRAIN, epochs=3, batch_size=683), digits)
    take = Stepper.step

    def timed_take(stepper, most, seconds):
        clock.now += 4 if training.step < 2 else 1
        return take(stepper)

    def timed_evaluate(*arguments):
        clock.now += 100
        return evaluate(*arguments)

    monkeypatch.setattr(
        "vae.training.run_group.time", SimpleNamespace(perf_counter=lambda: clock.now)
    )
    monkeypatch.setattr("vae.training.run.evaluate", timed_evaluate)
    monkeypatch.setattr(Stepper, "step", timed_take)
    reports = []
    for report in run_training(training, report_seconds=1e9):
        reports.append(report)
        clock.now += 100
    assert training.seconds == 12
    assert training.images_per_second == pytest.approx(2 * 1366 / 4)
    assert [r.images_per_second for r in reports] == pytest.approx([1366 / 8, 683, 683])
    assert [r.seconds_left for r in reports] == pytest.approx([16, 5, 0])
