"""Pictures that the paint client works on: uploaded once, kept at full size and depth, with all their versions.

Everything lies as files in a private folder (`pictures.py` says which); the daemon holds numbers only.
Sessions are bounded in number, bytes and time: the one unused for longest goes first.
"""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_server.jobs import Job
from local_server.problems import Problem
from local_server.settings import Settings

VERSIONS = 200
"""Versions of one session at most."""


@dataclass
class Version:
    """One state of a picture."""

    number: int
    parent: int | None
    kind: str
    changed: list[int] | None = None
    notes: list[str] = field(default_factory=list)
    erased_share: float = 0.0
    scores: dict[str, Any] | None = None


class Session:
    """One picture and its versions."""

    def __init__(self, folder: Path) -> None:
        self.id = f"s-{secrets.token_urlsafe(12)}"
        self.folder = folder
        self.about: dict[str, Any] = {}
        self.versions = [Version(0, None, "original")]
        self.current = 0
        self.used = time.monotonic()
        self.work: Job | None = None

    @property
    def busy(self) -> Job | None:
        """The job that makes the next version, while there is one."""
        return None if self.work is None or self.work.is_final else self.work

    def version(self, number: int | None) -> int:
        """A version's number, checked; None is the current one.

        Raises:
            Problem: 404, there is no such version.
        """
        wanted = self.current if number is None else number
        if not 0 <= wanted < len(self.versions):
            raise Problem(
                404, f"There is no version {wanted}; this session has 0 to {len(self.versions) - 1}."
            )
        return wanted

    def on_sphere(self, number: int) -> bool:
        """Whether a version came about, itself or any before it, by erasing on the sphere."""
        version = self.versions[number]
        return version.kind == "panorama" or (version.parent is not None and self.on_sphere(version.parent))

    def ask(self, version: int, new: int | None = None) -> dict[str, Any]:
        """What a worker is told about this session."""
        return {"folder": str(self.folder), "version": version, "new": new}

    def add(self, parent: int, kind: str, done: dict[str, Any]) -> Version:
        """A new version that a worker has written."""
        version = Version(
            len(self.versions), parent, kind, done.get("changed"), done.get("notes", []),
            done.get("erased_share", 0.0), done.get("scores"),
        )  # fmt: skip
        self.versions.append(version)
        self.current = version.number
        return version

    def bytes(self) -> int:
        """Of its files."""
        return sum(path.stat().st_size for path in self.folder.iterdir())


class Sessions:
    """All sessions of a daemon.

    Args:
        settings: how many, how large, how long.
        spool: where their folders are made.
    """

    def __init__(self, settings: Settings, spool: Path) -> None:
        self._settings, self._spool = settings, spool
        self._open: dict[str, Session] = {}

    def folder(self) -> Path:
        """A new private folder."""
        path = self._spool / f"session-{secrets.token_hex(12)}"
        path.mkdir(mode=0o700)
        return path

    def keep(self, session: Session) -> None:
        """Remembers a session whose picture was read; others may have to go for it."""
        self._open[session.id] = session
        self.tidy(session)

    def find(self, name: str) -> Session:
        """A session, which counts as used.

        Raises:
            Problem: 404, there is none of that name, or no more.
        """
        session = self._open.get(name)
        if session is None:
            raise Problem(
                404, "There is no such session, or it was not used for too long: open the picture again."
            )
        session.used = time.monotonic()
        return session

    def close(self, session: Session) -> None:
        """Forgets a session and its files."""
        self._open.pop(session.id, None)
        shutil.rmtree(session.folder, ignore_errors=True)

    def tidy(self, spared: Session | None = None) -> None:
        """Closes sessions that are too old, too many or too large together; never a busy one."""
        now = time.monotonic()
        for session in list(self._open.values()):
            if session.busy is None and now - session.used > self._settings.session_seconds:
                self.close(session)
        by_age = sorted(self._open.values(), key=lambda session: session.used)
        sizes = {session.id: session.bytes() for session in by_age}
        for session in by_age:
            fits = len(self._open) <= self._settings.sessions
            if fits and sum(sizes.values()) <= self._settings.session_bytes:
                return
            if session.busy is None and session is not spared:
                sizes.pop(session.id)
                self.close(session)

    def as_dict(self, session: Session) -> dict[str, Any]:
        """A session as the page gets it."""
        left = self._settings.session_seconds - (time.monotonic() - session.used)
        return {
            "id": session.id,
            **session.about,
            "current": session.current,
            "versions": [vars(version) for version in session.versions],
            "expires": round(left),
        }

    def __len__(self) -> int:
        return len(self._open)
