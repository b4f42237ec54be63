"""Steps of fully connected models without autograd: several times a plain loop's speed.

| file          | what is there                                                      |
|---------------|--------------------------------------------------------------------|
| `step.py`     | the step: reads a batch, asks for the gradient, clips, updates     |
| `gradient.py` | the objective's gradient: its equations, recorded once             |
| `layers.py`   | linear layers and ReLUs, forward and backward                      |
| `signals.py`  | what goes through them, and a batch of it                          |
| `tape.py`     | recorded operations                                                |
"""
