"""Encoders and decoders: by architecture, residual ones, and gates that serve many betas."""
