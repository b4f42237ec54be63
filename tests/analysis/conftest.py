"""Fixtures of the studies."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def images(digits) -> np.ndarray:
    """The test images of the digits, (360, 8, 8, 1) with pixels in [0, 1]."""
    return digits.test.pixels()


@pytest.fixture(scope="session")
def labels(digits) -> np.ndarray:
    """The labels of these images."""
    return digits.test.labels.numpy()
