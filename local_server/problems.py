"""Every failure as `application/problem+json` (RFC 9457), decided in this one place.

A worker says the name of a class of `vanisher_core.errors` and its sentence; the daemon's own refusals are
`Problem`s. What is raised beyond these is a bug: 500, with no detail for the outside and a trace in the log.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import h11
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from local_server import disk

MEDIA_TYPE = "application/problem+json"

STATUS = {
    "UnsupportedPhoto": 415,
    "DamagedPhoto": 422,
    "LimitExceeded": 413,
    "PhotoError": 422,
    "MaskError": 422,
    "UsageError": 422,
    "InputError": 422,
    "HopelessFill": 422,
    "OutputError": 422,
    "Cancelled": 409,
    "ModelError": 503,
    "WorkerDied": 503,
    "JobTimeout": 503,
    disk.KIND: 507,
}
"""Kind of failure -> status code. OutputError: the chosen format cannot hold the picture."""

log = logging.getLogger("vanisher.daemon")


class Problem(Exception):
    """A request is refused.

    Args:
        status: HTTP status code.
        detail: what was received, the rule, and what to do.
        kind: name of the failure, for programs.
        headers: further headers of the answer, such as Retry-After.
    """

    def __init__(
        self, status: int, detail: str, kind: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}
        self.kind = kind or HTTPStatus(status).phrase.replace(" ", "")

    @classmethod
    def of_kind(cls, kind: str, message: str) -> Problem:
        """The problem for a failure that a worker reported."""
        return cls(STATUS.get(kind, 500), message, kind)

    def as_dict(self) -> dict[str, Any]:
        """The members of the problem object."""
        return {
            "type": f"urn:vanisher:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "kind": self.kind,
        }

    def response(self, **more: str) -> Response:
        """The problem as an answer, with further members."""
        headers = {"Cache-Control": "no-store", **self.headers}
        return JSONResponse({**self.as_dict(), **more}, self.status, headers, MEDIA_TYPE)


SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "kind"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:vanisher:MaskError"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for the user: what is wrong and what to do."},
        "kind": {"type": "string", "examples": ["MaskError"]},
    },
}
"""JSON schema of a problem, for the OpenAPI document."""


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: these statuses answer with a problem, and so do 400 to 403 on every route."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
        for status in sorted({400, 401, 403, 405, 421, *statuses})
    }


def install(app: FastAPI) -> None:
    """Makes an app answer every failure with a problem."""

    async def refused(request: Request, error: Exception) -> Response:
        problem = _problem(error)
        if request.url.path.startswith("/v2/"):
            return problem.response(error=problem.detail)  # where the Open Inference Protocol looks for it
        return problem.response()

    for kind in (Problem, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, refused)

    async def bug(request: Request, error: Exception) -> Response:
        return unexpected(error).response()

    app.add_exception_handler(Exception, bug)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return Problem(422, "; ".join(_complaint(item) for item in error.errors()[:5]), "UsageError")
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        return Problem(error.status_code, _sentence(error), headers=headers)
    raise error


def _complaint(item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    return f"{place}: {item['msg']}"


def _sentence(error: HTTPException) -> str:
    known = {
        404: "There is nothing at this address; see /openapi.json for what there is.",
        405: "This address does not take this method; see /openapi.json.",
    }
    return known.get(error.status_code, str(error.detail))


def unexpected(error: Exception) -> Problem:
    """The answer to a full disk, or to a bug, which also goes to the log with its trace."""
    if disk.is_full(error):
        log.error("no room on the disk: %s", error)
        return Problem.of_kind(disk.KIND, disk.SENTENCE)
    if isinstance(error, h11.LocalProtocolError):
        log.info(
            "answer to a connection that is no more"
        )  # uvicorn refused its bytes and closed it meanwhile
    else:
        log.error("unexpected %s", type(error).__name__, exc_info=error)
    return Problem(500, "Something unexpected happened in Vanisher; its log has the details.", "Unexpected")
