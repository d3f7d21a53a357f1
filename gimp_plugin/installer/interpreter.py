"""Which Python GIMP 3 will start the plug-in with on Linux, and whether it can.

The plug-in's first line asks for `env python3`. Elsewhere GIMP brings its own Python; on Linux that is whatever
comes first in GIMP's PATH, and a virtual environment or pyenv there has no `gi`: GIMP then drops the plug-in without
a word. Where PATH's python3 fails and the system's own works, the installed copy names the latter.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from gimp_plugin.installer.profiles import Profile, System

SYSTEM_PYTHON = "/usr/bin/python3"

SECONDS = 60.0
"""For a Python to say what it can import; a busy machine takes its time."""

_PROBE = """
try:
    import gi
except ImportError:
    raise SystemExit("has no module gi: install python3-gi (Debian, Ubuntu) or python3-gobject (Fedora)")
try:
    gi.require_version("Gimp", "3.0")
    gi.require_version("GimpUi", "3.0")
except ValueError:
    raise SystemExit("has gi but no GIMP: install gir1.2-gimp-3.0 (Debian, Ubuntu), or the package of GIMP's libraries")
"""


def adapt(main: bytes, profile: Profile, system: System) -> bytes:
    """The main file with the interpreter that works in this profile's GIMP."""
    head, _, rest = main.partition(b"\n")
    if not _matters(profile, system) or head != b"#!/usr/bin/env python3":
        return main
    if problem(system) and not why_not(SYSTEM_PYTHON):
        return f"#!{SYSTEM_PYTHON}\n".encode() + rest
    return main


def check(main: bytes, profile: Profile, system: System) -> str:
    """What is wrong with the interpreter that an installed main file asks for; empty if nothing is."""
    if not _matters(profile, system):
        return ""
    words = main.partition(b"\n")[0].decode(errors="replace").removeprefix("#!").split()
    if words[:1] == ["/usr/bin/env"]:
        return problem(system)
    trouble = why_not(words[0]) if words else "is not named in the first line"
    return f"{words[0] if words else 'The interpreter'} {trouble}." if trouble else ""


def problem(system: System) -> str:
    """Why `env python3` is no Python for GIMP; empty if it is."""
    found = shutil.which("python3", path=system.env.get("PATH", os.defpath))
    if found is None:
        return "There is no python3 in PATH: install python3 and python3-gi."
    trouble = why_not(found)
    return f"{found}, the first python3 in PATH, {trouble}." if trouble else ""


@cache
def why_not(python: str) -> str:
    """Why an interpreter cannot run the plug-in; empty if it can."""
    try:
        done = subprocess.run(
            [python, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not start"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["does not start"])[-1]


def _matters(profile: Profile, system: System) -> bool:
    """Only a GIMP of the Linux system itself runs the host's Python."""
    return system.platform.startswith("linux") and not profile.is_python2 and "system" in profile.builds
