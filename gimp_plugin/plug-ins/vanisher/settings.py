"""What the plug-in remembers: `vanisher.json` in GIMP's own folder, beside gimprc.

    {"command": ["/home/a/vanisher/bin/vanisher", "serve"],     how to start the daemon; the installer writes it
     "state": "/home/a/.local/state/vanisher",                  folder of daemon.json, where it is not the usual one
     "patience": 25,                                            seconds without a sign of life before giving up
     "last": {"grow": -1, ...}}                                 what was chosen in the dialog the last time

Every key may be missing. Nothing else is ever written by the plug-in.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sentence import Sentence

FILE = "vanisher.json"

PATIENCE = 25.0
"""Seconds; the daemon sends a sign of life every ten."""

FLATPAK = Path("/.flatpak-info")
"""Is there in every flatpak."""


@dataclass(frozen=True)
class Settings:
    """The contents of `vanisher.json`.

    Attributes:
        path: the file.
        command: how to start the daemon; empty if nobody knows.
        state: folder of `daemon.json`.
        patience: seconds without a sign of life before giving up.
        last: choices of the last dialog.
    """

    path: Path
    command: tuple[str, ...] = ()
    state: Path = Path()
    patience: float = PATIENCE
    last: dict[str, Any] = field(default_factory=dict)


def load(folder: str) -> Settings:
    """The settings in GIMP's folder.

    Raises:
        Sentence: the file is damaged.
    """
    path = Path(folder) / FILE
    values = _read(path)
    command = values.get("command") or _found_command()
    try:
        return Settings(
            path,
            tuple(str(word) for word in command),
            Path(values["state"]) if values.get("state") else usual_state(),
            float(values.get("patience", PATIENCE)),
            dict(values.get("last", {})),
        )
    except (TypeError, ValueError):
        raise _damaged(path) from None


def remember(settings: Settings, last: dict[str, Any]) -> None:
    """Keeps the choices of a dialog; all other keys of the file stay as they are."""
    values = {**_read(settings.path), "last": last}
    temporary = settings.path.with_name(f".{FILE}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        temporary.replace(settings.path)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk costs the memory of the dialog, not the erasure


def usual_state() -> Path:
    """The daemon's folder as the daemon itself chooses it (`vanisher_core` says the same in its settings)."""
    if given := os.environ.get("VANISHER_STATE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Vanisher"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Vanisher"
    own = os.environ.get("XDG_STATE_HOME") if not FLATPAK.exists() else None  # a flatpak's is not the user's
    return Path(own or Path.home() / ".local" / "state") / "vanisher"


def _found_command() -> list[str]:
    """The `vanisher` command where it can be found without being told."""
    usual = Path.home() / ".local" / "bin" / "vanisher"
    found = shutil.which("vanisher") or (str(usual) if usual.exists() else None)
    return [found, "serve"] if found else []


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise _damaged(path) from None
    if not isinstance(values, dict):
        raise _damaged(path)
    return values


def _damaged(path: Path) -> Sentence:
    return Sentence(f"The file {path} is damaged: delete it and run 'vanisher gimp install' again.")
