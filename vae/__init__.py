"""Latent Explorer's core: trains variational autoencoders, loads them, and looks into them."""

import os

__version__ = "0.2.0"

# torch uses large memory pages for large tensors if this is set before its import.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
