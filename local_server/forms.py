"""The forms of the work routes: names, ranges and meanings, once for all of them; files go to a job's folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import File, Form, Header, Query, Request, UploadFile

from local_server.problems import Problem

Format = Literal["png", "jpeg", "tiff", "webp"]
Model = Literal["auto", "network", "exemplar"]

TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/tiff": "TIFF", "image/webp": "WEBP"}
"""Media type -> format that a result can have."""

CLASS_NAMES = r"^ *[A-Za-z][A-Za-z_-]{0,30}( *, *[A-Za-z][A-Za-z_-]{0,30}){0,15} *$"

Image = Annotated[
    UploadFile, File(description="The photograph: PNG, JPEG, TIFF or WebP; its name is ignored.")
]
MaskFile = Annotated[
    UploadFile | None,
    File(description="Picture of the photograph's size, white where to erase. Either this or `remove`."),
]
Remove = Annotated[
    str | None,
    Form(pattern=CLASS_NAMES, description="Classes to find and erase, with commas.", examples=["person"]),
]
Classes = Annotated[str, Form(pattern=CLASS_NAMES, description="Classes, with commas.", examples=["person"])]
Grow = Annotated[
    int | None,
    Form(ge=0, le=2000, description="Pixels by which the mask grows; left out: by the size of each object."),
]
Feather = Annotated[
    float | None,
    Form(
        ge=0,
        le=2000,
        allow_inf_nan=False,
        description="Pixels of soft edge inside the grown ring; left out: by the growth. At most `grow`.",
    ),
]
ModelName = Annotated[Model | None, Form(description="How to fill; left out: auto.")]
Seed = Annotated[int, Form(ge=0, le=2**32 - 1, description="Same picture, mask, model and seed: same bytes.")]
FitMask = Annotated[bool, Form(description="Scale a mask of another size instead of refusing it.")]
Nadir = Annotated[
    float | None,
    Form(gt=0, le=60, allow_inf_nan=False, description="Degrees round the pole below to erase: the tripod."),
]
Relight = Annotated[
    bool,
    Form(
        description="Panoramas that show the whole sphere: also lift the shadows of what goes from floor, walls and "
        "ceiling, within 20 degrees of it."
    ),
]
FormatField = Annotated[
    Format | None,
    Form(description="Format of the result; left out: `Accept` decides, else the picture's own."),
]
FormatQuery = Annotated[Format | None, Query(description="Format of the file; left out: the picture's own.")]
ReceiptQuery = Annotated[
    bool,
    Query(description="Answer with JSON: the image in base64, the complete receipt, the notes (so does `Accept: "
          "application/json`)."),
]  # fmt: skip
Accept = Annotated[
    str | None, Header(description="image/png, image/jpeg, image/tiff, image/webp, application/json")
]


def class_list(text: str) -> list[str]:
    """`person, Furniture` -> ["person", "furniture"], each once."""
    return list(dict.fromkeys(name.strip().lower() for name in text.split(",")))


def wants_json(accept: str | None, receipt: bool) -> bool:
    """Whether a client asks for the result as JSON."""
    return receipt or any(name == "application/json" for name, _ in _ranked(accept))


def wanted_format(given: str | None, accept: str | None) -> str | None:
    """The format that a result should have; None: the picture's own.

    Raises:
        Problem: 406, nothing in `Accept` can be had.
    """
    if given:
        return given.upper()
    ranked = _ranked(accept)
    for name, _ in ranked:
        if name in TYPES:
            return TYPES[name]
        if name in ("*/*", "image/*", "application/json", "multipart/mixed"):
            return None
    if ranked:
        raise Problem(
            406, f"Accept is {accept!r:.100}; a result can be {', '.join(TYPES)} or application/json."
        )
    return None


def _ranked(accept: str | None) -> list[tuple[str, float]]:
    """Media types of an Accept header, the most wanted first; without those of weight 0."""
    found = []
    for part in (accept or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
        value = float(weight) if re.fullmatch(r"[01](\.\d{0,3})?", weight) else 1.0
        if name and value > 0:
            found.append((name, value))
    return sorted(found, key=lambda pair: -pair[1])


def clean(**options: Any) -> dict[str, Any]:
    """Options without those that were left out."""
    return {name: value for name, value in options.items() if value is not None}


async def store(upload: UploadFile, path: Path) -> None:
    """Writes an uploaded file into a job's folder; the name it came with is never looked at."""

    def copy() -> None:
        upload.file.seek(0)
        with path.open("xb") as target:
            while piece := upload.file.read(1024 * 1024):
                target.write(piece)

    await anyio.to_thread.run_sync(copy)


async def store_body(request: Request, path: Path) -> int:
    """Writes a request's raw body to a file; its length."""
    count = 0
    with path.open("xb") as target:
        async for piece in request.stream():
            target.write(piece)
            count += len(piece)
    return count


def say_what(mask: UploadFile | None, remove: str | None) -> None:
    """Exactly one way of saying what to erase from a photograph.

    Raises:
        Problem: 422, none or both.
    """
    if (mask is None) == (remove is None):
        heard = "neither" if mask is None else "both"
        raise Problem(422, f"Say what to erase, by a mask or by remove=CLASS: {heard} came.", "UsageError")


def say_what_of_sphere(mask: UploadFile | None, remove: str | None, nadir: float | None) -> None:
    """At least one way of saying what to erase from a panorama; several are erased together.

    Raises:
        Problem: 422, none.
    """
    if mask is None and remove is None and nadir is None:
        raise Problem(
            422, "Say what to erase: by a mask, by remove=CLASS, or by nadir=DEGREES.", "UsageError"
        )
