"""Data sets: images, labels and known factors, in splits.

| file                  | what it holds                                                          |
|-----------------------|------------------------------------------------------------------------|
| `registry.py`         | the data sets, by name                                                 |
| `splits.py`           | what they are made of: splits, labels, factors                         |
| `torchvision_sets.py` | those that torchvision downloads                                       |
| `idx.py`              | MNIST's files, without torchvision                                     |
| `sprites.py`          | those that are drawn here, of known factors                            |
| `folder.py`           | a person's own images                                                  |
| `drawing.py`          | how a drawing is made like their images                                |
| `class_choice.py`     | a data set narrowed to some of its classes, by name                    |
| `labels.py`           | which images keep their labels where few do                            |
| `corruption.py`       | noise on what an encoder sees in training                              |
"""
