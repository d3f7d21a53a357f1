"""Is it alive, is it ready, what can it do, how much does it take; login links for the browser."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from local_server import docs_page, work
from local_server.jobs import INTERACTIVE, Job
from local_server.page import HEADERS
from local_server.problems import Problem, documented
from vanisher_core import __version__

router = APIRouter(tags=["operation"])


def _object(description: str, *required: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "object", "required": list(required)}
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


@router.get("/healthz", responses={**_object("It is alive", "status", "version"), **documented()})
async def health(request: Request) -> dict[str, Any]:
    """Alive: the daemon answers; `warm` says whether the worker that holds the models is up."""
    warm = work.daemon_of(request).lanes["models"].pid is not None
    return {"status": "ok", "version": __version__, "warm": warm}


@router.get("/readyz", responses={**_object("An erasure would work", "ready"), **documented(503)})
async def ready(request: Request) -> dict[str, Any]:
    """Ready: a real erasure worked since the worker last failed; proved by a small one when none was asked for."""
    return {"ready": True, "device": await _proved(request)}


async def _proved(request: Request) -> str:
    """The device that erases.

    Raises:
        Problem: 503, an erasure does not work.
    """
    daemon = work.daemon_of(request)
    lane, proof = daemon.lanes["models"], request.app.state.proof
    if proof.get("deaths") != lane.deaths:
        job = await work.new_job(daemon, "prove", "prove", {})
        try:
            done = (await work.run(request, job)).done
        except Problem as problem:
            raise Problem(503, f"An erasure does not work here: {problem.detail}", "NotReady") from None
        job.forget()
        if not done["ok"]:
            raise Problem(
                503, "A trial erasure changed pixels outside its mask; run 'vanisher doctor'.", "NotReady"
            )
        proof.update(deaths=lane.deaths, device=done["device"])
    return proof["device"]


@router.get(
    "/metrics", responses={200: {"content": {"text/plain": {}}}, **documented()}, response_class=Response
)
async def metrics(request: Request) -> Response:
    """Requests, queue, latencies, memory, workers; Prometheus text format."""
    return Response(
        work.daemon_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


@router.get(
    "/v1/models",
    responses={
        **_object("What is installed", "models", "classes", "panorama_classes", "erase"),
        **documented(503),
    },
)
async def models(request: Request) -> dict[str, Any]:
    """Installed weights with digests, classes that can be found (true or false), ways to erase."""
    daemon = work.daemon_of(request)
    if not request.app.state.models:
        job = Job("models", "models", daemon.jobs.folder(), {}, INTERACTIVE)
        request.app.state.models = (await work.run(request, job, "pictures")).done
        job.forget()
    return request.app.state.models


@router.get(
    "/v1/limits", responses={**_object("Limits", "bytes", "pixels", "side", "sessions"), **documented()}
)
async def limits(request: Request) -> dict[str, int]:
    """What a request may cost."""
    settings = work.daemon_of(request).settings
    return {**settings.limits, "sessions": settings.sessions, "queue": settings.queue}


@router.post(
    "/v1/login-links",
    status_code=201,
    responses={
        201: {"description": "A link that can be used once", "content": {"application/json": {
            "schema": {"type": "object", "required": ["url"], "properties": {"url": {"type": "string"}}}}}},
        **documented(),
    },
)  # fmt: skip
async def new_link(request: Request) -> dict[str, str]:
    """A fresh one-time link that logs a browser in."""
    return {"url": work.daemon_of(request).login_link()}


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The OpenAPI document for people; no script, nothing fetched from elsewhere."""
    text = docs_page.render(json.loads(json.dumps(request.app.openapi())))
    return HTMLResponse(text, headers=HEADERS | {"Content-Security-Policy": docs_page.POLICY})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())
