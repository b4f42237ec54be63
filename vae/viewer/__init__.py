"""Holds the live instruments, for the page of any host, and packs what they read."""
