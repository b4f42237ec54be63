"""What the pages share: the frame, the models, the latent position and the pictures."""
