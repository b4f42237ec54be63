"""Parts of the screen Generate."""
