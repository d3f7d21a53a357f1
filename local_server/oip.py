"""Open Inference Protocol v2: raw tensors of the shipped networks, as JSON or with the binary tensor extension.

https://github.com/kserve/open-inference-protocol. Server, health and metadata routes, and `infer`. A request's
body goes to the worker as it came: no tensor is parsed in the daemon.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import JSONResponse, Response

from local_server import forms, work
from local_server.jobs import INTERACTIVE, LARGE, SMALL, Job
from local_server.problems import documented
from local_server.routes_operate import _proved
from vanisher_core import __version__

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$", description="As GET /v1/models lists it.")]
HeaderLength = Annotated[
    int | None,
    Header(
        alias="Inference-Header-Content-Length", ge=0, description="Bytes of JSON before the binary tensors."
    ),
]
FAILURES = documented(404, 408, 409, 413, 415, 422, 503)
JSON_OBJECT: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {"inputs": {"type": "array", "items": {"type": "object"}}},
                },
                "example": {
                    "inputs": [
                        {"name": "rgb", "shape": [1, 1, 1, 3], "datatype": "UINT8", "data": [90, 120, 80]},
                    ]
                },
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get("/health/live", responses={200: {"content": JSON_OBJECT}, **documented()})
async def live() -> dict[str, bool]:
    """Alive."""
    return {"live": True}


@router.get("/health/ready", responses={200: {"content": JSON_OBJECT}, **documented(503)})
async def ready(request: Request) -> dict[str, bool]:
    """As `/readyz`."""
    await _proved(request)
    return {"ready": True}


@router.get("", responses={200: {"content": JSON_OBJECT}, **documented()})
async def server() -> dict[str, Any]:
    """Server metadata."""
    return {"name": "vanisher", "version": __version__, "extensions": ["binary_tensor_data"]}


@router.get(
    "/models/{name}", responses={200: {"content": JSON_OBJECT}, **FAILURES}, response_class=JSONResponse
)
async def model(request: Request, name: Name) -> Response:
    """Model metadata: tensors with datatypes and shapes (-1: any)."""
    return JSONResponse((await _described(request, name))["about"])


@router.get(
    "/models/{name}/ready", responses={200: {"content": JSON_OBJECT}, **FAILURES}, response_class=JSONResponse
)
async def model_ready(request: Request, name: Name) -> Response:
    """Whether a model's weights are there and whole."""
    await _described(request, name)
    return JSONResponse({"name": name, "ready": True})


async def _described(request: Request, name: str) -> dict[str, Any]:
    daemon = work.daemon_of(request)
    job = await work.new_job(daemon, "describe", "describe", {"model": name})
    done = (await work.run(request, job, "pictures")).done
    job.forget()
    return done


@router.post(
    "/models/{name}/infer",
    openapi_extra=BODY,
    response_class=Response,
    responses={
        200: {"content": {**JSON_OBJECT, "application/octet-stream": {"schema": {"type": "string"}}}},
        **FAILURES,
    },
)
async def infer(request: Request, name: Name, header_length: HeaderLength = None) -> Response:
    """Runs one network on tensors."""
    daemon = work.daemon_of(request)
    folder = daemon.jobs.folder()
    options = {"model": name, "header_length": header_length, "limits": daemon.settings.limits}
    job = Job("infer", "infer", folder, options, INTERACTIVE)
    try:
        if await forms.store_body(request, folder / "body") > SMALL:
            job.priority = LARGE
    except BaseException:
        job.forget()
        raise
    await work.run(request, job)
    length = job.done["header_length"]
    if length is None:
        return work.file_answer(job.result, "application/json", {}, job.forget)
    headers = {"Inference-Header-Content-Length": str(length)}
    return work.file_answer(job.result, "application/octet-stream", headers, job.forget)
