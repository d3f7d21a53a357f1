"""The `vanisher` command: parses, runs one module of `commands/`, turns every failure into a sentence.

Exit status: 0 done, 1 failed, 2 bad usage or bad input, 130 stopped by Ctrl-C. Nothing heavier than
argparse is imported here, so that `vanisher --help` answers at once (docs/decisions/003-command-line.md);
torch and numpy come with the command that needs them.
"""

import argparse
import gc
import json
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, NoReturn

from vanisher_core import __version__
from vanisher_core.errors import UsageError, VanisherError

COMMANDS = ("erase", "segment", "batch", "replay", "verify", "gimp", "models", "doctor")
"""Modules of `vanisher_core.commands`, in the order that --help lists them."""
PLUGIN_GROUP = "vanisher.commands"
"""Entry points of other packages (panorama, local_server): functions like `commands.erase.register`."""

_EPILOG = """\
exit status: 0 done, 1 failed, 2 bad usage or bad input, 130 stopped by Ctrl-C
settings also come from VANISHER_DEVICE, VANISHER_MODEL, VANISHER_SEED, VANISHER_GROW, VANISHER_FEATHER,
VANISHER_OVERWRITE and VANISHER_WEIGHTS; an option beats its variable
VANISHER_MAX_PIXELS and VANISHER_MAX_BYTES set the limits of a photograph and of a mask"""


class Parser(argparse.ArgumentParser):
    """argparse with this product's manners: whole option names only, and errors raised instead of printed."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raises UsageError with argparse's sentence and where to read on."""
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See '{self.prog} --help'.")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; each command's module adds its own options."""
    parser = Parser(
        prog="vanisher", description="Erases things from photographs, and nothing else.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"vanisher {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"vanisher_core.commands.{name}").register(commands)
    for entry in sorted(entry_points(group=PLUGIN_GROUP), key=lambda entry: entry.name):
        entry.load()(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: what stands after `vanisher`; None takes the process's own.

    Returns:
        The exit status. Never raises for bad input, failures or Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        gc.disable()  # a short process of its own: collecting while torch and numba are imported only costs time
    try:
        chosen = build_parser().parse_args(words)
        return chosen.run(chosen)
    except SystemExit as leaving:  # --help and --version
        return leaving.code if isinstance(leaving.code, int) else 0
    except VanisherError as error:
        return _fail(words, type(error).__name__, str(error), error.exit_status)
    except KeyboardInterrupt:
        return _fail(words, "Cancelled", "Stopped by Ctrl-C; nothing was written.", 130)
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        return _fail(
            words, "MemoryError", "Not enough memory: close other programs, or crop the photograph.", 1
        )
    except Exception as error:
        return _unexpected(words, error)


def entry_point() -> NoReturn:
    """What the installed `vanisher` runs."""
    import warnings

    if not os.environ.get("VANISHER_DEBUG"):
        warnings.simplefilter("ignore")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())


def _fail(words: list[str], kind: str, message: str, status: int) -> int:
    print(f"vanisher: error: {message}", file=sys.stderr)
    if "--json" in words:
        print(json.dumps({"error": {"type": kind, "message": message}, "exit_status": status}))
    return status


def _unexpected(words: list[str], error: Exception) -> int:
    """A bug: one sentence, and the trace only for those who ask."""
    if os.environ.get("VANISHER_DEBUG"):
        import traceback

        traceback.print_exc()
    text = " ".join(str(error).split())
    advice = "This is a bug: run it again with VANISHER_DEBUG=1 and report the trace."
    return _fail(words, type(error).__name__, f"Unexpected {type(error).__name__}: {text}. {advice}", 1)


if __name__ == "__main__":
    entry_point()
