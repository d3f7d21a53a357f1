"""`POST /api/v1/inpaint`: what clients of IOPaint send, so that they keep working.

The request is that of IOPaint 1.x (`iopaint/schema.py`): JSON with `image` and `mask` in base64, with or without a
data URL in front, and some fifty settings of other models, which mean nothing here and are passed over. The
answer is a PNG and `X-Seed`. A client that only takes a URL can carry the token as
`http://vanisher:TOKEN@127.0.0.1:7865`.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from local_server import forms, work
from local_server.jobs import INTERACTIVE, LARGE, SMALL, Job
from local_server.problems import documented

router = APIRouter(tags=["IOPaint"])

BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["image", "mask"],
                    "properties": {
                        "image": {
                            "type": "string",
                            "description": "base64 of the photograph's file, or a data URL",
                        },
                        "mask": {"type": "string", "description": "base64 of the mask's file, or a data URL"},
                        "sd_seed": {"type": "integer", "description": "-1 is 0", "default": 42},
                    },
                }
            }
        },
    }
}


@router.post(
    "/api/v1/inpaint",
    response_class=Response,
    openapi_extra=BODY,
    responses={
        200: {"description": "The picture", "content": {"image/png": {"schema": {"type": "string"}}}},
        **documented(408, 409, 413, 415, 422, 503),
    },
)
async def inpaint(request: Request) -> Response:
    """Erases what the mask covers, as asked by a client of IOPaint."""
    daemon = work.daemon_of(request)
    folder = daemon.jobs.folder()
    job = Job("iopaint", "iopaint", folder, {"limits": daemon.settings.limits}, INTERACTIVE)
    try:
        if await forms.store_body(request, folder / "body") > 2 * SMALL:
            job.priority = LARGE
    except BaseException:
        job.forget()
        raise
    await work.run(request, job)
    headers = {"X-Seed": str(job.done["seed"]), **work.headers_of(job.done)}
    return work.file_answer(job.result, "image/png", headers, job.forget)
