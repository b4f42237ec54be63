"""Our contenders: training steps, and matrix products as the bound of their speed."""

import math

import torch
from torch import nn

from vae.bench.timing import Work
from vae.core.config import Architecture, ModelConfig, Precision, TrainConfig
from vae.core.device import flush_denormals
from vae.data.splits import Dataset, Split
from vae.data.sprites import SpriteGrid
from vae.models.vae import VAE
from vae.training import TrainingRun
from vae.training.autograd_step import AutogradStep
from vae.training.stepper import MAX_STEPS_PER_TURN, Stepper

SHAPE = (1, 28, 28)
IMAGES = 12_800
"""A multiple of all batch sizes, so that every step takes a full batch."""

MLP = ModelConfig(SHAPE, 20, "mlp")
CONV = ModelConfig(SHAPE, 30, "conv-mlp")
"""The convolutional model that ships as `mnist-tutorial`."""

BATCH: dict[Architecture, int] = {"mlp": 128, "conv-mlp": 64}
PRODUCT_SIDE = 1024
TURN_SECONDS = 1e9
"""Long enough for turns of MAX_STEPS_PER_TURN steps on any machine."""


def dataset() -> Dataset:
    """Return sprites of MNIST's size: 12,800 to train on, none to validate and one to test."""
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
    """Return our training steps, of one model or of several betas together.

    Args:
        name: The contender's name.
        config: The models' shape.
        data: The images.
        device: The device to train on.
        models: The number of models, with the betas 1, 2, 3 and so on; their images add up.
        precision: The precision of the layers.
        graphed: Whether to replay steps from CUDA graphs on a GPU.
    """
    members = [_run(config, data, device, 1.0 + index, precision) for index in range(models)]
    stepper = Stepper(members, graphed)
    # The first turn has one step; later turns have all the same number.
    stepper.step()

    def steps() -> int:
        with flush_denormals():
            return models * stepper.step(MAX_STEPS_PER_TURN, TURN_SECONDS)

    return Work(name, steps, steps())


def compiled_autograd(
    name: str, config: ModelConfig, data: Dataset, device: torch.device, compiled: bool = True
) -> Work:
    """Return autograd steps whose loss, forward and backward, torch.compile compiles."""
    run = _run(config, data, device)
    step, size = AutogradStep(run), run.config.batch_size
    loss = torch.compile(step.loss) if compiled else step.loss
    batches = run.order(0)[None].split(size, dim=1)
    kl_scale, learning_rate = torch.tensor([1.0, run.config.learning_rate], device=device)

    def steps() -> None:
        with flush_denormals():
            for indices in batches[:MAX_STEPS_PER_TURN]:
                value, _ = loss(indices, kl_scale)
                step.update(value, learning_rate)

    return Work(name, steps, size * MAX_STEPS_PER_TURN)


def product(name: str, device: torch.device) -> Work:
    """Return products of square float32 matrices; the count is floating-point operations."""
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, PRODUCT_SIDE, PRODUCT_SIDE, generator=generator).to(device)
    out = torch.empty_like(a)
    return Work(name, lambda: torch.mm(a, b, out=out), 2 * PRODUCT_SIDE**3)


def multiply_adds(config: ModelConfig) -> int:
    """Return the multiply-adds of one training step's linear layers per image.

    Each layer has three products: the output, the gradient of the weights and that of the inputs.
    The first layer needs no gradient of its inputs.
    """
    model = VAE(config)
    sizes = [la.weight.numel() for la in model.modules() if isinstance(la, nn.Linear)]
    return 3 * sum(sizes) - sizes[0]


def _run(
    config: ModelConfig,
    data: Dataset,
    device: torch.device,
    beta: float = 1.0,
    precision: Precision = "float32",
) -> TrainingRun:
    size = BATCH[config.architecture]
    settings = TrainConfig(
        "sprites", epochs=100_000, batch_size=size, beta=beta, precision=precision
    )
    return TrainingRun(config, settings, data, device)
