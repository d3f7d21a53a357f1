"""Write a file whole or not at all.

The bytes go to a temporary file in the same folder, are flushed to the disk, and only then get their name,
in one step. When anything goes wrong in between (disk full, Ctrl-C), the temporary file is removed and
whatever stood there before is intact. Without `overwrite` the name is taken by a hard link, which fails if
it exists: no gap between looking and writing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from vanisher_core.errors import OutputError, UsageError

STEP = 8 << 20


def write(path: Path, data: bytes | memoryview, *, overwrite: bool = False) -> None:
    """Write `data` to `path` atomically, with the permissions that the umask gives.

    Raises:
        UsageError: the file exists and `overwrite` is off.
        OutputError: the folder is missing or read-only, `path` is a folder, or the disk is full.
    """
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"{path}: the folder {folder} does not exist; create it first")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    temporary = folder / f".{path.name[:40]}.{secrets.token_hex(6)}.tmp"
    try:
        _fill(temporary, data)
        _name(temporary, path, overwrite)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); nothing was left behind"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _flush_folder(folder)


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path}: exists already; choose another name or allow overwriting (--overwrite)")


def _fill(temporary: Path, data: bytes | memoryview) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(temporary, flags, 0o666), "wb", buffering=0) as file:
        view = memoryview(data)
        at = 0
        while at < len(view):
            at += file.write(view[at : at + STEP]) or 0
        os.fsync(file.fileno())


def _name(temporary: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name in one step."""
    if overwrite:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise _exists(path) from None
    except (OSError, NotImplementedError, AttributeError):
        _claim(temporary, path)


def _claim(temporary: Path, path: Path) -> None:
    """The same where hard links do not exist (FAT, some network disks): reserve the name, then fill it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except FileExistsError:
        raise _exists(path) from None
    try:
        temporary.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _flush_folder(folder: Path) -> None:
    """Put the new name itself on the disk, where the system allows it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
