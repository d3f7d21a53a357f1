"""The paint client's files: a fixed list of kinds from one folder, under a strict content security policy."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from local_server import work
from local_server.problems import Problem

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent / "page"

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def find(path: str) -> Path | None:
    """The page's file for a URL path; None for anything that is not exactly one of them."""
    name = PurePosixPath(path.removeprefix("/") or "index.html")
    parts = name.parts
    if (
        name.suffix not in KINDS
        or name.is_absolute()
        or any(part.startswith(".") or "\\" in part for part in parts)
    ):
        return None
    if "\0" in path or str(name) != (path.removeprefix("/") or "index.html"):
        return None
    found = FOLDER.joinpath(*parts)
    return found if found.is_file() and FOLDER in found.resolve().parents else None


def is_page(path: str) -> bool:
    """Whether a URL path is a file of the page; the page itself holds no secret and needs no login."""
    return path == "/" or find(path) is not None


@router.get("/login/{code}")
async def log_in(request: Request, code: str) -> Response:
    """Turns a one-time link into a cookie."""
    keys = work.daemon_of(request).keys
    answer = RedirectResponse("/", 303, {"Cache-Control": "no-store"})
    answer.set_cookie(keys.cookie_name, keys.use_link(code), httponly=True, samesite="strict", path="/")
    return answer


@router.get("/{path:path}")
async def page(path: str) -> Response:
    """A file of the page."""
    found = find(f"/{path}")
    if found is None:
        raise Problem(404, "There is nothing at this address; see /openapi.json for what there is.")
    return FileResponse(found, media_type=KINDS[found.suffix], headers=HEADERS)
