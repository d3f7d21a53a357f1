"""`python -m vanisher_core`: the same as the `vanisher` command."""

from vanisher_core.cli import entry_point

if __name__ == "__main__":
    entry_point()
