"""How programs of this user find the daemon: files of mode 0600 in one folder of mode 0700.

`daemon.json` says {"url", "host", "port", "token", "pid", "version"}; `token` outlives the daemon, so that
scripts keep working. A lock that the system itself gives up when a process ends, however it ends, decides
whether a daemon runs: a `daemon.json` left by kill -9 never passes for a running one, and two starts at the
same moment cannot both win.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vanisher_core import __version__
from vanisher_core.errors import OutputError

FILE, TOKEN, LOCK, SPOOL = "daemon.json", "token", "daemon.lock", "spool"

TOKEN_BYTES = 32
"""Of randomness in the token."""


@dataclass(frozen=True)
class Address:
    """How to reach a daemon."""

    url: str
    host: str
    port: int
    token: str
    pid: int
    version: str = __version__


class Folder:
    """The state folder of one user's daemon; made when missing, private to its owner.

    Raises:
        OutputError: it cannot be made, or other users could read or replace what lies in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = self.path.stat()
            if os.name == "posix":
                if about.st_uid != os.getuid():
                    raise OutputError(
                        f"The folder {self.path} belongs to another user: set VANISHER_STATE to your own."
                    )
                if stat.S_IMODE(about.st_mode) & 0o077:
                    self.path.chmod(0o700)
        except OSError as error:
            raise OutputError(
                f"The folder {self.path} cannot be used ({error.strerror}): set VANISHER_STATE to another."
            ) from error
        self._lock: int | None = None

    def lock(self) -> bool:
        """Takes the daemon's lock for the life of this process; False if another process has it."""
        descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock_file(descriptor)
        except OSError:
            os.close(descriptor)
            return False
        (self.path / FILE).unlink(missing_ok=True)  # of a daemon that was killed
        self._lock = descriptor
        return True

    def unlock(self) -> None:
        """Gives the lock back, forgets the address and removes what was in work."""
        (self.path / FILE).unlink(missing_ok=True)
        shutil.rmtree(self.path / SPOOL, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def token(self) -> str:
        """This user's token; made at the first start."""
        path = self.path / TOKEN
        try:
            path.chmod(0o600)
            text = path.read_text(encoding="ascii").strip()
            if len(text) >= TOKEN_BYTES:
                return text
        except (OSError, ValueError):
            pass
        text = secrets.token_urlsafe(TOKEN_BYTES)
        _write_private(path, text + "\n")
        return text

    def announce(self, address: Address) -> None:
        """Says where the daemon is; whole or not at all."""
        _write_private(self.path / FILE, json.dumps(asdict(address), indent=2) + "\n")

    def running(self, wait: float = 0.0) -> Address | None:
        """The daemon that runs for this user, if one does.

        Args:
            wait: seconds to wait for one that holds the lock but has not said its address yet.
        """
        end = time.monotonic() + wait
        while self._is_locked():
            address = self._read()
            if address is not None or time.monotonic() >= end:
                return address
            time.sleep(0.05)
        return None

    def spool(self) -> Path:
        """An empty folder for jobs and sessions; what a killed daemon left in it is removed. Needs the lock."""
        path = self.path / SPOOL
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    def _is_locked(self) -> bool:
        if self._lock is not None:
            return True
        if not (self.path / LOCK).exists():
            return False
        descriptor = os.open(self.path / LOCK, os.O_RDWR)
        try:
            _lock_file(descriptor)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _read(self) -> Address | None:
        try:
            values: Any = json.loads((self.path / FILE).read_text(encoding="utf-8"))
            return Address(**values)
        except (OSError, ValueError, TypeError):
            return None


def _lock_file(descriptor: int) -> None:
    """Locks a file for this process, or raises OSError at once."""
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, from its first moment on."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
