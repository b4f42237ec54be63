"""Trains the runs of a sweep on one machine, or with Ray on several that share a folder."""
