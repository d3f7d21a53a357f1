"""One job of the daemon from the picture sent to the result fetched: progress, cancellation, every failure."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon import Daemon
from sentence import Sentence

Progress = Callable[[float, str], None]

LONGEST_EVENT = 64 * 1024 * 1024
"""Bytes of one event: a job's JSON with the receipt of a large panorama stays far below."""


@dataclass(frozen=True)
class Done:
    """A finished job.

    Attributes:
        data: the file that it made.
        result: what the daemon says about it: receipt, changed box, notes.
    """

    data: bytes
    result: dict[str, Any]

    @property
    def notes(self) -> list[str]:
        """Sentences for the owner of the picture."""
        notes = self.result.get("notes", [])
        return [str(note) for note in notes] if isinstance(notes, list) else []


def run(daemon: Daemon, fields: dict[str, Any], files: dict[str, bytes], progress: Progress) -> Done:
    """Sends a job, follows it, fetches its result.

    Args:
        daemon: who does it.
        fields: `kind` and options, as in docs/scripting.md; those that are None are left out.
        files: `image`, and `mask` if there is one.
        progress: called with the fraction done and what is being done.

    Raises:
        Sentence: refused, failed, cancelled, or the daemon is gone.
    """
    kind, body = _form({"priority": "interactive", **fields}, files)
    largest = 4 * max(len(data) for data in files.values()) + 2**20
    with _watched(daemon) as watch:
        progress(0.0, "Sending")
        job = daemon.ask_json("POST", "/v1/jobs", body, {"Content-Type": kind})
        name = _name(daemon, job)
        watch(name)
        finished = False
        try:
            result = _followed(daemon, name, progress)
            data = daemon.ask("GET", f"/v1/jobs/{name}/result", largest=largest)
            finished = True
            return Done(data, result)
        finally:
            _drop(daemon, name, hurry=not finished)


def _followed(daemon: Daemon, name: str, progress: Progress) -> dict[str, Any]:
    """The result of a job, after its last event."""
    for job in _events(daemon, name):
        state, text = job.get("state"), str(job.get("text", ""))
        if state == "queued":
            progress(0.0, f"Waiting for {job.get('place', 0)} other jobs" if job.get("place") else "Waiting")
        elif state == "running":
            fraction = job.get("progress")
            progress(float(fraction) if isinstance(fraction, int | float) else 0.0, text.capitalize())
        elif state == "done":
            result = job.get("result")
            return result if isinstance(result, dict) else {}
        elif state == "cancelled":
            raise Sentence("The job was cancelled. The image was not changed.")
        else:
            problem = job.get("problem")
            detail = problem.get("detail") if isinstance(problem, dict) else None
            raise Sentence(str(detail or text or "The job failed for an unknown reason."))
    raise daemon.failure(ConnectionResetError())


def _events(daemon: Daemon, name: str) -> Iterator[dict[str, Any]]:
    connection, response = daemon.open("GET", f"/v1/jobs/{name}/events")
    try:
        while line := response.readline(LONGEST_EVENT):
            if line.startswith(b"data:"):
                yield daemon.parsed(line[5:])
    except (OSError, http.client.HTTPException) as error:
        raise daemon.failure(error) from None
    finally:
        connection.close()


def _name(daemon: Daemon, job: dict[str, Any]) -> str:
    name = job.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name):
        raise daemon.foreign()
    return name


def _drop(daemon: Daemon, name: str, hurry: bool) -> None:
    """Cancels a job, or drops the result of a finished one; a daemon that is gone needs neither."""
    short = Daemon(daemon.host, daemon.port, daemon.token, min(daemon.patience, 3.0 if hurry else 10.0))
    with suppress(Sentence):
        short.ask("DELETE", f"/v1/jobs/{name}")


@contextmanager
def _watched(daemon: Daemon) -> Iterator[Callable[[str], None]]:
    """A watchdog for the block; call what it yields with the job's name."""
    script = Path(__file__).with_name("watchdog.py")
    options = {"creationflags": 0x08000000} if sys.platform == "win32" else {}  # CREATE_NO_WINDOW
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options,
        )  # fmt: skip
    except OSError:
        yield lambda name: None  # then a kill leaves the job to run to its end, which harms nobody
        return

    def tell(line: str) -> None:
        try:
            assert process.stdin is not None
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
        except OSError:
            pass

    try:
        address = {"host": daemon.host, "port": daemon.port, "token": daemon.token}
        yield lambda name: tell(json.dumps({**address, "id": name}))
    finally:
        tell("over")
        process.communicate()


def _form(fields: dict[str, Any], files: dict[str, bytes]) -> tuple[str, bytes]:
    """Content type and body of a multipart form (RFC 7578)."""
    boundary = f"vanisher-{secrets.token_hex(16)}"
    pieces = []
    for name, value in fields.items():
        if value is not None:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
            pieces += [head.encode(), str(value).encode(), b"\r\n"]
    for name, data in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        pieces += [f"{head}Content-Type: application/octet-stream\r\n\r\n".encode(), data, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)
