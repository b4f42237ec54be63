"""Steps replayed from CUDA graphs give the numbers of eager steps."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import disable_tf32_convolutions
from vae.training import TrainingRun
from vae.training.graphed_step import EAGER_STEPS, STEPS_PER_SYNC, GraphedStep
from vae.training.stepper import Stepper

MODEL = ModelConfig((1, 8, 8), latent_dim=3)
TRAIN = TrainConfig("digits", epochs=6, batch_size=64, seed=5, warmup_epochs=2.0)
STEPS_PER_EPOCH = 22

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA")


class CountingStep:
    """A step that only records its calls."""

    def __init__(self) -> None:
        self.sums = torch.zeros(1, 4)
        self.generators: list[torch.Generator] = []
        self.calls: list[tuple[int, float]] = []

    def __call__(self, indices, kl_scale, learning_rate) -> None:
        self.calls.append((indices.shape[1], float(kl_scale)))


class CountedGraphs:
    """Replaces `CudaGraphs`: takes every step at once and records each request."""

    def __init__(self) -> None:
        self.eager: list[int] = []
        self.recorded: list[int] = []
        self.events: list[str] = []

    def run_eagerly(self, step, *inputs) -> None:
        self.eager.append(inputs[0].shape[1])
        step(*inputs)

    def record(self, step, *inputs):
        self.recorded.append(inputs[0].shape[1])
        return SimpleNamespace(replay=step)

    def mark(self):
        name = str(len([event for event in self.events if event.startswith("mark")]) + 1)
        self.events.append(f"mark {name}")
        return SimpleNamespace(synchronize=lambda: self.events.append(f"wait for {name}"))


def test_each_batch_size_is_recorded_once_after_its_first_steps():
    """Every step is taken once, in order and with its inputs; this needs no CUDA."""
    step, graphs = CountingStep(), CountedGraphs()
    graphed = GraphedStep(step, graphs)
    expected = []
    for epoch in range(5):
        for position, size in enumerate((64, 64, 64, 10)):
            kl_scale = epoch + position / 10
            graphed(torch.zeros(1, size, dtype=torch.int64), torch.tensor(kl_scale), torch.ones(()))
            expected.append((size, pytest.approx(kl_scale)))
    assert step.calls == expected
    assert graphs.eager.count(64) == graphs.eager.count(10) == EAGER_STEPS
    assert graphs.recorded == [64, 10]


def test_the_host_waits_before_it_is_far_ahead_of_the_device():
    """The host waits for a mark after it has made the next one."""
    graphs = CountedGraphs()
    graphed = GraphedStep(CountingStep(), graphs)
    for _ in range(3 * STEPS_PER_SYNC):
        graphed(torch.zeros(1, 64, dtype=torch.int64), torch.ones(()), torch.ones(()))
    assert graphs.events == ["mark 1", "mark 2", "wait for 1", "mark 3", "wait for 2"]


@needs_cuda
@pytest.mark.parametrize(
    ("model", "train"),
    [
        ({}, {}),
        ({"architecture": "mlp-deep"}, {"free_bits": 0.05, "grad_clip": 5.0}),
        ({"architecture": "conv"}, {}),
        ({"architecture": "conv"}, {"precision": "bfloat16"}),
        ({"architecture": "conv", "beta_range": (0.1, 10.0)}, {}),
        ({}, {"objective": "beta-tcvae"}),
    ],
)
def test_replayed_steps_give_the_numbers_of_eager_steps(digits, monkeypatch, model, train):
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    disable_tf32_convolutions(torch.device("cuda"))
    runs = []
    for graphed in (True, False):
        runs.append(TrainingRun(replace(MODEL, **model), replace(TRAIN, **train), digits, "cuda"))
        stepper = Stepper([runs[-1]], graphed)
        for _ in range(4 * STEPS_PER_EPOCH + 5):
            stepper.step()
        assert isinstance(stepper.stacks[0].take_step, GraphedStep) == graphed
    first, second = (torch.cat([p.flatten() for p in run.model.parameters()]) for run in runs)
    assert float((first - second).norm() / second.norm()) < 1e-4
    assert torch.equal(runs[0].noise.get_state(), runs[1].noise.get_state())


@needs_cuda
def test_a_sweep_on_cuda_agrees_with_one_on_the_cpu(digits):
    """CUDA generates other noise, so the results agree only roughly, after three epochs."""
    found = {}
    for device in ("cuda", "cpu"):
        members = [
            TrainingRun(MODEL, replace(TRAIN, beta=beta, epochs=3), digits, device)
            for beta in (0.5, 1.0, 4.0)
        ]
        stepper = Stepper(members)
        while not members[0].finished:
            stepper.step()
        found[device] = stepper.drain_sums()[:, 0] / (3 * len(digits.train))
    torch.testing.assert_close(found["cuda"], found["cpu"], rtol=0.03, atol=0)
