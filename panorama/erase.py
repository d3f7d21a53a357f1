"""Erases on the sphere: every object in a view of its own, only its own texels pasted back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from panorama import light
from panorama.canvas import Canvas
from panorama.files import Panorama
from panorama.plan import Piece, view_of
from panorama.receipt import Digests, PanoramaReceipt, ViewRecord
from panorama.sphere import Frame
from panorama.views import View
from vanisher_core import quality
from vanisher_core.errors import HopelessFill, MaskError, UsageError
from vanisher_core.mask import Mask
from vanisher_core.models import registry
from vanisher_core.outcome import ADVICE, worst
from vanisher_core.photo import Photo
from vanisher_core.quality import Scores
from vanisher_core.receipt import Receipt
from vanisher_core.vanish import MOST_HOLE, Vanisher

Progress = Callable[[float, str], None]

MOST_DOUBTS = 3
"""Views named in the notes when their fill is doubtful; the receipt names all."""
MOST_NADIR = 60.0
"""Degrees, largest cap below the camera that can be erased."""
FINDING = 0.25
"""Share of the progress that looking for classes takes."""


@dataclass(frozen=True)
class PanoramaResult:
    """What `erase_panorama` gives back.

    Attributes:
        photo: the panorama with the holes filled; size, mode, depth and metadata of the source, GPano data added
            if it had none.
        mask_used: the grown, softened mask in equirectangular pixels, and what got new light: 0 where nothing changed.
        scores: the worst of each score over all views; None if nothing was to be erased.
        receipt: what was done, view by view.
        notes: sentences the owner of the picture should read.
        mask: what was to be erased, before growing.
    """

    photo: Photo
    mask_used: Mask
    scores: Scores | None
    receipt: PanoramaReceipt
    notes: tuple[str, ...]
    mask: Mask


@dataclass(frozen=True)
class _Request:
    """What was asked for, as the receipt keeps it."""

    model: str
    seed: int
    grow: int | None
    feather: float | None
    nadir: float | None
    removed: tuple[str, ...]
    relight: bool


def erase_panorama(
    panorama: Panorama,
    mask: Mask | None = None,
    *,
    remove: Sequence[str] = (),
    nadir: float | None = None,
    vanisher: Vanisher | None = None,
    grow: int | None = None,
    feather: float | None = None,
    relight: bool = False,
    model: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> PanoramaResult:
    """Erases from a panorama what a mask covers, what classes name and what stands below the camera.

    Args:
        panorama: the panorama; it is not changed.
        mask: 255 = erase, in equirectangular pixels, of the panorama's size.
        remove: classes to find and erase, such as "person"; "furniture" stands for all furniture.
        nadir: degrees; erases the cap of this radius straight below the camera.
        vanisher: the pipeline to use; None makes one.
        grow: pixels of the horizon (360 degrees / full width) by which each object grows; None: by its size.
        feather: width of the soft edge inside the grown ring, in the same pixels; None: by the growth.
        relight: also give floor, walls and ceiling the light they would have without what is erased, fading out
            within 20 degrees of it; only where the picture shows the whole sphere. For rooms that are emptied.
        model: as `Vanisher.erase`; None: that of the Vanisher.
        seed: as `Vanisher.erase`; the same seed gives the same bytes.
        progress: called with (fraction done, what is being done); may raise `Cancelled`.

    Returns:
        PanoramaResult. With nothing to erase the samples come back unchanged, with a note.

    Raises:
        MaskError: the mask has another size.
        UsageError: nothing was asked for, an unknown class or model, or values that do not fit.
        HopelessFill: too little of the sphere is left to continue.
        ModelError: weights are missing or damaged.
    """
    report = progress or (lambda fraction, text: None)
    vanisher = vanisher or Vanisher()
    request = _Request(model or vanisher.model, seed, grow, feather, nadir, tuple(remove), relight)
    begin = FINDING if request.removed else 0.0
    wanted, notes = _wanted(panorama, mask, request, vanisher, _part(report, 0.0, begin, ""))
    with Digests() as digests:
        digests.add(panorama.photo.array)
        digests.add(wanted.array)
        return _erased(panorama, wanted, request, vanisher, digests, notes, _part(report, begin, 1.0, ""))


def _erased(
    panorama: Panorama, wanted: Mask, request: _Request, vanisher: Vanisher, digests: Digests,
    notes: tuple[str, ...], report: Progress,
) -> PanoramaResult:  # fmt: skip
    """`erase_panorama`, once it is known what is to go."""
    canvas = Canvas(panorama, wanted.array, request.grow, request.feather, relight=request.relight)
    if canvas.open_share > MOST_HOLE:
        raise HopelessFill(
            f"the mask covers {canvas.open_share:.0%} of the panorama and at most {MOST_HOLE:.0%} can be erased: mask "
            "only the things to erase (white = erase; is the mask inverted?)"
        )
    work = canvas.pieces
    records: list[ViewRecord] = []
    receipts: list[Receipt] = []
    for index, piece in enumerate(work):
        part = _part(report, index / len(work), (index + 1) / len(work), f"view {index + 1} of {len(work)}")
        view = view_of(piece, canvas.frame, canvas.room, canvas.layout)
        done = _fill(canvas, piece, view, vanisher, request, part)
        receipts.append(done)
        records.append(_record(view, piece, canvas, done))
    canvas.even_out()
    canvas.come_back()
    report(1.0, "done")
    notes = (*notes, *_doubts(records))
    if not work:
        notes = (*notes, "Nothing to erase: the panorama is unchanged.")
    elif request.relight and canvas.lit is None:
        notes = (*notes, "The light was left as it is: only a picture of the whole sphere can be relit.")
    return _finish(panorama, wanted, canvas, request, records, receipts, notes, digests)


def _wanted(
    panorama: Panorama, mask: Mask | None, request: _Request, vanisher: Vanisher, progress: Progress
) -> tuple[Mask, tuple[str, ...]]:
    """The union of all that is to be erased, and notes about it."""
    if mask is None and not request.removed and request.nadir is None:
        raise UsageError("nothing says what to erase: give a mask, classes to remove, or the nadir's radius")
    notes: list[str] = []
    layers: list[np.ndarray] = []
    if mask is not None:
        if mask.size != panorama.size:
            raise MaskError(
                f"the mask is {mask.size[0]}x{mask.size[1]} and the panorama {panorama.size[0]}x{panorama.size[1]} "
                "(upright): they must be equal; give a mask in the panorama's own pixels"
            )
        notes += mask.notes
        layers.append(mask.array)
    if request.removed:
        from panorama.find import find_in_panorama

        found = find_in_panorama(panorama, request.removed, segmenter=vanisher.segmenter, progress=progress)
        notes += [f"No {name} was found." for name, where in found.items() if where.is_empty]
        layers += [where.array for where in found.values()]
    if request.nadir is not None:
        layers.append(_frozen(nadir_cap(panorama.frame, request.nadir)))
        if not layers[-1].any():
            notes.append(f"The panorama does not show the {request.nadir:g} degrees below the camera.")
    return Mask(layers[0] if len(layers) == 1 else _frozen(np.maximum.reduce(layers))), tuple(notes)


def _frozen(array: np.ndarray) -> np.ndarray:
    """An array that nobody else holds, read-only: a `Mask` takes it without a copy."""
    array.flags.writeable = False
    return array


def nadir_cap(frame: Frame, degrees: float) -> np.ndarray:
    """uint8 HxW, 255 on the cap of a radius in degrees straight below the camera.

    Raises:
        UsageError: the radius is not within 0..60 degrees.
    """
    if not 0 < degrees <= MOST_NADIR:
        raise UsageError(f"nadir is {degrees:g} degrees; it must be above 0 and at most {MOST_NADIR:g}")
    below = frame.pitch(np.arange(frame.height)) <= math.radians(degrees - 90)
    return np.repeat(np.where(below, 255, 0).astype(np.uint8)[:, None], frame.width, axis=1)


def _fill(
    canvas: Canvas, piece: Piece, view: View, vanisher: Vanisher, request: _Request, progress: Progress
) -> Receipt:
    """Fills one piece in its view and pastes it back."""
    photo, own = canvas.look(piece, view)
    result = vanisher.erase(
        photo,
        own,
        grow=0,
        feather=0,
        model=request.model,
        seed=request.seed,
        surface=canvas.surface(piece, view),
        progress=progress,
    )
    canvas.paste(piece, view, result.photo.array)
    return result.receipt


def _record(view: View, piece: Piece, canvas: Canvas, done: Receipt) -> ViewRecord:
    yaw, pitch = canvas.aim(view)
    return ViewRecord(
        yaw=_degrees(yaw),
        pitch=_degrees(pitch),
        field=(_degrees(view.field[0]), _degrees(view.field[1])),
        size=(view.width, view.height),
        filled=_degrees(piece.radius),
        windows=done.windows,
        notes=done.notes,
    )


def _degrees(angle: float) -> float:
    return round(math.degrees(angle), 3)


def _part(report: Progress, begin: float, end: float, label: str) -> Progress:
    """The caller's progress, narrowed to a stretch of it."""

    def part(fraction: float, text: str) -> None:
        report(begin + (end - begin) * fraction, label or text)

    return part


