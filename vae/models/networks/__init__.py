"""Builds encoders and decoders by architecture, and gates that make them serve many betas."""
