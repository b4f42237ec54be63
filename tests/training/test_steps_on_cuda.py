"""Steps can be recorded as CUDA graphs; fake tensors check this without CUDA.

A step that waits for the device or touches a tensor of the CPU cannot become a CUDA graph. Fake
tensors have a device, a shape, a type and strides but no data, which is enough to detect both.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vae.core.config import ModelConfig, TrainConfig
from vae.data.splits import Split
from vae.models import build
from vae.training import autograd_step
from vae.training import weights as weights_module
from vae.training.autograd_step import AutogradStep
from vae.training.manual import step as manual_step
from vae.training.manual.step import ManualStep
from vae.training.steps import Step
from vae.training.weights import Weights

CUDA = torch.device("cuda:0")
MODEL = ModelConfig((1, 8, 8), latent_dim=4)
TRAIN = TrainConfig("digits", epochs=1, batch_size=16)
WAITING = ("nonzero", "_local_scalar", "masked_select", "unique", "lift_fresh")
"""Parts of the names of operations that read from the device, or get numbers from the host."""


class UnrecordableOperation(AssertionError):
    """An operation cannot be part of a CUDA graph."""


class RecordableOnly(TorchDispatchMode):
    """Raises an error for operations that a CUDA graph cannot record."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if any(word in str(operation) for word in WAITING):
            raise UnrecordableOperation(f"{operation} waits for the device")
        found = operation(*args, **kwargs)
        tensors = [x for x in tree_leaves((args, kwargs, found)) if isinstance(x, Tensor)]
        if any(tensor.device.type != "cuda" for tensor in tensors):
            raise UnrecordableOperation(f"{operation} takes or gives a tensor of the host")
        return found


def checked_adam(values, gradients, first, second, _, taken, *, lr, **options) -> None:
    """Check the arguments of torch's kernel, instead of updating fake tensors."""
    for tensors in zip(values, gradients, first, second, strict=True):
        value = tensors[0]
        for tensor in tensors:
            assert (tensor.device, tensor.dtype, tensor.shape) == (CUDA, torch.float32, value.shape)
            pairs = zip(value.shape, value.stride(), tensor.stride(), strict=True)
            assert all(size == 1 or mine == its for size, mine, its in pairs)
    for scalar in (*taken, lr):
        assert (scalar.device, scalar.dtype, scalar.dim()) == (CUDA, torch.float32, 0)


@pytest.fixture(autouse=True)
def fake_cuda(monkeypatch) -> Iterator[None]:
    """Replace the functions that need a generator of CUDA, and Adam's kernel."""
    draw = lambda shape, generator, dtype=torch.float32: torch.randn(  # noqa: E731
        tuple(shape), device=CUDA, dtype=dtype
    )
    for name in ("vae.models.posterior", "vae.training.autograd_step", "vae.models.ladder"):
        monkeypatch.setattr(f"{name}.standard_normal", draw)
    betas = lambda low, high, count, generator: torch.rand(count, device=CUDA)  # noqa: E731
    monkeypatch.setattr(autograd_step, "sample_betas", betas)
    monkeypatch.setattr(manual_step, "fill_with_noise", lambda values, generator: values.normal_())
    monkeypatch.setattr(weights_module.torch, "_fused_adam_", checked_adam)
    with FakeTensorMode():
        yield


def model_of(config: ModelConfig) -> torch.nn.Module:
    with torch.device(CUDA):
        return build.build(config)


def images_of(config: ModelConfig) -> Split:
    images = torch.zeros(50, *config.image_shape, dtype=torch.uint8, device=CUDA)
    return Split(images, torch.zeros(50, dtype=torch.int64, device=CUDA))


def run_of(model: torch.nn.Module, config: TrainConfig, affine: bool = True) -> SimpleNamespace:
    """Return a stand-in for a `TrainingRun`, which needs the generators of a real device."""
    return SimpleNamespace(
        model=model,
        config=config,
        weights=Weights(model, affine),
        step=0,
        images=images_of(model.config),
        noise=torch.Generator(),
        perceptual_loss=None,
    )


def take_recordable(step: Step, noise_streams: int) -> None:
    """Take steps of two batch sizes; the first step of each size may allocate buffers."""
    for size in (16, 5):
        inputs = (
            torch.zeros(noise_streams, size, dtype=torch.int64, device=CUDA),
            *torch.ones(2, device=CUDA),
        )
        step(*inputs)
        with RecordableOnly():
            step(*inputs)


@pytest.mark.parametrize(
    ("model", "train", "noise_streams"),
    [
        ({}, {}, [0]),
        ({"architecture": "mlp-deep"}, {"corruption": 0.3, "free_bits": 0.1}, [0]),
        ({}, {}, [0, 0, 0, 0, 0]),
        ({}, {"corruption": 0.2, "free_bits": 0.1}, [0, 1, 0, 1]),
        ({"likelihood": "gaussian"}, {}, [0, 0]),
    ],
)
def test_manual_steps_can_be_recorded(model, train, noise_streams):
    config = replace(MODEL, **model)
    settings = replace(TRAIN, **train)
    runs = [
        run_of(model_of(config), replace(settings, beta=1.0 + k)) for k in range(len(noise_streams))
    ]
    step = ManualStep(runs, noise_streams, [torch.Generator() for _ in set(noise_streams)])
    take_recordable(step, len(set(noise_streams)))


@pytest.mark.parametrize(
    ("model", "train"),
    [
        ({}, {}),
        ({"architecture": "conv"}, {"corruption": 0.3, "free_bits": 0.1}),
        ({"architecture": "conv", "beta_range": (0.1, 10.0)}, {}),
        ({"architecture": "resnet"}, {}),
        ({"architecture": "conv", "likelihood": "logistic"}, {}),
        ({"likelihood": "gaussian-learned"}, {}),
        ({}, {"objective": "beta-tcvae"}),
        ({"kind": "conditional", "classes": 10}, {}),
    ],
)
def test_the_forward_pass_of_autograd_steps_can_be_recorded(monkeypatch, model, train):
    """The update can be recorded too; fake tensors on CUDA have no backward pass."""
    config = replace(MODEL, **model)
    built = model_of(config)

    def backward(loss: Tensor) -> None:
        assert loss.requires_grad
        for parameter in built.parameters():
            parameter.grad = torch.empty_like(parameter)

    monkeypatch.setattr(Tensor, "backward", backward)
    step = AutogradStep(run_of(built, replace(TRAIN, **train), affine=False))
    take_recordable(step, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda values: float(values.sum()),
        lambda values: values.nonzero(),
        lambda values: values * torch.ones((), device="cpu"),
        lambda values: torch.tensor(1.0, device=CUDA) * values,
    ],
)
def test_operations_that_no_graph_can_record_are_detected(wrong):
    """Otherwise the tests above would pass for any step."""
    values = torch.ones(3, device=CUDA)
    with pytest.raises(UnrecordableOperation), RecordableOnly():
        wrong(values)
