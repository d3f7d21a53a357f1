"""Networks, one definition a file; builders by name in build.py; shipped weights in registry.py."""
