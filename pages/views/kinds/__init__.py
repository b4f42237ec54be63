"""The sections of the page Kinds of model, a kind each."""
