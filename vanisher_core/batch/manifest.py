"""The record of a batch: JSON Lines, one line for each picture done, failed or refused.

A line is written in one piece and flushed to the disk before its picture gets its name. The last line about a
picture counts. A process that was killed can leave half a line at the end; it is cut off when the record is
opened again. A second batch on the same record is kept out by a lock, which the system drops with the process.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from vanisher_core.errors import InputError, OutputError, UsageError

NAME = "manifest.jsonl"
FORMAT = 1
"""Version of the lines' layout; a newer one is refused."""


class Entry(NamedTuple):
    """What must be remembered of a line while a batch runs."""

    status: str
    stamp: str
    settings: str
    output: str
    output_bytes: int
    output_sha256: str
    input_sha256: str
    replaces: bool
    error: str

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Entry:
        """The entry of a line."""
        return cls(
            status=line["status"],
            stamp=line.get("stamp", ""),
            settings=_settings(line["settings"]),
            output=line.get("output") or "",
            output_bytes=line.get("output_bytes") or -1,
            output_sha256=line.get("output_sha256") or "",
            input_sha256=line.get("input_sha256") or "",
            replaces=bool(line.get("replaces")),
            error=(line.get("error") or {}).get("message", ""),
        )


def _settings(settings: Mapping[str, Any]) -> str:
    """Text that is equal for equal settings, whatever version made them."""
    return json.dumps({**settings, "vanisher": ""}, sort_keys=True)


class Manifest:
    """The record, opened for appending or only for reading.

    Args:
        folder: where the record lies.
        write: whether lines are to be added; takes the lock and cuts off a torn last line.

    Attributes:
        entries: input name -> the last line about it.

    Raises:
        UsageError: another batch is at work on it.
        InputError: it is damaged otherwise than by a torn last line, or written by a newer version.
        OutputError: it cannot be written.
    """

    def __init__(self, folder: Path, *, write: bool) -> None:
        self.path = folder / NAME
        self.entries: dict[str, Entry] = {}
        self._handle = -1
        self._lock: Any = None
        try:
            if write:
                folder.mkdir(parents=True, exist_ok=True)
                self._lock = _locked(folder / "lock", self.path)
                self._handle = os.open(
                    self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
                )
            self._read(cut=write)
        except OSError as error:
            self.close()
            raise OutputError(
                f"{self.path}: cannot be opened ({error.strerror or error}); correct its permissions or name another "
                "place with --state"
            ) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Manifest:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the file and the lock back."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._lock:
            self._lock.close()
            self._lock = None

    def append(self, line: Mapping[str, Any]) -> None:
        """Adds a line, on the disk when this returns.

        Raises:
            OutputError: it cannot be written; nothing of it stays in the record.
        """
        data = _encoded({"format": FORMAT, **line})
        begin = os.fstat(self._handle).st_size
        try:
            if os.write(self._handle, data) != len(data):
                raise OSError(28, "No space left on device")
            os.fsync(self._handle)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, begin)
            raise OutputError(
                f"{self.path}: cannot be written ({error.strerror or error}); make room, then go on with --resume"
            ) from error
        self.entries[line["input"]] = Entry.of(line)

    def clear(self) -> None:
        """Begins anew: no line stays."""
        os.ftruncate(self._handle, 0)
        os.fsync(self._handle)
        self.entries.clear()

    def lines(self) -> Iterator[dict[str, Any]]:
        """The last line about each picture, in the order of names."""
        last: dict[str, tuple[int, int]] = {}
        with self.path.open("rb") as file:
            at = 0
            for raw in file:
                last[json.loads(raw)["input"]] = (at, len(raw))
                at += len(raw)
            for name in sorted(last):
                file.seek(last[name][0])
                yield json.loads(file.read(last[name][1]))

    def _read(self, *, cut: bool) -> None:
        """Reads all lines; half a line at the end is ignored, and cut off if `cut`."""
        if not self.path.exists():
            return
        whole = 0
        size = self.path.stat().st_size
        with self.path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                line = _decoded(raw)
                if line is None and whole + len(raw) < size:
                    raise InputError(
                        f"{self.path}, line {number}, is no line of a record: it was edited or damaged. Remove that "
                        "line, or begin anew with --overwrite"
                    )
                if line is None:
                    break
                if line["format"] > FORMAT:
                    raise InputError(
                        f"{self.path} has format {line['format']}, this version reads {FORMAT}: update Vanisher"
                    )
                self.entries[line["input"]] = Entry.of(line)
                whole += len(raw)
        if cut and whole < size:
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)


def _encoded(line: Mapping[str, Any]) -> bytes:
    """One line; names that are no UTF-8 are written as escapes."""
    try:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(line, allow_nan=False).encode() + b"\n"


def _decoded(raw: bytes) -> dict[str, Any] | None:
    """The line, or None if it is torn or none of ours."""
    if not raw.endswith(b"\n"):
        return None
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    good = isinstance(line, dict) and isinstance(line.get("format"), int)
    return line if good and {"input", "status", "settings"} <= line.keys() else None


def _locked(path: Path, manifest: Path) -> Any:
    """An open file that no other process can lock; without `fcntl` (Windows) there is no lock."""
    file = path.open("ab")
    try:
        import fcntl
    except ImportError:
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UsageError(
            f"Another batch is at work on {manifest}: wait for it, stop it, or name another OUT_DIR."
        ) from None
    return file
