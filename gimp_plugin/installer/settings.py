"""`vanisher.json` beside GIMP's own settings: how the plug-in starts the daemon and where it finds it.

    {"command": ["/home/ana/venv/bin/vanisher", "serve"],
     "installed": {"command": ["/home/ana/venv/bin/vanisher", "serve"]},
     "last": {"grow": 4}}

`installed` repeats what the installer wrote: a value that differs from it was changed by the user, is kept at the
next install, and keeps the file in place at uninstall. `last` is the plug-in's own memory of its dialog and goes
with it. `state`, the daemon's folder, is written where the plug-in could not know it: for a snap, which reads no
hidden folder at home, and where VANISHER_STATE or XDG_STATE_HOME says it, which GIMP need not be told.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from gimp_plugin.installer.errors import CannotWrite
from gimp_plugin.installer.profiles import Profile, System

FILE = "vanisher.json"


PLUG_IN_KEYS = ("installed", "last")
"""Not the user's own: what is no setting."""


def defaults(profile: Profile, system: System) -> dict[str, Any]:
    """What a fresh `vanisher.json` says, without `installed`."""
    if profile.builds == ("snap",):
        state = system.home / "snap" / "gimp" / "common" / "vanisher"
        return {"command": [*command(), "--state", str(state)], "state": str(state)}
    state = state_folder(system)
    plain = {name: value for name, value in system.env.items() if name == "LOCALAPPDATA"}
    if state == state_folder(System(system.platform, system.home, plain)):
        return {"command": command()}
    return {"command": command(), "state": str(state)}


def command() -> list[str]:
    """How to start the daemon that is installed beside this installer, with an absolute path."""
    script = Path(sys.executable).with_name("vanisher.exe" if os.name == "nt" else "vanisher")
    if script.is_file():
        return [str(script), "serve"]
    return [sys.executable, "-P", "-m", "vanisher_core", "serve"]


def state_folder(system: System) -> Path:
    """Where this user's daemon says how to reach it; the same rule as the daemon's own (docs/scripting.md)."""
    if given := system.env.get("VANISHER_STATE"):
        return Path(given)
    if system.platform == "win32":
        return Path(system.env.get("LOCALAPPDATA") or system.home / "AppData" / "Local") / "Vanisher"
    if system.platform == "darwin":
        return system.home / "Library" / "Application Support" / "Vanisher"
    return Path(system.env.get("XDG_STATE_HOME") or system.home / ".local" / "state") / "vanisher"


def read(profile: Profile) -> dict[str, Any] | None:
    """The settings of a profile; None if there are none.

    Raises:
        ValueError: the file is no JSON object.
    """
    try:
        text = (profile.path / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    return values


def changed(values: dict[str, Any]) -> list[str]:
    """Names of the settings that are not as the installer wrote them."""
    written = values.get("installed")
    written = written if isinstance(written, dict) else {}
    return sorted(name for name in values if name not in PLUG_IN_KEYS and values[name] != written.get(name))


def write(profile: Profile, system: System) -> list[str]:
    """Writes what the plug-in needs; what the user changed stays.

    Returns:
        Names of the settings that were kept.

    Raises:
        CannotWrite: the file cannot be written, or the one there cannot be read.
    """
    path, fresh = profile.path / FILE, defaults(profile, system)
    try:
        present = read(profile) or {}
    except (OSError, ValueError) as error:
        raise CannotWrite(
            f"{path} cannot be read ({error}): correct or delete it, then install again."
        ) from None
    kept = changed(present)
    staying = {name: value for name, value in present.items() if name in kept or name in PLUG_IN_KEYS}
    values = {**fresh, **staying, "installed": fresh}
    temporary = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise CannotWrite(f"{path} cannot be written ({error.strerror}): change its permissions.") from error
    return kept


def remove(profile: Profile) -> list[str]:
    """Deletes the file unless the user changed something in it.

    Returns:
        Names of the settings for which it stays; empty if nothing is left.
    """
    try:
        kept = changed(read(profile) or {})
    except ValueError:
        return ["all of it (no JSON)"]
    if not kept:
        (profile.path / FILE).unlink(missing_ok=True)
    return kept
