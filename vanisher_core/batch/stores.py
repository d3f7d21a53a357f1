"""Where pictures come from and results go to: folders here, URLs in `urls.py`.

Names are paths below the root with forward slashes. A result is staged first (`stage`, by a worker) and gets its
name later, in one step (`commit`, by the batch).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from vanisher_core.codecs import atomic
from vanisher_core.errors import OutputError, UsageError
from vanisher_core.mask import Mask
from vanisher_core.photo import Limits, Photo
from vanisher_core.receipt import file_digest

STATE = "vanisher-batch"
"""Folder in OUT_DIR for everything that is no result."""
STAGING = f"{STATE}/staging"


class Found(NamedTuple):
    """Something that lies in a store.

    Attributes:
        name: below the root.
        problem: why it cannot be taken, in words; "" if it can.
        harmless: with a problem: whether nothing is lost by leaving it out.
    """

    name: str
    problem: str = ""
    harmless: bool = False


class Store(Protocol):
    """A place of pictures, results or masks."""

    root: str

    def look(self) -> None:
        """Takes note of what is there now; a place that is far away answers `stamp` and `size` from that."""
        ...

    def files(self, leave_out: frozenset[str]) -> Iterator[Found]:
        """Everything below the root in no certain order, hidden things and the names in `leave_out` apart."""
        ...

    def stamp(self, name: str) -> str:
        """Text that changes when the file does (size and time of change); "" if there is no file."""
        ...

    def size(self, name: str) -> int:
        """Bytes; -1 if there is no file."""
        ...

    def digest(self, name: str) -> str:
        """SHA-256 of a file.

        Raises:
            OSError: it cannot be read.
        """
        ...

    def photo(self, name: str, limits: Limits) -> Photo:
        """As `Photo.open`."""
        ...

    def mask(self, name: str, limits: Limits) -> Mask:
        """As `Mask.open`."""
        ...

    def stage(self, key: str, data: bytes) -> None:
        """Puts a result aside, whole and flushed.

        Raises:
            OutputError: it cannot be written.
        """
        ...

    def staged(self, key: str) -> str:
        """SHA-256 of a staged result; "" if there is none."""
        ...

    def commit(self, key: str, name: str, *, replace: bool) -> None:
        """Gives a staged result its name.

        Raises:
            OutputError: it cannot be written there.
            UsageError: the name is taken and `replace` is off.
        """
        ...

    def clear_staging(self) -> None:
        """Drops every staged result."""
        ...


def is_url(where: str) -> bool:
    """Whether it is reached through fsspec rather than as a folder."""
    return "://" in where and not where.startswith("file://")


def store(where: str) -> Store:
    """The store of a folder, a file:// URL or any other URL that fsspec knows."""
    if is_url(where):
        from vanisher_core.batch.urls import UrlStore

        return UrlStore(where)
    return FolderStore(where.removeprefix("file://"))


class FolderStore:
    """A folder of this machine.

    Symbolic links are never followed: one that leads to something inside the folder would name the same picture
    twice or lead round in a circle, one that leads out of it would take what nobody named. Both are reported.
    """

    def __init__(self, root: str) -> None:
        self.path = Path(root).absolute()
        self.root = str(self.path)
        self._staging = self.path / STAGING

    def look(self) -> None:
        """Nothing: a folder is asked anew each time."""

    def files(self, leave_out: frozenset[str]) -> Iterator[Found]:
        """See `Store.files`."""
        waiting = [""]
        while waiting:
            below = waiting.pop()
            try:
                with os.scandir(self.path / below) as entries:
                    found = list(entries)
            except OSError as error:
                yield Found(below or ".", f"the folder cannot be read ({error.strerror or error})")
                continue
            for entry in found:
                name = f"{below}/{entry.name}" if below else entry.name
                if entry.name.startswith(".") or name in leave_out:
                    continue
                if entry.is_symlink():
                    yield self._link(name)
                elif entry.is_dir():
                    waiting.append(name)
                else:
                    yield Found(name)

    def _link(self, name: str) -> Found:
        try:
            target = (self.path / name).resolve(strict=True)
        except (OSError, RuntimeError):  # it leads nowhere, or in a circle
            return Found(name, "is a symbolic link that leads nowhere: remove it or mend it")
        if target.is_relative_to(self.path.resolve()):
            return Found(name, "is a symbolic link to something else in this folder: not done twice", True)
        return Found(name, f"is a symbolic link out of the folder, to {target}: put a copy in its place")

    def stamp(self, name: str) -> str:
        """See `Store.stamp`."""
        try:
            about = (self.path / name).stat()
        except OSError:
            return ""
        return f"{about.st_size}:{about.st_mtime_ns}"

    def size(self, name: str) -> int:
        """See `Store.size`."""
        try:
            return (self.path / name).lstat().st_size
        except OSError:
            return -1

    def digest(self, name: str) -> str:
        """See `Store.digest`."""
        path = self.path / name
        if not path.is_file():
            raise FileNotFoundError(2, "is no ordinary file", str(path))
        return file_digest(path)

    def photo(self, name: str, limits: Limits) -> Photo:
        """See `Store.photo`."""
        return Photo.open(self.path / name, limits)

    def mask(self, name: str, limits: Limits) -> Mask:
        """See `Store.mask`."""
        return Mask.open(self.path / name, limits)

    def stage(self, key: str, data: bytes) -> None:
        """See `Store.stage`."""
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self._staging}: cannot be made ({error.strerror or error})") from error
        atomic.write(self._staging / key, data, overwrite=True)

    def staged(self, key: str) -> str:
        """See `Store.staged`."""
        try:
            return file_digest(self._staging / key)
        except OSError:
            return ""

    def commit(self, key: str, name: str, *, replace: bool) -> None:
        """See `Store.commit`."""
        target = self.path / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self.path.resolve()):
                raise OutputError(
                    f"{target.parent} leads out of {self.path}: nothing is written through links"
                )
            if target.is_dir():
                raise OutputError(f"{target}: is a folder; rename it, or choose another OUT_DIR")
            _rename(self._staging / key, target, replace)
        except OSError as error:
            raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error

    def clear_staging(self) -> None:
        """See `Store.clear_staging`."""
        shutil.rmtree(self._staging, ignore_errors=True)


def _rename(staged: Path, target: Path, replace: bool) -> None:
    if replace:
        staged.replace(target)
        return
    taken = UsageError(f"{target}: exists already; move it away, or allow replacing it (--overwrite)")
    try:
        os.link(staged, target)  # fails if the name is taken: no gap between looking and writing
    except FileExistsError:
        raise taken from None
    except (OSError, NotImplementedError, AttributeError):  # no hard links here
        if os.path.lexists(target):
            raise taken from None
        staged.replace(target)
        return
    with contextlib.suppress(OSError):
        staged.unlink()


def suffix(name: str) -> str:
    """The last suffix of a name with its dot, "" if it has none."""
    return PurePosixPath(name).suffix
