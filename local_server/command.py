"""`vanisher serve`: starts the daemon, or says where it runs already; `--attack` tries to break into it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_EXAMPLES = """\
examples:
  vanisher serve                     print the address and a link for the browser; Ctrl-C ends it
  vanisher serve --open              and open the paint client
  vanisher serve --attack            try to break into the daemon that runs, and report
settings: VANISHER_PORT, VANISHER_STATE, VANISHER_MAX_PIXELS, VANISHER_WORKER_MEMORY ... (docs/daemon.md)"""


def register(commands: Any) -> None:
    """Adds `serve`."""
    parser = commands.add_parser(
        "serve",
        help="run the daemon: paint client in the browser, GIMP, scripts",
        description="Runs Vanisher for the browser, GIMP and scripts, on this machine only.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.set_defaults(run=run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of `serve`."""
    add = parser.add_argument
    add("--host", metavar="ADDRESS", help="address to bind (127.0.0.1)")
    add("--port", type=int, metavar="N", help="port (7865); 0 takes a free one")
    add("--public", action="store_true", default=None, help="allow an address that other machines can reach")
    add("--device", metavar="DEVICE", help="auto (default), cpu, cuda or mps")
    add("--state", type=Path, metavar="DIR", help="folder of daemon.json and the token (VANISHER_STATE)")
    add("--open", action="store_true", help="open the paint client in the browser")
    add("--attack", action="store_true", help="try to break into the running daemon, and report")
    add("--json", action="store_true", help="with --attack: print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl-C, or links to the daemon that runs.

    Raises:
        VanisherError: an option does not fit, or the port is taken.
    """
    from local_server import serve, settings

    chosen = settings.load(
        host=arguments.host, port=arguments.port, public=arguments.public, device=arguments.device,
        state=arguments.state,
    )  # fmt: skip
    if arguments.attack:
        from local_server import attack

        return attack.report(chosen, as_json=arguments.json)
    return serve.serve(chosen, open_browser=arguments.open)


def main(words: Sequence[str] | None = None) -> int:
    """`python -m local_server`, where the `vanisher` command is not installed."""
    import sys

    from vanisher_core.errors import VanisherError

    parser = argparse.ArgumentParser(prog="python -m local_server", allow_abbrev=False)
    add_options(parser)
    try:
        return run(parser.parse_args(words))
    except VanisherError as error:
        print(f"vanisher: error: {error}", file=sys.stderr)
        return error.exit_status
