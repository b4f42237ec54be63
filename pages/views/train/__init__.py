"""The parts of the screen Train."""
