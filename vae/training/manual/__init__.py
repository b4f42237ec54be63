"""Steps of models without autograd: several times a plain loop's speed.

| file              | what is there                                                           |
|-------------------|-------------------------------------------------------------------------|
| `step.py`         | the step: reads a batch, asks for the gradient, clips, updates          |
| `gradient.py`     | the objective's gradient: its equations, recorded once                  |
| `networks.py`     | an encoder or decoder, forward and backward, of the layers in the next  |
| `layers.py`       | linear layers with ReLUs between them                                   |
| `convolutions.py` | convolutions with ReLUs between them                                    |
| `signals.py`      | what goes through them, and a batch of it                               |
| `workspace.py`      | the memory that all of that is in                                       |
| `op_list.py`     | recorded operations                                                     |
"""
