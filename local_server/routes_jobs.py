"""Jobs over HTTP: queue one, follow it, fetch its result, cancel it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Header, Path, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from local_server import forms, work
from local_server.jobs import Job, fingerprint
from local_server.problems import Problem, documented
from local_server.routes_work import IMAGES, erase_options

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

HEARTBEAT = 10.0
"""Seconds after which a silent event stream sends a comment, so that a dead connection is noticed."""

Name = Annotated[str, Path(pattern=r"^j-[A-Za-z0-9_-]{16}$", description="As the job was given.")]
Kind = Annotated[Literal["erase", "segment", "panorama"], Form(description="What to do.")]
Priority = Annotated[
    Literal["interactive", "batch"],
    Form(description="interactive: somebody waits for it, so it goes before batch jobs."),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Sent again with the same request, the same job is answered instead of a second one.",
    ),
]

JOB: dict[str, Any] = {
    "description": "The job",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["id", "kind", "state", "place", "progress", "text", "problem", "result", "urls"],
                "properties": {
                    "id": {"type": "string"},
                    "kind": {"type": "string"},
                    "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
                    "place": {"type": "integer", "description": "jobs before it while it waits"},
                    "progress": {"type": "number", "minimum": 0, "maximum": 1},
                    "text": {"type": "string"},
                    "problem": {"type": ["object", "null"]},
                    "result": {"type": ["object", "null"], "description": "receipt, notes, classes ..."},
                    "urls": {"type": "object"},
                },
            }
        }
    },
}
FAILURES = documented(404, 408, 409, 413, 415, 422, 503)


def job_as_dict(daemon: work.Daemon, job: Job) -> dict[str, Any]:
    """A job as clients get it."""
    here = f"/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "place": daemon.jobs.place(job),
        "progress": job.progress,
        "text": job.text,
        "problem": job.problem.as_dict() if job.problem else None,
        "result": job.done if job.state == "done" else None,
        "urls": {"self": here, "events": f"{here}/events", "result": f"{here}/result"},
    }


@router.post("", status_code=202, responses={202: JOB, **FAILURES}, response_class=JSONResponse)
async def submit(
    request: Request, kind: Kind, image: forms.Image, mask: forms.MaskFile = None, remove: forms.Remove = None,
    classes: Annotated[str | None, Form(pattern=forms.CLASS_NAMES, description="Of kind segment.")] = None,
    nadir: forms.Nadir = None, grow: forms.Grow = None, feather: forms.Feather = None, model: forms.ModelName = None,
    seed: forms.Seed = 0, relight: forms.Relight = False, fit_mask: forms.FitMask = False,
    format: forms.FormatField = None,
    priority: Priority = "batch", key: Key = None,
) -> Response:  # fmt: skip
    """Queues work; requests that somebody waits for go first."""
    daemon = work.daemon_of(request)
    if kind == "segment":
        if classes is None:
            raise Problem(422, "classes is missing; name what to find, such as person.", "UsageError")
        options: dict[str, Any] = {"classes": forms.class_list(classes)}
    else:
        if kind == "panorama":
            forms.say_what_of_sphere(mask, remove, nadir)
        else:
            forms.say_what(mask, remove)
        options = erase_options(mask=mask, remove=remove, grow=grow, feather=feather, model=model, seed=seed)
        sphere = {"panorama": True, "nadir": nadir, "relight": relight or None}
        extra = sphere if kind == "panorama" else {"fit_mask": fit_mask}
        options |= forms.clean(**extra, format=forms.wanted_format(format, None))
    task = "segment" if kind == "segment" else "erase"
    job = await work.new_job(daemon, kind, task, options, image=image, mask=mask, batch=priority == "batch")
    if key is not None:
        print_ = await asyncio.to_thread(fingerprint, job.folder, kind, options)
        try:
            known = daemon.jobs.repeated(key, print_)
        except Problem:
            job.forget()
            raise
        if known is not None:
            job.forget()
            return JSONResponse(job_as_dict(daemon, known), 202, {"Location": f"/v1/jobs/{known.id}"})
        daemon.jobs.submit(job, keep=True)
        daemon.jobs.remember(key, print_, job)
    else:
        daemon.jobs.submit(job, keep=True)
    return JSONResponse(job_as_dict(daemon, job), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/{name}", responses={200: JOB, **FAILURES}, response_class=JSONResponse)
async def job(request: Request, name: Name) -> Response:
    """How far a job is."""
    daemon = work.daemon_of(request)
    return JSONResponse(job_as_dict(daemon, daemon.jobs.find(name)), headers={"Cache-Control": "no-store"})


@router.get(
    "/{name}/events",
    responses={
        200: {
            "description": "`event: job`, `data:` the job, at every change until it ends",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **FAILURES,
    },
    response_class=StreamingResponse,
)
async def events(request: Request, name: Name) -> Response:
    """Server-sent events: place in the queue, progress, end."""
    daemon = work.daemon_of(request)
    found = daemon.jobs.find(name)

    async def stream() -> AsyncIterator[str]:
        while True:
            change = found.next_change
            yield f"event: job\ndata: {json.dumps(job_as_dict(daemon, found))}\n\n"
            if found.is_final:
                return
            while not await _within(change.wait(), HEARTBEAT):
                yield ": still here\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _within(waiting: Awaitable[Any], seconds: float) -> bool:
    try:
        await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return False
    return True


@router.get(
    "/{name}/result",
    responses={200: {"description": "The picture or mask", "content": IMAGES}, **FAILURES, **documented(410)},
    response_class=Response,
)
async def result(request: Request, name: Name) -> Response:
    """The finished job's file, with its receipt in a header; it is kept for a while."""
    found = work.daemon_of(request).jobs.find(name)
    if found.problem is not None:
        raise found.problem
    if found.state == "cancelled":
        raise Problem.of_kind("Cancelled", "The job was cancelled; it has no result.")
    if not found.is_final:
        raise Problem(
            409, f"The job is {found.state}; ask again when it is done.", "NotDone", {"Retry-After": "1"}
        )
    if found.forgotten:
        raise Problem(410, "The result was not fetched in time and is gone; send the job again.", "Forgotten")
    if not found.result.exists():
        raise Problem(404, "This job made no file: its result is in its JSON.")
    return work.file_answer(found.result, found.done["media_type"], work.headers_of(found.done))


@router.delete(
    "/{name}", status_code=202, responses={200: JOB, 202: JOB, **FAILURES}, response_class=JSONResponse
)
async def cancel(request: Request, name: Name) -> Response:
    """Cancels a job within a second; of a finished one the result is dropped."""
    daemon = work.daemon_of(request)
    found = daemon.jobs.find(name)
    if found.is_final:
        found.forget()
        return JSONResponse(job_as_dict(daemon, found))
    daemon.jobs.cancel(found)
    return JSONResponse(job_as_dict(daemon, found), 202)
