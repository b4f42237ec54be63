"""Loads data sets as images, labels and known factors, divided into splits.

| file                  | content                                                                |
|-----------------------|------------------------------------------------------------------------|
| `registry.py`         | `load_dataset`: the data sets by name                                  |
| `source.py`           | facts about a data set before it is read                               |
| `splits.py`           | splits, and data sets that consist of them                             |
| `torchvision_sets.py` | data sets that torchvision downloads                                   |
| `idx.py`              | reads MNIST's files without torchvision                                |
| `sprites.py`          | data sets of drawn shapes with known factors                           |
| `folder.py`           | reads a folder of images                                               |
| `uploads.py`          | reads single images from people, within limits                         |
| `photo_to_ink.py`     | turns a photograph of ink into an image of a handwriting data set      |
| `stroke_style.py`     | the pen width and the placing of drawings, for each data set           |
| `sampling.py`         | chooses the images that keep their labels, and the order of an epoch   |
| `corruption.py`       | adds noise to the images that an encoder reads in training             |

Example:
    >>> digits = load_dataset("digits")
    >>> digits.image_shape, len(digits.test)
    ((1, 8, 8), 360)
"""
