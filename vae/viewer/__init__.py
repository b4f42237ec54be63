"""The live instruments: their JavaScript, and the blobs of models and images that it reads."""
