"""What GIMP will see of the plug-in, and why not: GIMP itself says nothing about a plug-in it skips."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gimp_plugin.installer import interpreter, settings
from gimp_plugin.installer.errors import InstallerError
from gimp_plugin.installer.profiles import Profile, System, find_profiles, profile_at

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Report:
    """One profile.

    Attributes:
        profile: its folder.
        version: of its GIMP.
        builds: which GIMPs use it: system, flatpak, snap, windows, store, macos; empty: none was found.
        plug_in: where the plug-in belongs.
        installed: whether it is there.
        seen: whether GIMP will show its menu.
        problems: why not, each with what to do.
        notes: what else is worth knowing.
        failed: why an installation or removal did not happen; empty if it did.
    """

    profile: str
    version: str
    builds: tuple[str, ...]
    plug_in: str
    installed: bool
    seen: bool
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def status(folder: Path | None = None, system: System | None = None) -> list[Report]:
    """Looks at every profile, or at one.

    Raises:
        InstallerError: `folder` does not exist.
    """
    system = system or System.current()
    if folder is None:
        return [look(profile, system) for profile in find_profiles(system)]
    path = folder.expanduser().absolute()
    if not path.is_dir():
        raise InstallerError(f"There is no folder {path}: name a GIMP profile.")
    return [look(profile_at(path), system)]


def look(profile: Profile, system: System, notes: Sequence[str] = (), failed: str = "") -> Report:
    """The report on one profile as it is now."""
    main = profile.plug_in if profile.is_python2 else profile.plug_in / "vanisher.py"
    installed = main.is_file() and is_ours(profile)
    misplaced = _misplaced(profile)
    problems = _spoilt(profile, system, main) if installed else misplaced or [_ABSENT]
    remarks = [*notes, *(misplaced if installed else ()), *_remarks(profile, system, installed)]
    return Report(
        profile=str(profile.path),
        version=profile.version,
        builds=profile.builds,
        plug_in=str(profile.plug_in),
        installed=installed,
        seen=installed and not problems,
        problems=tuple(problems),
        notes=tuple(remarks),
        failed=failed,
    )


def sources(profile: Profile) -> dict[str, Path]:
    """Name -> file of what belongs into a profile, as it comes with this Vanisher."""
    if profile.is_python2:
        path = PACKAGE / "gimp-2.10" / "vanisher.py"
        return {path.name: path} if path.is_file() else {}
    folder = PACKAGE / "plug-ins" / "vanisher"
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    files = {path.relative_to(folder).as_posix(): path for path in found}
    return files if "vanisher.py" in files else {}


def is_ours(profile: Profile) -> bool:
    """Whether what lies in the plug-in's place is a Vanisher plug-in, of whatever version."""
    place = profile.plug_in
    if place.is_dir():
        return (place / "vanisher.py").exists() or not any(place.iterdir())
    try:
        return b"vanisher" in place.read_bytes().lower()
    except OSError:
        return False


def _misplaced(profile: Profile) -> list[str]:
    """Copies that GIMP 3 skips because of where they lie or what they are called."""
    plug_ins = profile.path / "plug-ins"
    if profile.is_python2 or not plug_ins.is_dir():
        return []
    found = []
    for path in sorted(plug_ins.iterdir()):
        if path == profile.plug_in or path.name.startswith("."):
            continue
        if path.name.lower() == "vanisher.py":
            found.append(f"GIMP 3 skips {path}, as it lies in no folder of its own: {_CLEAN}.")
        elif (path / "vanisher.py").is_file():
            found.append(f"GIMP skips {path}, as it is not called like the vanisher.py in it: {_CLEAN}.")
    return found


_ABSENT = "The plug-in is not installed: run 'vanisher gimp install'."
_CLEAN = "delete it and run 'vanisher gimp install'"


def _spoilt(profile: Profile, system: System, main: Path) -> list[str]:
    found = []
    if os.name == "posix" and not os.access(main, os.X_OK):
        found.append(
            f"{main} is not executable, so GIMP skips it: run 'vanisher gimp install' or 'chmod +x' it."
        )
    if differing := _differing(profile, main):
        found.append(
            f"The plug-in there is of another version ({', '.join(differing[:3])}): run 'vanisher gimp install'."
        )
    if trouble := interpreter.check(main.read_bytes(), profile, system):
        found.append(trouble)
    if (
        profile.is_python2
        and profile.programs
        and not any(_has_gimpfu(one.folder) for one in profile.programs)
    ):
        found.append(
            "This GIMP 2.10 was built without Python-Fu (gimpfu.py is missing): GIMP 3 needs no such thing."
        )
    return found


def _differing(profile: Profile, main: Path) -> list[str]:
    """Names of the files that are not those of this Vanisher; the interpreter's line may differ."""
    wrong = []
    for name, source in sources(profile).items():
        path = main if profile.is_python2 else main.parent / name
        mine, there = source.read_bytes(), path.read_bytes() if path.is_file() else b""
        if name == "vanisher.py":
            mine, there = mine.partition(b"\n")[2], there.partition(b"\n")[2]
        if mine != there:
            wrong.append(name)
    return wrong


def _has_gimpfu(programs: Path) -> bool:
    """Whether the Python part of a GIMP 2.10 is there, seen from the folder of its programs."""
    prefix = programs.parent
    places = ("lib/gimp/2.0", "lib64/gimp/2.0", "lib/*/gimp/2.0", "Resources/lib/gimp/2.0")
    return any(next(prefix.glob(f"{place}/python/gimpfu.py"), None) for place in places)


def _remarks(profile: Profile, system: System, installed: bool) -> list[str]:
    notes = []
    if not profile.builds:
        notes.append("No installed GIMP was found that uses this profile.")
    if installed and "snap" in profile.builds:
        state = settings.defaults(profile, system)["state"]
        notes.append(
            f"A snap may start no program outside it: run 'vanisher serve --state {state}' before you use it."
        )
    try:
        values = settings.read(profile)
    except (OSError, ValueError) as error:
        return [
            *notes,
            f"{profile.path / settings.FILE} cannot be read ({error}): delete it, then install again.",
        ]
    command = (values or {}).get("command")
    if installed and (not isinstance(command, list) or not command or not Path(str(command[0])).exists()):
        notes.append(
            f"The daemon's command in {settings.FILE} is not there ({command}): run 'vanisher gimp install'."
        )
    return notes
