"""Holds the live instruments: JavaScript for the page of any host, and the blobs that it reads."""
