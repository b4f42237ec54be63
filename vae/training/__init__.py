"""Trains models: the loop, the state of a run, and the ways to take an optimiser step.

| file                  | content                                                              |
|-----------------------|----------------------------------------------------------------------|
| `run.py`              | `TrainingRun`: the state of one run                                  |
| `run_group.py`        | `RunGroup` and `run_training`: the loop over one run or several      |
| `progress.py`         | reports, and the sums and times that they are computed from          |
| `losses.py`           | the objectives: beta-VAE, multi-rate, beta-TCVAE                     |
| `perceptual.py`       | an optional penalty: distance in a classifier's features             |
| `total_correlation.py`| the KL split into mutual information, total correlation and the rest |
| `stepper.py`          | takes the steps of a group of runs, stacked or in turns              |
| `steps.py`            | the interface of a step                                              |
| `autograd_step.py`    | a step of any model under any objective                              |
| `manual/`             | a step of the plain models, with gradients written out               |
| `graphed_step.py`     | wraps a step in a CUDA graph                                         |
| `distributed_step.py` | a step of one model that several processes share                     |
| `distributed.py`      | those processes, as torchrun starts them                             |
| `weights.py`          | weights and Adam's moments in flat buffers                           |

Example:
    >>> from vae.core.config import ModelConfig, TrainConfig
    >>> from vae.data.registry import load_dataset
    >>> digits = load_dataset("digits")
    >>> run = TrainingRun(ModelConfig((1, 8, 8), latent_dim=2), TrainConfig("digits"), digits)
    >>> for report in run_training(run):
    ...     print(report.epoch, report.distortion, report.rate)
"""

from vae.training.progress import Report
from vae.training.run import TrainingRun
from vae.training.run_group import REPORT_SECONDS, RunGroup, can_train_together, run_training

__all__ = [
    "REPORT_SECONDS",
    "Report",
    "RunGroup",
    "TrainingRun",
    "can_train_together",
    "run_training",
]
