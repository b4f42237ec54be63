"""The parts of screens that have several, one folder a screen."""
