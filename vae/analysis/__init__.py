"""What models are good for, measured: a file for each question, numbers in, a record out.

A study takes what is trained (an `Explorer`, an `EvalClassifier`) and images as numpy arrays, and
trains no model of its own but through `vae.training`. Each is a command (`vae.cli`) and a section
of a page, which both show the same record.
"""
