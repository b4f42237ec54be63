"""Runs held beside each other: their numbers, their latents, and what beta did to them."""
