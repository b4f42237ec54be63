"""Takes optimiser steps of plain models without autograd; README.md derives the gradient.

| file              | content                                                                  |
|-------------------|--------------------------------------------------------------------------|
| `README.md`       | the equations, each with the function that computes it                   |
| `support.py`      | says which models and objectives the manual step supports                |
| `step.py`         | the step: reads a batch, computes the gradient, clips it, updates        |
| `gradient.py`     | the gradient of the objective, as a list of recorded operations          |
| `networks.py`     | encoders and decoders, made of the layers below                          |
| `layers.py`       | linear layers with ReLUs between them                                    |
| `convolutions.py` | convolutions with ReLUs between them                                     |
| `activations.py`  | activations with a column of ones, and batches of them                   |
| `workspace.py`    | reusable buffers                                                         |
| `op_list.py`      | operations that are recorded once and run at every step                  |

Example:
    >>> from vae.training.manual.step import ManualStep
    >>> step = ManualStep([run], noise_streams=[0], generators=[run.noise])
    >>> step(torch.arange(64)[None], kl_scale=torch.tensor(1.0), learning_rate=torch.tensor(1e-3))
"""
