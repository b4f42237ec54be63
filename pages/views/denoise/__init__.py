"""Parts of the screen Denoise."""
