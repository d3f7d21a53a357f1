"""Finds the daemon of this user, starts it when none runs, and talks HTTP to it; standard library only.

The daemon writes `daemon.json` (address, token, version) into a folder that only its user can read, and holds a
lock as long as it lives. Every wait has an end, and every failure is a sentence.
"""

from __future__ import annotations

import http.client
import json
import os
import stat
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import starting
from sentence import Sentence
from settings import Settings

VERSION = "0.1.0"
"""Of this plug-in; daemons of the same major version understand it."""

FILE, LOCK = "daemon.json", "daemon.lock"

LARGEST_JSON = 64 * 1024 * 1024
"""Bytes of an answer that is no picture."""

Pulse = Callable[[str], None]
"""Called while waiting, with what is being waited for."""


@dataclass(frozen=True)
class Daemon:
    """A daemon that answered.

    Attributes:
        host, port: where it listens.
        token: this user's.
        patience: seconds without a byte before it is given up.
    """

    host: str
    port: int
    token: str
    patience: float

    @property
    def place(self) -> str:
        """As a user reads it."""
        return f"http://{self.host}:{self.port}"

    def open(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Sends a request; the answer's head has come, its body can be read.

        Raises:
            Sentence: no answer, or a refusal.
        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.patience)
        try:
            connection.request(
                method, path, body, {"Authorization": f"Bearer {self.token}", **(headers or {})}
            )
            response = connection.getresponse()
            if response.status >= 300:
                raise self._refusal(response.status, response.read(LARGEST_JSON))
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self.failure(error) from None
        except Sentence:
            connection.close()
            raise
        return connection, response

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None,
        largest: int = LARGEST_JSON,
    ) -> bytes:  # fmt: skip
        """One request and the whole body of its answer.

        Raises:
            Sentence: no answer, a refusal, or more than `largest` bytes.
        """
        connection, response = self.open(method, path, body, headers)
        try:
            data = response.read(largest + 1)
            if len(data) > largest:
                raise self.foreign()
            return data
        except (OSError, http.client.HTTPException) as error:
            raise self.failure(error) from None
        finally:
            connection.close()

    def ask_json(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The same for an answer that is a JSON object."""
        return self.parsed(self.ask(method, path, body, headers))

    def parsed(self, data: bytes) -> dict[str, Any]:
        """A JSON object from an answer.

        Raises:
            Sentence: it is none.
        """
        try:
            values = json.loads(data)
        except ValueError:
            raise self.foreign() from None
        if not isinstance(values, dict):
            raise self.foreign()
        return values

    def failure(self, error: Exception) -> Sentence:
        """What a broken or silent connection means."""
        if isinstance(error, TimeoutError):
            return Sentence(
                f"Vanisher at {self.place} has given no sign of life for {self.patience:.0f} seconds: end its "
                "process and try again. The image was not changed."
            )
        if isinstance(error, ConnectionResetError | BrokenPipeError | http.client.IncompleteRead):
            return Sentence(
                "The Vanisher daemon ended while it worked (stopped, or out of memory?). The image was not "
                "changed; try again, and it is started anew."
            )
        if isinstance(error, http.client.HTTPException):
            return self.foreign()
        return Sentence(f"Vanisher at {self.place} cannot be reached ({error}). The image was not changed.")

    def foreign(self) -> Sentence:
        """Something else answers there."""
        return Sentence(
            f"What answers at {self.place} is not Vanisher: end that program, or start Vanisher on another "
            "port with 'vanisher serve --port 0'. The image was not changed."
        )

    def _refusal(self, status: int, body: bytes) -> Sentence:
        if status == 401:
            return Sentence(
                f"Vanisher at {self.place} does not accept this user's token: end it, and start it again "
                "with 'vanisher serve'."
            )
        try:
            return Sentence(f"{json.loads(body)['detail']}")
        except (ValueError, KeyError, TypeError):
            return self.foreign()


def connect(settings: Settings, pulse: Pulse) -> Daemon:
    """The daemon of this user, started if none runs.

    Args:
        settings: where it says its address, and how to start it.
        pulse: called several times a second while it starts.

    Raises:
        Sentence: it cannot be found, started or talked to.
    """
    values = running(settings.state)
    if values is None:
        values = starting.start(settings, lambda: running(settings.state), pulse)
    daemon = _daemon(values, settings)
    _check_version(str(values.get("version")))
    health = daemon.ask_json("GET", "/healthz")
    if health.get("status") != "ok" or "version" not in health:
        raise daemon.foreign()
    _check_version(str(health["version"]))
    return daemon


def running(state: Path) -> dict[str, Any] | None:
    """What the daemon that runs for this user says about itself; None if none runs.

    Raises:
        Sentence: its file may not be read, or others could have written it.
    """
    if not _locked(state / LOCK):
        return None
    path = state / FILE
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if os.name == "posix" and (about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o077):
                raise Sentence(
                    f"The file {path} belongs to or can be read by other users, so it is not trusted: run "
                    f"'chmod 600 {path}' if it is yours, or delete it and start Vanisher again."
                )
            values = json.loads(file.read(65536))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise Sentence(
            f"GIMP may not read {path} (a sandboxed GIMP?): run 'vanisher gimp status', which says how to "
            "allow it."
        ) from None
    except ValueError:
        return None  # being written
    return values if isinstance(values, dict) else None


def _locked(path: Path) -> bool:
    """Whether a daemon holds the lock; it loses it when it ends, however it ends."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return path.with_name(FILE).exists()  # a read-only view of the folder: the connection will tell
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _daemon(values: dict[str, Any], settings: Settings) -> Daemon:
    try:
        address = urllib.parse.urlsplit(values["url"])
        return Daemon(str(address.hostname), int(address.port or 80), str(values["token"]), settings.patience)
    except (KeyError, ValueError, TypeError):
        raise Sentence(
            f"The file {settings.state / FILE} is damaged: end Vanisher, delete it and try again."
        ) from None


def _check_version(version: str) -> None:
    if version.split(".")[0] != VERSION.split(".")[0]:
        raise Sentence(
            f"The Vanisher that runs has version {version} and GIMP's plug-in {VERSION}: run 'vanisher gimp "
            "install', restart GIMP, and end the old daemon."
        )
