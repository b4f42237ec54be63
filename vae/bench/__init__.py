"""How fast this machine trains, evaluates and decodes: what `vae bench` prints.

| file            | what is there                                                          |
|-----------------|------------------------------------------------------------------------|
| `speeds.py`     | everything that is measured, in its order                              |
| `training.py`   | training steps: ours, the plain loop's, several betas together         |
| `evaluation.py` | encoding, likelihoods, decoding                                        |
| `cuda_steps.py` | a step's kernels against the gaps between them, and its floor          |
| `contenders.py` | who takes part of ours, and the images                                 |
| `plain_loop.py` | what people would otherwise run: what ratios are against               |
| `plain_program.py` | that in a process of its own                                        |
| `neighbour.py`  | a process that wants a processor all the time                          |
| `timing.py`     | contenders that take turns, so that noise hits all of them             |
| `table.py`      | the figures, and the table of them                                     |
"""
