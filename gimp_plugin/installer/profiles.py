r"""Where each build of GIMP keeps its profile, and which GIMPs are installed.

| build | profile folder | programs |
|---|---|---|
| system (Linux) | `$XDG_CONFIG_HOME/GIMP/X.Y`, else `~/.config/GIMP/X.Y` | `gimp-X.Y` in PATH |
| flatpak | the same if `~/.config/GIMP` exists, else `~/.var/app/org.gimp.GIMP/config/GIMP/X.Y` | its `files/bin` |
| snap | `~/snap/gimp/current/.config/GIMP/X.Y` | `/snap/gimp/current/usr/bin` |
| Windows | `%APPDATA%\GIMP\X.Y`, Store: `%LOCALAPPDATA%\Packages\GIMP.*\LocalCache\Roaming\GIMP\X.Y` | `GIMP*\bin` |
| macOS | `~/Library/Application Support/GIMP/X.Y` | `GIMP*.app`, version in `Info.plist` |

The flatpak is allowed `xdg-config/GIMP`: flatpak mounts that folder over its own when it exists, and only then.
`GIMP3_DIRECTORY` and `GIMP2_DIRECTORY` replace the folder of their GIMP (gimp_directory() in libgimpbase).

A GIMP that was never started has no profile yet. At its first start it makes one and takes over the settings
of the next older version, but only if the folder is not there: so the folder is made here in advance only where
there is no older one to take over.
"""

from __future__ import annotations

import os
import plistlib
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FLATPAK = "org.gimp.GIMP"

PROGRAM = re.compile(r"gimp(?:-console)?-(\d+\.\d+)(?:\.exe)?")
VERSION = re.compile(r"\d+\.\d+")
CONFIG_VERSION = re.compile(r'\(config-version "(\d+\.\d+)')


@dataclass(frozen=True)
class System:
    """The machine to look at; tests pass a made-up one.

    Attributes:
        platform: as `sys.platform`.
        home: the user's folder.
        env: environment variables.
        root: where the file system starts.
    """

    platform: str
    home: Path
    env: Mapping[str, str]
    root: Path = Path("/")

    @classmethod
    def current(cls) -> System:
        """This machine."""
        return cls(sys.platform, Path.home(), os.environ)


@dataclass(frozen=True)
class Program:
    """An installed GIMP.

    Attributes:
        version: such as 3.0.
        build: system, flatpak, snap, windows, store or macos.
        folder: where its executable lies.
    """

    version: str
    build: str
    folder: Path


@dataclass(frozen=True)
class Profile:
    """A folder with one GIMP's settings and plug-ins; it need not exist yet.

    Attributes:
        path: the folder.
        version: such as 3.0.
        programs: the installed GIMPs that use it; none were found if empty.
        older: an older profile that GIMP would take over at its first start; None if there is nothing to lose.
    """

    path: Path
    version: str
    programs: tuple[Program, ...] = ()
    older: Path | None = None

    @property
    def is_python2(self) -> bool:
        """Whether it belongs to GIMP 2.10, whose plug-ins are single files for Python 2.7."""
        return self.version.startswith("2.")

    @property
    def plug_in(self) -> Path:
        """The plug-in's folder, or its file in GIMP 2.10."""
        return self.path / "plug-ins" / ("vanisher.py" if self.is_python2 else "vanisher")

    @property
    def builds(self) -> tuple[str, ...]:
        """The builds of `programs`, each once."""
        return tuple(dict.fromkeys(program.build for program in self.programs))


def supported(version: str) -> bool:
    """Whether there is a plug-in for a version: 2.10 and all of GIMP 3."""
    return version == "2.10" or version.split(".")[0] == "3"


def find_profiles(system: System) -> list[Profile]:
    """Every profile that exists or that an installed GIMP will use, sorted by path."""
    found: dict[Path, list[Program]] = {}
    folders = config_folders(system)
    for _, folder in folders:
        for path in _subfolders(folder, "*"):
            if VERSION.fullmatch(path.name) and supported(path.name):
                found.setdefault(path, [])
    for program in find_programs(system):
        if supported(program.version):
            home = _given_folder(system, program.version)
            mine = (
                [home] if home else [at / program.version for build, at in folders if build == program.build]
            )
            for path in [path for path in mine if path.is_dir()] or mine[:1]:
                found.setdefault(path, []).append(program)
    for path in (_given_folder(system, version) for version in ("2.10", "3.0")):
        if path is not None and path.is_dir():
            found.setdefault(path, [])
    return [profile_at(path, tuple(programs)) for path, programs in sorted(found.items())]


