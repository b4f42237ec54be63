"""How models are trained: the loop, and who takes its steps.

| file                  | what is there                                                         |
|-----------------------|-----------------------------------------------------------------------|
| `loop.py`             | one run, and several that train together; what reports are made of    |
| `progress.py`         | the reports, and the sums and times behind them                       |
| `engine.py`           | takes the steps of a cohort, side by side or by turns                 |
| `group.py`            | those side by side: picks the arithmetic, and feeds it batches        |
| `steps.py`            | what a step is, whoever takes it                                      |
| `autograd_step.py`    | any model under any objective                                         |
| `by_hand/`            | the plain models under the plain objective: gradients written out     |
| `graphed_step.py`     | any step as a CUDA graph                                              |
| `distributed_step.py` | the steps of one model by several processes                           |
| `distributed.py`      | those processes, as torchrun starts them                              |
| `weights.py`          | weights and Adam's moments in flat buffers                            |
"""

from vae.training.loop import REPORT_SECONDS, Cohort, Training, can_train_together
from vae.training.progress import Report

__all__ = ["REPORT_SECONDS", "Cohort", "Report", "Training", "can_train_together"]
