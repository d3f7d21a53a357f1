"""What can be set about the daemon: one frozen value, from `VANISHER_*` variables and the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from local_server import memory
from vanisher_core.errors import UsageError

GIB = 1024**3


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    r"""Where this user's daemon says how to reach it; `VANISHER_STATE` overrides.

    Linux: `$XDG_STATE_HOME/vanisher` or `~/.local/state/vanisher`; macOS: `~/Library/Application Support/Vanisher`;
    Windows: `%LOCALAPPDATA%\Vanisher`. The GIMP plug-in looks in the same places.
    """
    if given := environment.get("VANISHER_STATE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Vanisher"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Vanisher"
    return Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "vanisher"


@dataclass(frozen=True)
class Settings:
    """Everything that decides how a daemon behaves.

    Attributes:
        host: address to bind; anything but a loopback address needs `public`.
        port: TCP port; 0 takes a free one.
        public: whether another address than loopback may be bound.
        hosts: further names, with port, that a Host header may say (for a reverse proxy); exact, no patterns.
        state: folder of `daemon.json`, the token and the spool.
        device: where networks run: auto, cpu, cuda or mps.
        max_bytes: of one request's body.
        max_pixels: width times height of a picture.
        max_side: of a picture, in pixels.
        queue: jobs that may wait; one more is refused with 503.
        worker_memory: bytes that one worker may take.
        idle_seconds: without work, after which a worker leaves and its memory goes back.
        job_seconds: that one job may run.
        keep_seconds: that a finished job's result is kept.
        keep_bytes: of all kept results together.
        session_seconds: without use, after which a session of the paint client is forgotten.
        session_bytes: of all sessions together.
        sessions: at most this many at a time.
        head_seconds: in which a request's head must have come.
        stall_seconds: without a byte of a body, after which the request is given up.
        connections: open at the same time.
        cancel_seconds: a worker has to react to a cancellation before it is ended.
    """

    host: str = "127.0.0.1"
    port: int = 7865
    public: bool = False
    hosts: tuple[str, ...] = ()
    state: Path = Path()
    device: str = "auto"
    max_bytes: int = GIB // 2
    max_pixels: int = 200_000_000
    max_side: int = 65_000
    queue: int = 64
    worker_memory: int = 0
    idle_seconds: float = 600.0
    job_seconds: float = 1800.0
    keep_seconds: float = 900.0
    keep_bytes: int = 2 * GIB
    session_seconds: float = 7200.0
    session_bytes: int = 8 * GIB
    sessions: int = 16
    head_seconds: float = 10.0
    stall_seconds: float = 20.0
    connections: int = 200
    cancel_seconds: float = 0.7

    @property
    def limits(self) -> dict[str, int]:
        """What a picture may cost, as workers get it."""
        return {"bytes": self.max_bytes, "pixels": self.max_pixels, "side": self.max_side}


def load(environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """Settings from `VANISHER_HOST`, `VANISHER_PORT`, `VANISHER_QUEUE` ...; `given` values beat variables.

    Raises:
        UsageError: a variable or a value does not fit.
    """
    values: dict[str, Any] = {}
    for field in fields(Settings):
        text = environment.get(f"VANISHER_{field.name.upper()}", "").strip()
        if text and field.name != "state":
            values[field.name] = _parsed(field.name, type(field.default), text)
    values |= {name: value for name, value in given.items() if value is not None}
    settings = replace(Settings(state=state_folder(environment)), **values)
    if not settings.worker_memory:
        settings = replace(settings, worker_memory=max(2 * GIB, memory.physical() * 6 // 10))
    _check(settings)
    return settings


def _parsed(name: str, kind: type, text: str) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
                text.lower()
            ]
        if kind is tuple:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return kind(text)
    except (ValueError, KeyError):
        raise UsageError(
            f"The environment variable VANISHER_{name.upper()} is {text!r}, which is no {kind.__name__}: "
            "correct it or unset it."
        ) from None


def _check(settings: Settings) -> None:
    if not 0 <= settings.port <= 65535:
        raise UsageError(f"The port is {settings.port}; it must be between 0 (any free one) and 65535.")
    if not is_loopback(settings.host) and not settings.public:
        raise UsageError(
            f"The address {settings.host!r} can be reached from other machines, and whoever has the token could use "
            "this one: bind 127.0.0.1, or say --public if that is meant."
        )
    for name in ("max_bytes", "max_pixels", "max_side", "queue", "worker_memory", "sessions", "connections"):
        if getattr(settings, name) < 1:
            raise UsageError(f"{name} is {getattr(settings, name)}; it must be 1 or more.")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine only."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