def profile_at(path: Path, programs: tuple[Program, ...] = ()) -> Profile:
    """A profile folder that is known, of a version read from its name or its gimprc, else taken for GIMP 3."""
    version = path.name if VERSION.fullmatch(path.name) else _config_version(path)
    version = version or (programs[0].version if programs else "3.0")
    older = None
    if not path.is_dir() and VERSION.fullmatch(path.name):
        others = [one for one in _subfolders(path.parent, "*") if VERSION.fullmatch(one.name)]
        older = max(
            (one for one in others if _key(one.name) < _key(path.name)), key=_by_version, default=None
        )
    return Profile(path, version, programs, older)


def config_folders(system: System) -> list[tuple[str, Path]]:
    """Pairs of a build and a folder that holds its profiles, one for each version."""
    if system.platform == "win32":
        roaming = Path(system.env.get("APPDATA") or system.home / "AppData" / "Roaming")
        packages = _local_data(system) / "Packages"
        stored = [one / "LocalCache" / "Roaming" / "GIMP" for one in _subfolders(packages, "GIMP.*")]
        stored = [one for one in stored if one.is_dir()]
        return [("windows", roaming / "GIMP"), *(("store", one) for one in [*stored, roaming / "GIMP"])]
    if system.platform == "darwin":
        return [("macos", system.home / "Library" / "Application Support" / "GIMP")]
    own = Path(system.env.get("XDG_CONFIG_HOME") or system.home / ".config") / "GIMP"
    sandboxed = system.home / ".var" / "app" / FLATPAK / "config" / "GIMP"
    return [
        ("system", own),
        ("flatpak", own if own.is_dir() else sandboxed),
        ("snap", system.home / "snap" / "gimp" / "current" / ".config" / "GIMP"),
    ]


def find_programs(system: System) -> list[Program]:
    """The GIMPs installed here, read from the names of their executables; none is started."""
    found: dict[tuple[str, str], Program] = {}
    for build, folder in _program_folders(system):
        for path in sorted(folder.glob("gimp*")) if folder.is_dir() else ():
            if match := PROGRAM.fullmatch(path.name):
                program = Program(match[1], build, folder)
                found.setdefault((program.version, build), program)
    for bundle in _bundles(system):
        if version := _bundle_version(bundle):
            found.setdefault((version, "macos"), Program(version, "macos", bundle / "Contents" / "MacOS"))
    return list(found.values())


def _program_folders(system: System) -> Iterator[tuple[str, Path]]:
    if system.platform == "win32":
        places = [system.env.get(name) for name in ("ProgramFiles", "ProgramW6432")]
        for place in [*filter(None, places), _local_data(system) / "Programs"]:
            yield from (("windows", folder / "bin") for folder in _subfolders(Path(place), "GIMP*"))
    elif system.platform != "darwin":
        path = [Path(word) for word in system.env.get("PATH", "").split(os.pathsep) if word]
        yield from (("system", folder) for folder in [*path, system.root / "usr" / "bin"])
        shared, own = system.root / "var" / "lib" / "flatpak", system.home / ".local" / "share" / "flatpak"
        for place in (shared, own):
            yield "flatpak", place / "app" / FLATPAK / "current" / "active" / "files" / "bin"
        for place in (system.root / "snap", system.root / "var" / "lib" / "snapd" / "snap"):
            yield "snap", place / "gimp" / "current" / "usr" / "bin"


def _bundles(system: System) -> list[Path]:
    places = [system.root / "Applications", system.home / "Applications"]
    return (
        [one for place in places for one in _subfolders(place, "GIMP*.app")]
        if system.platform == "darwin"
        else []
    )


def _bundle_version(bundle: Path) -> str:
    try:
        with (bundle / "Contents" / "Info.plist").open("rb") as file:
            text = str(plistlib.load(file).get("CFBundleShortVersionString", ""))
    except (OSError, ValueError, plistlib.InvalidFileException):
        return ""
    match = VERSION.match(text)
    return match[0] if match else ""


def _given_folder(system: System, version: str) -> Path | None:
    """The folder that GIMP2_DIRECTORY or GIMP3_DIRECTORY names; relative ones start at home."""
    text = system.env.get(f"GIMP{version.split('.')[0]}_DIRECTORY")
    return system.home / text if text else None


def _local_data(system: System) -> Path:
    return Path(system.env.get("LOCALAPPDATA") or system.home / "AppData" / "Local")


def _config_version(path: Path) -> str:
    try:
        match = CONFIG_VERSION.search((path / "gimprc").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return match[1] if match else ""


def _subfolders(folder: Path, pattern: str) -> list[Path]:
    return sorted(one for one in folder.glob(pattern) if one.is_dir()) if folder.is_dir() else []


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _by_version(path: Path) -> tuple[int, ...]:
    return _key(path.name)