def _doubts(records: Sequence[ViewRecord]) -> tuple[str, ...]:
    """A sentence for the first few views whose fill did not pass."""
    found = []
    for record in records:
        scores = worst(record.windows)
        reasons = quality.verdict(scores).reasons if scores else ()
        if reasons:
            found.append(
                f"Look at yaw {record.yaw:.0f}, pitch {record.pitch:.0f} degrees: {'; '.join(reasons)}."
            )
    return (*found[:MOST_DOUBTS], ADVICE) if found else ()


def _finish(
    panorama: Panorama, wanted: Mask, canvas: Canvas, request: _Request,
    records: list[ViewRecord], receipts: list[Receipt], notes: tuple[str, ...], digests: Digests,
) -> PanoramaResult:  # fmt: skip
    """Puts the result and its receipt together."""
    frame, array = panorama.frame, panorama.photo.array
    turn = canvas.first * frame.step
    output = canvas.finished()
    digests.add(output)
    photo = panorama.with_array(output, copy=False).photo if canvas.given else panorama.photo
    alpha = canvas.alpha()
    given, asked, made = digests.found()
    receipt = PanoramaReceipt(
        model=request.model, seed=request.seed, grow=request.grow, feather=request.feather,
        nadir=request.nadir, removed=request.removed, relight=canvas.lit is not None,
        grow_used=max((part.grow for part in canvas.given), default=0),
        size=panorama.size,
        frame=(frame.full_width, frame.full_height, frame.left, frame.top),
        pixels=f"{array.dtype} x{1 if array.ndim == 2 else array.shape[2]}",
        input_pixels_sha256=given,
        mask_sha256=asked,
        output_pixels_sha256=made,
        room_yaw=None if canvas.room is None else _degrees((canvas.room + turn) % (math.pi / 2)),
        weights=_weights(receipts, canvas),
        views=tuple(records),
        device=receipts[-1].device if receipts else "cpu",
        compute=receipts[-1].compute if receipts else "",
        notes=notes,
    )  # fmt: skip
    windows = [window for record in records for window in record.windows]
    return PanoramaResult(photo, Mask(_frozen(alpha)), worst(windows), receipt, notes, wanted)


def _weights(receipts: list[Receipt], canvas: Canvas) -> dict[str, str]:
    """Digest of every weight file whose network touched the picture."""
    used = {name: digest for one in receipts for name, digest in one.weights.items()}
    return used | ({} if canvas.lit is None else {light.MODEL: registry.info(light.MODEL).sha256})
