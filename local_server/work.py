"""Between a route and the queue: a job from a form, and its result as an answer."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import urllib.parse
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import Request, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse

from local_server import forms
from local_server.auth import Keys
from local_server.jobs import BATCH, INTERACTIVE, LARGE, SMALL, Job, Jobs
from local_server.lane import Lane
from local_server.metrics import Metrics
from local_server.problems import Problem
from local_server.sessions import Sessions
from local_server.settings import Settings

RECEIPT_HEADER = "Vanisher-Receipt"
NOTES_HEADER = "Vanisher-Notes"

LONGEST_HEADER = 6000
"""Characters: many HTTP libraries refuse header lines of more than 8 KiB."""

PIECE = 256 * 1024


@dataclass(frozen=True)
class Daemon:
    """What routes work with; `request.app.state.daemon`."""

    settings: Settings
    jobs: Jobs
    lanes: dict[str, Lane]
    sessions: Sessions
    keys: Keys
    metrics: Metrics
    url: str

    def login_link(self) -> str:
        """A link that logs a browser in, once."""
        return f"{self.url}/login/{self.keys.new_link()}"


def daemon_of(request: Request) -> Daemon:
    """The daemon behind a request."""
    return request.app.state.daemon


async def new_job(
    daemon: Daemon, kind: str, task: str, options: dict[str, Any], *,
    image: UploadFile | None = None, mask: UploadFile | None = None, batch: bool = False,
) -> Job:  # fmt: skip
    """A job with its files in a folder of its own; not yet queued."""
    folder = daemon.jobs.folder()
    try:
        for name, upload in (("image", image), ("mask", mask)):
            if upload is not None:
                await forms.store(upload, folder / name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    size = image.size if image is not None and image.size else 0
    priority = BATCH if batch else LARGE if kind == "panorama" or size > SMALL else INTERACTIVE
    return Job(kind, task, folder, {**options, "limits": daemon.settings.limits}, priority)


async def run(request: Request, job: Job, lane: str = "models") -> Job:
    """Queues a job and waits for its end; a client that hangs up cancels it.

    Raises:
        Problem: the queue is full, or the job failed.
    """
    daemon = daemon_of(request)
    daemon.jobs.submit(job, lane)
    try:
        return await _unless_gone(request, daemon.jobs.finished(job))
    except BaseException:
        if job.is_final:
            job.forget()
        else:
            daemon.jobs.cancel(job)
        raise


async def _unless_gone(request: Request, work: Any) -> Any:
    """Awaits `work`, or cancels it when the client goes."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return await task
        task.cancel()
        await asyncio.wait({task})
        raise Problem.of_kind("Cancelled", "The client has hung up; its job was cancelled.")
    finally:
        gone.cancel()


async def _disconnected(request: Request) -> None:
    """Returns when the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def image_answer(job: Job, as_json: bool) -> Response:
    """A finished job's picture as an answer, with its receipt; the job's files go with it."""
    if as_json:
        data = await anyio.to_thread.run_sync(job.result.read_bytes)
        job.forget()
        return JSONResponse(
            {
                "image": base64.b64encode(data).decode(),
                "media_type": job.done["media_type"],
                "receipt": job.done.get("receipt"),
                "notes": job.done.get("notes", []),
            }
        )
    return file_answer(job.result, job.done["media_type"], headers_of(job.done), job.forget)


def headers_of(done: dict[str, Any]) -> dict[str, str]:
    """Receipt (base64 of compact JSON) and notes (percent-encoded) of a result, cut to what headers can hold."""
    headers = {}
    if (receipt := done.get("receipt")) is not None:
        text = _packed(receipt)
        if len(text) > LONGEST_HEADER:
            # a photograph's receipt lists windows, a panorama's views
            name = "views" if "views" in receipt else "windows"
            text = _packed({**receipt, name: [], f"{name}_left_out": len(receipt[name]), "notes": []})
        headers[RECEIPT_HEADER] = text
    notes = [urllib.parse.quote(note, safe=" ,.;:()%'/-=?!") for note in done.get("notes", [])]
    if notes:
        headers[NOTES_HEADER] = " | ".join(notes)[:LONGEST_HEADER]
    return headers


def _packed(values: dict[str, Any]) -> str:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return base64.b64encode(text.encode()).decode()


def file_answer(
    path: Path, media_type: str, headers: dict[str, str], after: Callable[[], None] | None = None
) -> Response:
    """A file as an answer, read piece by piece; `after` is called when it was sent or the client has gone."""
    stream = path.open("rb")
    length = path.stat().st_size

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while piece := await anyio.to_thread.run_sync(stream.read, PIECE):
                yield piece
        finally:
            stream.close()
            if after is not None:
                after()

    given = {"Content-Length": str(length), "Cache-Control": "no-store", **headers}
    return StreamingResponse(pieces(), media_type=media_type, headers=given)
