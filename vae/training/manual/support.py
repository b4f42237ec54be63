"""Says which models and objectives the manual step supports.

Example:
    >>> model, config = ModelConfig((1, 28, 28)), TrainConfig("mnist")
    >>> supports_manual_step(model, config, torch.device("cpu"))
    True
"""

import torch

from vae.core.config import ModelConfig, TrainConfig
from vae.models.likelihood import MANUAL_LIKELIHOODS
from vae.models.networks.architectures import CONVOLUTIONAL, DENSE


def supports_manual_step(
    model: ModelConfig, config: TrainConfig, device: torch.device, models: int = 1
) -> bool:
    """Return whether a `ManualStep` can take the steps of `models` such models together.

    A convolutional model is supported alone and on the CPU only. On a GPU a CUDA graph of the
    autograd step is as fast.
    """
    is_plain = model.kind == "vae" and model.beta_range is None and config.objective == "beta-vae"
    is_plain = is_plain and model.likelihood in MANUAL_LIKELIHOODS and config.perceptual == 0
    on_cpu, is_float32 = device.type == "cpu", config.precision == "float32"
    if model.architecture in DENSE:
        return is_plain and (on_cpu or (device.type == "cuda" and is_float32))
    is_supported = model.architecture in CONVOLUTIONAL and on_cpu and is_float32
    return is_plain and is_supported and models == 1
