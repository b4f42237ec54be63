"""Latent Explorer's core: train, load and look into variational autoencoders."""

import os

# Large pages for large tensors, where the system has them; torch looks when it is imported.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
