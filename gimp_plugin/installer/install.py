"""Copies the plug-in into profiles and removes it; other plug-ins and settings are never touched.

A copy is made beside its place under a name that GIMP skips, then renamed, so that a GIMP that starts at that
moment sees the old plug-in or the new one. GIMP 3 wants `plug-ins/vanisher/vanisher.py`, folder and file of the
same name and the file executable; GIMP 2.10 wants an executable file straight in `plug-ins`.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from gimp_plugin.installer import interpreter, settings
from gimp_plugin.installer.errors import CannotWrite, InstallerError
from gimp_plugin.installer.profiles import Profile, System, config_folders, find_profiles, profile_at
from gimp_plugin.installer.status import PACKAGE, Report, is_ours, look, sources


def install(folder: Path | None = None, system: System | None = None) -> list[Report]:
    """Installs or upgrades the plug-in in every profile.

    Args:
        folder: one profile to take instead; made if it is not there.
        system: the machine; None: this one.

    Returns:
        What each GIMP will see now; `failed` where nothing could be installed.

    Raises:
        InstallerError: there is no GIMP here, or `folder` is no folder.
    """
    system = system or System.current()
    chosen = [_given(folder)] if folder else find_profiles(system)
    if not chosen:
        looked = ", ".join(str(path) for path in dict.fromkeys(path for _, path in config_folders(system)))
        raise InstallerError(
            f"No GIMP 3 and no GIMP 2.10 was found (looked for profiles in {looked}): start GIMP once, or name its "
            "folder with --profile; GIMP shows it in Edit > Preferences > Folders > Plug-ins, without the last part."
        )
    return [_attempt(profile, system, _install) for profile in chosen]


def uninstall(folder: Path | None = None, system: System | None = None) -> list[Report]:
    """Removes the plug-in from every profile where it is, and its settings unless the user changed them.

    Args:
        folder: one profile to take instead.
        system: the machine; None: this one.

    Returns:
        One report for each profile that had something of the plug-in; empty if none had.
    """
    system = system or System.current()
    chosen = [_given(folder)] if folder else find_profiles(system)
    return [_attempt(profile, system, _uninstall) for profile in chosen if _has_something(profile)]


def _given(folder: Path) -> Profile:
    path = folder.expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise InstallerError(f"The profile {path} is a file: name GIMP's profile folder.")
    if path.name == "plug-ins":
        raise InstallerError(
            f"{path} is a folder of plug-ins: name the profile that holds it, {path.parent}."
        )
    return profile_at(path)


def _attempt(profile: Profile, system: System, action: Callable[[Profile, System], list[str]]) -> Report:
    """One profile's trouble does not keep the others from being served."""
    try:
        notes = action(profile, system)
    except InstallerError as error:
        return look(profile, system, failed=str(error))
    except OSError as error:
        where = error.filename or profile.path
        return look(
            profile, system, failed=f"{where}: {error.strerror}; change its permissions or free some space."
        )
    return look(profile, system, notes=notes)


def _install(profile: Profile, system: System) -> list[str]:
    if profile.older is not None:
        raise InstallerError(
            f"GIMP {profile.version} was never started, and takes over the settings of {profile.older} when it is: "
            "start it once, then install again."
        )
    if profile.plug_in.exists() and not is_ours(profile):
        raise InstallerError(f"{profile.plug_in} is not Vanisher's: move it away, then install again.")
    notes = [] if profile.path.is_dir() else [f"{profile.path} is new: this GIMP was never started."]
    with _new_folders(profile):
        _replace(profile.plug_in, lambda target: _copy(profile, system, target))
        kept = settings.write(profile, system)
    if kept:
        notes.append(f"kept in {settings.FILE} as you changed it: {', '.join(kept)}")
    return notes


def _uninstall(profile: Profile, system: System) -> list[str]:
    del system
    if profile.plug_in.exists() and not is_ours(profile):
        raise InstallerError(f"{profile.plug_in} is not Vanisher's: nothing was removed.")
    if profile.plug_in.is_symlink() or profile.plug_in.is_file():
        profile.plug_in.unlink()
    elif profile.plug_in.is_dir():
        shutil.rmtree(profile.plug_in)
    kept = settings.remove(profile)
    for folder in (profile.plug_in.parent, profile.path):
        with contextlib.suppress(OSError):  # GIMP's own things are in it
            folder.rmdir()
    return [f"{profile.path / settings.FILE} stays, you changed {', '.join(kept)}"] if kept else []


def _has_something(profile: Profile) -> bool:
    return profile.plug_in.exists() or (profile.path / settings.FILE).exists()


@contextlib.contextmanager
def _new_folders(profile: Profile) -> Iterator[None]:
    """Makes the folders down to `plug-ins`; those that are new go again when the installation fails."""
    wanted = profile.plug_in.parent
    missing = [one for one in (wanted, *wanted.parents) if not one.exists()]
    wanted.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _copy(profile: Profile, system: System, target: Path) -> None:
    """Writes the plug-in to `target`, a folder or a file as its GIMP wants it."""
    files = sources(profile)
    if not files:
        raise CannotWrite(f"The plug-in's own files are missing in {PACKAGE}: install Vanisher again.")
    if not profile.is_python2:
        target.mkdir(mode=0o755)
    for name, source in files.items():
        path = target if profile.is_python2 else target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        is_main = name == "vanisher.py"
        path.write_bytes(interpreter.adapt(data, profile, system) if is_main else data)
        path.chmod(0o755 if is_main else 0o644)


def _replace(place: Path, make: Callable[[Path], None]) -> None:
    """Makes a file or folder beside its place and puts it there in the stead of what is there now."""
    mark = secrets.token_hex(4)
    fresh, old = (place.with_name(f".vanisher-{word}-{mark}") for word in ("new", "old"))
    try:
        make(fresh)
        if place.exists() or place.is_symlink():
            place.rename(old)
        try:
            fresh.rename(place)
        except OSError:
            if old.exists() or old.is_symlink():
                old.rename(place)
            raise
    finally:
        for path in (fresh, old):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
