"""The paint client's routes: one upload, then views, erasures and versions by id."""

from __future__ import annotations

import json
import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from local_server import forms, work
from local_server.jobs import INTERACTIVE, Job
from local_server.problems import Problem, documented
from local_server.routes_jobs import JOB, job_as_dict
from local_server.routes_work import IMAGES, erase_options
from local_server.sessions import VERSIONS, Session

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

Name = Annotated[str, Path(pattern=r"^s-[A-Za-z0-9_-]{16}$", description="As the session was given.")]
Number = Annotated[int, Path(ge=0, le=VERSIONS, description="Version; 0 is the original.")]
Base = Annotated[
    int | None, Form(ge=0, le=VERSIONS, description="Version to start from; left out: the current.")
]
Pixels = Annotated[int, Query(ge=0, le=100_000)]
OfPanorama = Annotated[bool, Form(description="Treat the picture as a 360-degree panorama.")]

SESSION: dict[str, Any] = {
    "type": "object",
    "required": [
        "id",
        "width",
        "height",
        "format",
        "mode",
        "dtype",
        "panorama",
        "current",
        "versions",
        "expires",
    ],
}
FAILURES = documented(404, 408, 409, 413, 415, 422, 503)
ANSWER: dict[str, Any] = {"description": "The session", "content": {"application/json": {"schema": SESSION}}}


class Choice(BaseModel):
    """Which version is the current one."""

    model_config = ConfigDict(extra="forbid", strict=True)
    current: Annotated[int, Field(ge=0, le=VERSIONS)]


@router.post("", status_code=201, responses={201: ANSWER, **FAILURES}, response_class=JSONResponse)
async def open_picture(request: Request, image: forms.Image) -> Response:
    """Opens a picture to work on; answers when it has been read."""
    daemon = work.daemon_of(request)
    session = Session(daemon.sessions.folder())
    try:
        await forms.store(image, session.folder / "original")
        job = Job("open", "open", session.folder, {"limits": daemon.settings.limits}, INTERACTIVE)
        session.about = (await work.run(request, job, "pictures")).done
    except BaseException:
        shutil.rmtree(session.folder, ignore_errors=True)
        raise
    daemon.sessions.keep(session)
    where = {"Location": f"/v1/sessions/{session.id}"}
    return JSONResponse(daemon.sessions.as_dict(session), 201, where)


@router.get("/{name}", responses={200: ANSWER, **FAILURES}, response_class=JSONResponse)
async def session(request: Request, name: Name) -> Response:
    """A session and its versions."""
    sessions = work.daemon_of(request).sessions
    return JSONResponse(sessions.as_dict(sessions.find(name)))


@router.patch("/{name}", responses={200: ANSWER, **FAILURES}, response_class=JSONResponse)
async def choose_version(request: Request, name: Name, choice: Choice) -> Response:
    """Undo and redo: makes a version the current one."""
    sessions = work.daemon_of(request).sessions
    found = sessions.find(name)
    found.current = found.version(choice.current)
    return JSONResponse(sessions.as_dict(found))


@router.delete("/{name}", status_code=204, responses=FAILURES, response_class=Response)
async def close(request: Request, name: Name) -> Response:
    """Forgets a session and its files; work on it is cancelled."""
    daemon = work.daemon_of(request)
    found = daemon.sessions.find(name)
    if found.busy is not None:
        daemon.jobs.cancel(found.busy)
        await found.busy.ended()
    daemon.sessions.close(found)
    return Response(status_code=204)


@router.get(
    "/{name}/versions/{number}/view",
    responses={
        200: {"description": "The part, in 8 bits, with the source's profile", "content": IMAGES},
        **FAILURES,
    },
    response_class=Response,
)
async def view(
    request: Request, name: Name, number: Number, left: Pixels = 0, top: Pixels = 0,
    width: Annotated[Pixels, Query(description="0: to the right edge")] = 0,
    height: Annotated[Pixels, Query(description="0: to the bottom edge")] = 0,
    longest: Annotated[int, Query(ge=1, le=8192, description="Longer side of the answer at most")] = 2048,
    format: Annotated[forms.Format | None, Query(description="png is exact for 8-bit pictures")] = None,
) -> Response:  # fmt: skip
    """A part of a version for the screen, scaled down to fit; never scaled up."""
    daemon = work.daemon_of(request)
    found = daemon.sessions.find(name)
    options = {
        "session": found.ask(found.version(number)), "left": left, "top": top, "width": width, "height": height,
        "longest": longest, "format": format.upper() if format else None,
    }  # fmt: skip
    job = await work.new_job(daemon, "view", "view", options)
    await work.run(request, job, "pictures")
    headers = {
        "Vanisher-Scale": f"{job.done['scale']:.8g}",
        "Cache-Control": "private, max-age=86400, immutable",
    }
    return work.file_answer(job.result, job.done["media_type"], headers, job.forget)


