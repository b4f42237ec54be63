"""Measures what trained models are good for: each module answers one question.

A study takes trained models (an `Explorer`, an `EvalClassifier`) and images as numpy arrays
(n, h, w, c) with pixels in [0, 1], and returns a record. It trains models only by `vae.training`.
Most studies are a command (`vae.cli`) and a part of a page, which both show the same record.

Example:
    >>> explorer = Explorer.open("checkpoints/mnist-best")
    >>> classifier = EvalClassifier.open("checkpoints/mnist-classifier")
    >>> measure_prior_coverage(explorer, classifier, count=500).prior
    0.606
"""
