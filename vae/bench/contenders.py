"""Who takes part of ours: training steps, and bare matrix products."""

import math

import torch
from torch import nn

from vae.bench.timing import Work
from vae.core.config import Architecture, ModelConfig, Precision, TrainConfig
from vae.core.device import flush_denormals
from vae.data.splits import Dataset, Split
from vae.data.sprites import SpriteGrid
from vae.models.vae import VAE
from vae.training import REPORT_SECONDS, TrainingRun
from vae.training.run_group import REPORT_INTERVALS_PER_ROUND
from vae.training.stepper import Stepper

SHAPE = (1, 28, 28)
IMAGES = 12_800
MLP = ModelConfig(SHAPE, 20, "mlp")
CONV = ModelConfig(SHAPE, 30, "conv-mlp")
"""The convolutional model that ships as `mnist-tutorial`."""

BATCH: dict[Architecture, int] = {"mlp": 128, "conv-mlp": 64}
PRODUCT_SIDE = 1024

STEPS_AT_ONCE = 10
"""Between two looks at the clock; in `RunGroup.run` there are more."""


def dataset() -> Dataset:
    """Sprites of MNIST's size: 12,800 to train on, and as good as none else."""
    grid = SpriteGrid()
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randint(math.prod(grid.sizes), (IMAGES,), generator=generator)
    framed = torch.from_numpy(grid.render(grid.factors_of(chosen.numpy())))
    images = framed[:, :, 2:-2, 2:-2].contiguous()
    split = Split(images, torch.zeros(len(images), dtype=torch.int64))
    return Dataset("sprites", (), split, split.head(0), split.head(1))


def training(
    name: str,
    config: ModelConfig,
    data: Dataset,
    device: torch.device,
    models: int = 1,
    precision: Precision = "float32",
    graphed: bool = True,
) -> Work:
    """Our steps, of one model or of several betas together; counts the images of all."""
    size = BATCH[config.architecture]
    settings = [
        TrainConfig("sprites", epochs=100_000, batch_size=size, beta=1.0 + k, precision=precision)
        for k in range(models)
    ]
    members = [TrainingRun(config, each, data, device) for each in settings]
    stepper = Stepper(members, graphed)
    left, seconds = members[0].steps_per_epoch, REPORT_INTERVALS_PER_ROUND * REPORT_SECONDS

    def steps() -> int:
        with flush_denormals():
            return models * sum(stepper.step(left, seconds) for _ in range(STEPS_AT_ONCE))

    return Work(name, steps, lambda: _wait(device))


def product(name: str, device: torch.device) -> Work:
    """Products of square float32 matrices; counts floating-point operations."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, PRODUCT_SIDE, PRODUCT_SIDE, generator=generator).to(device)
    out = torch.empty_like(a)

    def multiply() -> int:
        torch.mm(a, b, out=out)
        return 2 * PRODUCT_SIDE**3

    return Work(name, multiply, lambda: _wait(device))


def multiply_adds(config: ModelConfig) -> int:
    """Of one training step's products for one image: forward, and by weights and by inputs."""
    model = VAE(config)
    sizes = [la.weight.numel() for la in model.modules() if isinstance(la, nn.Linear)]
    return 3 * sum(sizes) - sizes[0]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
