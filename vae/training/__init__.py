"""How models are trained: the loop, and who takes its steps.

| file                  | what is there                                                         |
|-----------------------|-----------------------------------------------------------------------|
| `run.py`              | the state of one run                                                  |
| `run_group.py`        | the loop over one run or several                                      |
| `progress.py`         | the reports, and the sums and times behind them                       |
| `stepper.py`          | takes the steps of a group of runs, stacked or in turns               |
| `steps.py`            | what a step is, whoever takes it                                      |
| `autograd_step.py`    | any model under any objective                                         |
| `by_hand/`            | the plain models under the plain objective: gradients written out     |
| `graphed_step.py`     | any step as a CUDA graph                                              |
| `distributed_step.py` | the steps of one model by several processes                           |
| `distributed.py`      | those processes, as torchrun starts them                              |
| `weights.py`          | weights and Adam's moments in flat buffers                            |
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