@router.get(
    "/{name}/versions/{number}/file",
    responses={200: {"description": "The version as a file, with the original's metadata", "content": IMAGES},
               **FAILURES},
    response_class=Response,
)  # fmt: skip
async def file(request: Request, name: Name, number: Number, format: forms.FormatQuery = None) -> Response:
    """Downloads a version: the original's depth and metadata, and its format if no other is named."""
    daemon = work.daemon_of(request)
    found = daemon.sessions.find(name)
    options = {
        "session": found.ask(found.version(number)), "panorama": found.on_sphere(number),
        **forms.clean(format=format.upper() if format else None),
    }  # fmt: skip
    job = await work.new_job(daemon, "encode", "encode", options)
    await work.run(request, job, "pictures")
    ending = job.done["media_type"].rpartition("/")[2]
    headers = {
        **work.headers_of(job.done),
        "Content-Disposition": f'attachment; filename="vanished.{ending}"',
    }
    return work.file_answer(job.result, job.done["media_type"], headers, job.forget)


@router.get(
    "/{name}/versions/{number}/receipt",
    responses={
        200: {"description": "What was done, replayable", "content": {"application/json": {}}},
        **FAILURES,
    },
    response_class=JSONResponse,
)
async def receipt(request: Request, name: Name, number: Number) -> Response:
    """The receipt of an erasure."""
    found = work.daemon_of(request).sessions.find(name)
    path = found.folder / f"receipt-{found.version(number)}.json"
    if not path.exists():
        raise Problem(404, f"Version {number} is the original; nothing was done to it.")
    return JSONResponse(json.loads(path.read_text(encoding="utf-8")))


@router.post("/{name}/erase", status_code=202, responses={202: JOB, **FAILURES}, response_class=JSONResponse)
async def erase(
    request: Request, name: Name, mask: forms.MaskFile = None, remove: forms.Remove = None, version: Base = None,
    grow: forms.Grow = None, feather: forms.Feather = None, model: forms.ModelName = None, seed: forms.Seed = 0,
    panorama: OfPanorama = False, nadir: forms.Nadir = None, relight: forms.Relight = False,
) -> Response:  # fmt: skip
    """Erases from a version; when the job is done, its result is the session's new current version."""
    if panorama:
        forms.say_what_of_sphere(mask, remove, nadir)
    else:
        forms.say_what(mask, remove)
        nadir, relight = None, False
    daemon = work.daemon_of(request)
    found = daemon.sessions.find(name)
    base, new = found.version(version), len(found.versions)
    if found.busy is not None:
        raise Problem(409, "Something is being erased from this picture: wait for it, or cancel it.", "Busy")
    if new >= VERSIONS:
        raise Problem(
            409, f"This session has {VERSIONS} versions and takes no more: open the result anew.", "Full"
        )
    options = erase_options(
        mask=mask,
        remove=remove,
        grow=grow,
        feather=feather,
        model=model,
        seed=seed,
        nadir=nadir,
        relight=relight or None,
        panorama=panorama,
    )
    kind = "panorama" if panorama else "erase"
    options["session"] = found.ask(base, new)
    job = await work.new_job(daemon, kind, "erase", options, mask=mask)

    def keep(job: Job) -> dict[str, Any]:
        return {"session": found.id, "version": vars(found.add(base, kind, job.done))}

    job.then = keep
    return _accepted(request, found, job)


@router.post(
    "/{name}/segment", status_code=202, responses={202: JOB, **FAILURES}, response_class=JSONResponse
)
async def segment(
    request: Request, name: Name, classes: forms.Classes, version: Base = None, panorama: OfPanorama = False
) -> Response:
    """Finds things in a version; the job's result is a PNG mask, its JSON has shares and boxes."""
    daemon = work.daemon_of(request)
    found = daemon.sessions.find(name)
    options = {
        "classes": forms.class_list(classes), "session": found.ask(found.version(version)), "panorama": panorama
    }  # fmt: skip
    job = await work.new_job(daemon, "segment", "segment", options)
    return _accepted(request, None, job)


def _accepted(request: Request, busy: Session | None, job: Job) -> Response:
    """Queues a kept job; `busy` is the session that it works on until it ends."""
    daemon = work.daemon_of(request)
    daemon.jobs.submit(job, keep=True)
    if busy is not None:
        busy.work = job
    return JSONResponse(job_as_dict(daemon, job), 202, {"Location": f"/v1/jobs/{job.id}"})
