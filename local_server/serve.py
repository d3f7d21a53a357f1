"""Starting the daemon: one per user, on loopback, announced in a private file, quiet in its log."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_server.client import Client
from local_server.discovery import Address, Folder
from local_server.settings import Settings, is_loopback
from vanisher_core.errors import OutputError, UsageError

ANNOUNCE_SECONDS = 10.0
"""A daemon that is just starting has this long to say its address."""


def serve(settings: Settings, *, open_browser: bool = False) -> int:
    """Runs the daemon until it is told to stop; a second start says where the first is.

    Raises:
        UsageError: the address or port cannot be bound.
        OutputError: the state folder cannot be used.
    """
    folder = Folder(settings.state)
    if not folder.lock():
        address = folder.running(wait=ANNOUNCE_SECONDS)
        if address is None:
            raise OutputError(f"Another Vanisher holds {folder.path} but gives no address: end it, or wait.")
        _greet(Client(address).login_link(), address, "runs already", open_browser)
        return 0
    try:
        with _bound(settings) as listener:
            return _run(settings, folder, listener, open_browser)
    finally:
        folder.unlock()


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """A listening socket.

    Raises:
        UsageError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            advice = "choose another with --port, or 0 for a free one" if taken else "choose another address"
            raise UsageError(
                f"{settings.host}:{settings.port} cannot be bound ({error.strerror}): {advice}."
            ) from None
        yield listener


def _run(settings: Settings, folder: Folder, listener: socket.socket, open_browser: bool) -> int:
    import uvicorn

    from local_server import app, limits, seal

    port = listener.getsockname()[1]
    token, spool = folder.token(), folder.spool()
    tempfile.tempdir = str(spool)  # where form parsing puts large uploads: not into memory, as /tmp often is
    if open_browser:
        webbrowser.get()  # found before the process is sealed
    seal.seal(loopback=True)
    _log_to_stderr()
    application, daemon = app.build(settings, token, port, spool)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = Address(f"http://{host}:{port}", settings.host, port, token, os.getpid())

    class Server(uvicorn.Server):
        """uvicorn, which announces the daemon once it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                folder.announce(address)
                _greet(daemon.login_link(), address, "runs", open_browser)

    config = uvicorn.Config(
        application, log_config=None, lifespan="on", access_log=False, server_header=False, date_header=True,
        proxy_headers=False, **limits.server_options(settings),
    )  # fmt: skip
    # uvicorn stops gracefully, then hands the signal on: this process leaves by its own `finally`, not by dying
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listener])
    return 0


def _greet(link: str, address: Address, verb: str, open_browser: bool) -> None:
    if not is_loopback(address.host):
        print(
            f"CAUTION: {address.host} can be reached from other machines. Whoever has the token or a login link can "
            "use this Vanisher, and what they send travels unencrypted. Put a proxy with TLS before it.",
            file=sys.stderr,
        )
    print(f"Vanisher {verb} at {address.url} (process {address.pid}).", flush=True)
    print(f"Open this link in the browser, once, within ten minutes: {link}", flush=True)
    if open_browser:
        webbrowser.open(link)


def _log_to_stderr() -> None:
    from local_server.metrics import JsonLines

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    level = os.environ.get("VANISHER_LOG", "warning").upper()
    for name in ("vanisher.daemon", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level if level in ("DEBUG", "INFO", "WARNING", "ERROR") else "WARNING")


def state_of(path: Path) -> Address | None:
    """The daemon that runs for a state folder, if one does; makes nothing."""
    return Folder(path).running() if path.is_dir() else None
