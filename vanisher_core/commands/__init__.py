"""One module for each command of `vanisher`: `register` adds its options, `run` does the work."""
