"""Measures how fast this machine trains, evaluates and decodes; `vae bench` prints the table.

| file               | content                                                             |
|--------------------|---------------------------------------------------------------------|
| `speeds.py`        | runs all measurements in order                                      |
| `training.py`      | training steps: ours, the plain loop's, torch.compile's, sweeps     |
| `evaluation.py`    | encoding, likelihoods, decoding                                     |
| `cuda_steps.py`    | a CUDA step: kernel time, gaps between kernels, the lower bound     |
| `contenders.py`    | our training steps and matrix products, as contenders               |
| `plain_loop.py`    | the baseline: PyTorch's VAE example, and likelihoods in a loop      |
| `plain_program.py` | the baseline in a process of its own                                |
| `busy_process.py`  | a process that keeps one processor busy                             |
| `timing.py`        | contenders that take turns, so that noise affects all of them alike |
| `table.py`         | the figures and their table                                         |

Example:
    >>> from vae.bench.speeds import measure_speeds
    >>> print(measure_speeds(seconds=0.5, say=print).markdown())
"""
