"""The options of the command line, read without loading torch: a file a family of commands."""
