"""The runs of a sweep, on this machine or on many: names, places, and the engine on Ray."""
