"""Starts the daemon from inside GIMP, whose own environment (bundled libraries, a sandbox) must not reach it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

from sentence import Sentence
from settings import FLATPAK, Settings

SECONDS = 60.0
"""That a start may take; a second or two on a quiet machine."""

FOREIGN = (
    "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "GI_TYPELIB_PATH",
    "GDK_PIXBUF_MODULE_FILE", "GDK_PIXBUF_MODULEDIR", "GIO_MODULE_DIR", "GTK_PATH", "BABL_PATH", "GEGL_PATH",
    "FONTCONFIG_PATH", "FONTCONFIG_FILE", "SSL_CERT_FILE",
)  # fmt: skip
"""Variables that bundles of GIMP (AppImage, macOS, Windows, snap) set for themselves."""


def start(settings: Settings, running: Callable[[], Any], pulse: Callable[[str], None]) -> dict[str, Any]:
    """Starts the daemon and waits until it has said its address.

    Args:
        settings: with the command.
        running: what the daemon says about itself, None while it says nothing.
        pulse: called while waiting.

    Returns:
        What it says.

    Raises:
        Sentence: no command is known, or it does not come up; with the command for the user to run.
    """
    if not settings.command:
        raise Sentence(
            "Vanisher is not running and this GIMP does not know how to start it: run 'vanisher serve' in a "
            "terminal, or once 'vanisher gimp install'."
        )
    with tempfile.TemporaryFile() as log:
        process = _spawn(settings, log)
        end = time.monotonic() + SECONDS
        while (values := running()) is None:
            status = process.poll()
            if time.monotonic() > end or status is not None:
                log.seek(0)
                raise _hopeless(settings.command, status, log.read().decode(errors="replace"))
            pulse("Starting Vanisher")
            time.sleep(0.1)
        return values


def _spawn(settings: Settings, log: Any) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    command = list(settings.command)
    if FLATPAK.exists():  # inside the sandbox there is no Vanisher; outside there is
        host = shutil.which("flatpak-spawn")
        if host is None:
            raise _hopeless(settings.command, None, "")
        command = [host, "--host", *command]
    options: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        options = {"creationflags": 0x00000008 | 0x00000200}  # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    try:
        return subprocess.Popen[bytes](
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=environment, **options
        )  # fmt: skip
    except OSError as error:
        raise _hopeless(settings.command, None, error.strerror or str(error)) from None


def _hopeless(command: tuple[str, ...], status: int | None, said: str) -> Sentence:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = lines[-1][:300] if lines else f"status {status}" if status is not None else "no answer"
    return Sentence(
        f"Vanisher could not be started from GIMP ({reason}): run this in a terminal and try again: "
        f"{shlex.join(command)}"
    )
