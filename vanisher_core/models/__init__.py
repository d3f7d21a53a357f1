"""Networks: one definition a file, the builders by name (build.py), and the shipped weights (registry.py, weights/, cards/)."""
