"""Erase, segment, and erase in panoramas: one request, one answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from local_server import forms, work
from local_server.problems import documented

router = APIRouter(tags=["work"])

IMAGES: dict[str, Any] = {name: {"schema": {"type": "string", "format": "binary"}} for name in forms.TYPES}

RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture: size, mode, depth, metadata of the source. Every sample outside the grown mask "
        "(with `relight`: more than 20 degrees outside) is as it was (in a lossy format: before encoding).",
        "content": {
            **IMAGES,
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["image", "media_type", "receipt", "notes"],
                    "properties": {
                        "image": {"type": "string", "contentEncoding": "base64"},
                        "media_type": {"type": "string"},
                        "receipt": {"type": "object"},
                        "notes": {"type": "array", "items": {"type": "string"}},
                    },
                }
            },
        },
        "headers": {
            work.RECEIPT_HEADER: {
                "description": "base64 of the receipt as compact JSON; without its windows or views if it would be "
                "longer than 6000 characters (`?receipt=true` has all)",
                "schema": {"type": "string"},
            },
            work.NOTES_HEADER: {
                "description": "sentences for the owner, percent-encoded, ' | ' between them",
                "schema": {"type": "string"},
            },
        },
    }
}

FAILURES = documented(406, 408, 409, 413, 415, 422, 503)


@router.post("/v1/erase", responses={**RESULT, **FAILURES}, response_class=Response)
async def erase(
    request: Request, image: forms.Image, mask: forms.MaskFile = None, remove: forms.Remove = None,
    grow: forms.Grow = None, feather: forms.Feather = None, model: forms.ModelName = None, seed: forms.Seed = 0,
    fit_mask: forms.FitMask = False, format: forms.FormatField = None, receipt: forms.ReceiptQuery = False,
    accept: forms.Accept = None,
) -> Response:  # fmt: skip
    """Erases what a mask covers, or everything of some classes, from a photograph."""
    forms.say_what(mask, remove)
    options = erase_options(
        mask=mask, remove=remove, grow=grow, feather=feather, model=model, seed=seed, fit_mask=fit_mask
    )
    options |= forms.clean(format=forms.wanted_format(format, accept))
    daemon = work.daemon_of(request)
    job = await work.new_job(daemon, "erase", "erase", options, image=image, mask=mask)
    await work.run(request, job)
    return await work.image_answer(job, forms.wants_json(accept, receipt))


@router.post("/v1/panorama/erase", responses={**RESULT, **FAILURES}, response_class=Response)
async def erase_panorama(
    request: Request, image: forms.Image, mask: forms.MaskFile = None, remove: forms.Remove = None,
    nadir: forms.Nadir = None, grow: forms.Grow = None, feather: forms.Feather = None, model: forms.ModelName = None,
    seed: forms.Seed = 0, relight: forms.Relight = False, format: forms.FormatField = None,
    receipt: forms.ReceiptQuery = False, accept: forms.Accept = None,
) -> Response:  # fmt: skip
    """The same for a 360-degree equirectangular picture; `nadir` erases the tripod below, `relight` also shadows."""
    forms.say_what_of_sphere(mask, remove, nadir)
    options = erase_options(
        mask=mask,
        remove=remove,
        grow=grow,
        feather=feather,
        model=model,
        seed=seed,
        nadir=nadir,
        relight=relight or None,
        panorama=True,
    )
    options |= forms.clean(format=forms.wanted_format(format, accept))
    daemon = work.daemon_of(request)
    job = await work.new_job(daemon, "panorama", "erase", options, image=image, mask=mask)
    await work.run(request, job)
    return await work.image_answer(job, forms.wants_json(accept, receipt))


@router.post(
    "/v1/segment",
    response_class=Response,
    responses={
        200: {
            "description": "A PNG mask of the photograph's size, 255 = found; or, with `Accept: application/json`, "
            "share and boxes of each class.",
            "content": {
                "image/png": {"schema": {"type": "string", "format": "binary"}},
                "application/json": {
                    "schema": {"type": "object", "required": ["size", "classes"]},
                },
            },
        },
        **FAILURES,
    },
)
async def segment(
    request: Request, image: forms.Image, classes: forms.Classes, accept: forms.Accept = None
) -> Response:
    """Finds things by name."""
    daemon = work.daemon_of(request)
    options = {"classes": forms.class_list(classes)}
    job = await work.new_job(daemon, "segment", "segment", options, image=image)
    await work.run(request, job)
    if forms.wants_json(accept, False):
        job.forget()
        return JSONResponse({"size": job.done["size"], "classes": job.done["classes"]})
    return work.file_answer(job.result, "image/png", {}, job.forget)


def erase_options(**given: Any) -> dict[str, Any]:
    """What a worker is told about an erasure."""
    mask, remove = given.pop("mask"), given.pop("remove")
    options = forms.clean(**given)
    return {**options, "mask": mask is not None, "remove": forms.class_list(remove) if remove else []}
