"""The one pipeline: photograph and mask in, photograph with the object gone out.

Command line, daemon, GIMP and panorama all call `Vanisher`; nothing else erases. For every window round a hole
(`window.py`), at the photograph's own scale: the network says what belongs there (`inpaint.py`), the photograph's own
texture is synthesised along it (`detail.py`), the fill is fitted to its rim (`blend.py`), judged (`quality.py`) and
pasted back. Every sample outside the grown mask stays as it was, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from vanisher_core import blend, detail, quality, tone
from vanisher_core.errors import HopelessFill, MaskError, UsageError
from vanisher_core.mask import Grown, Mask, grown
from vanisher_core.membrane import carried
from vanisher_core.outcome import Result, doubts, weights_of, worst
from vanisher_core.photo import Photo
from vanisher_core.piece import Fill, Piece, Progress
from vanisher_core.receipt import Receipt, WindowRecord, pixel_digest
from vanisher_core.window import Box, Window, bounding_box, plan

if TYPE_CHECKING:
    from vanisher_core.inpaint import Inpainter
    from vanisher_core.segment import Segmenter

MODELS = ("auto", "network", "exemplar")
"""auto: network and exemplar together, exemplar alone where that is better; the others: just that."""

MOST_HOLE = 0.95
"""Largest share of a picture that can be erased; beyond it nothing is left to continue."""

SURFACES = ("wall", "floor", "ceiling")
SHIFTED = ("floor", "ceiling")
"""Surfaces whose pattern repeats: boards, tiles, panels. Walls have doors and windows."""

CLASS_LEVEL = 0.5
"""Probability from which a pixel belongs to a found class."""


MOST_SEAMS = 0.6
"""Mean cost of a seam, in usual differences of a surface, from which on it is not continued by shifts."""

FAINT = 0.05
"""Trust in the network's fill when the fill that followed it came out badly."""


@dataclass(frozen=True)
class _Request:
    """What was asked for, as the receipt keeps it."""

    model: str
    seed: int
    grow: int | None
    feather: float | None
    fit_mask: bool


class Vanisher:
    """Erases things from photographs; loads each network when it is first needed and keeps it.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        model: default of `erase`: one of `MODELS`.

    Raises:
        UsageError: an unknown model.
    """

    def __init__(self, device: str = "auto", model: str = "auto") -> None:
        self.device = device
        self.model = _known_model(model)
        self._inpainter: Inpainter | None = None
        self._segmenter: Segmenter | None = None

    def erase(
        self,
        photo: Photo,
        mask: Mask,
        *,
        grow: int | None = None,
        feather: float | None = None,
        model: str | None = None,
        seed: int = 0,
        fit_mask: bool = False,
        surface: str = "",
        progress: Progress | None = None,
    ) -> Result:
        """Erases what the mask covers.

        Args:
            photo: the photograph; it is not changed.
            mask: 255 = erase, of the photograph's (upright) size.
            grow: pixels by which the mask grows; None: by the size of each object.
            feather: pixels of soft edge inside the grown ring; None: by the growth.
            model: one of `MODELS`; None: that of this Vanisher.
            seed: of the exemplar search; the same seed gives the same bytes.
            fit_mask: scale a mask of another size instead of refusing it.
            surface: one of `SURFACES`: the photograph shows only that, straight on (and is transparent elsewhere).
                Floors and ceilings are continued by shifts of themselves where that leaves no seam; walls, and ceilings
                of one colour, as light with copied grain.
            progress: called with (fraction done, what is being done); may raise `Cancelled`.

        Returns:
            Result. An empty mask gives the photograph back unchanged, with a note.

        Raises:
            MaskError: the mask has another size.
            UsageError: an unknown model or surface, or grow and feather do not fit.
            HopelessFill: too little of the picture is left to continue.
            ModelError: weights are damaged.
        """
        if surface and surface not in SURFACES:
            raise UsageError(f"surface {surface!r} is unknown; use one of {', '.join(SURFACES)}")
        request = _Request(_known_model(model or self.model), _whole_seed(seed), grow, feather, fit_mask)
        report = progress or (lambda fraction, text: None)
        fitted = _fitted(mask, photo, fit_mask)
        area = grown(fitted, grow, feather)
        if fitted.is_empty and not area.hole.any():
            notes = (*fitted.notes, "The mask is empty: nothing to erase.")
            return self._finish(photo, photo.array, mask, area, request, [], notes)
        share = float(area.hole.mean())
        if share > MOST_HOLE:
            raise HopelessFill(
                f"the mask covers {share:.0%} of the picture and at most {MOST_HOLE:.0%} can be erased: "
                "mask only the thing to erase (white = erase; is the mask inverted?)"
            )
        output = photo.array.copy()
        still_open = area.hole.copy()
        records = []
        windows = [Window.whole(area.hole)] if surface in SHIFTED else plan(area.hole, photo.size)
        for index, window in enumerate(windows):
            part = _part_of(report, index, len(windows))
            part(0.0, "erasing")
            records.append(self._work(output, still_open, area, window, request, surface, part))
        report(1.0, "done")
        notes = (*fitted.notes, *doubts(records))
        return self._finish(photo, output, mask, area, request, records, notes)

    @property
    def segmenter(self) -> Segmenter:
        """What finds things by name, with its networks kept; made when first needed."""
        if self._segmenter is None:
            from vanisher_core.segment import Segmenter

            self._segmenter = Segmenter(self.device)
        return self._segmenter

    def segment(
        self, photo: Photo, classes: Sequence[str] = ("person",), progress: Progress | None = None
    ) -> dict[str, Mask]:
        """Finds things by name.

        Args:
            photo: the photograph.
            classes: names of classes, such as "person".
            progress: called with (fraction done, what is being done); may raise `Cancelled`.

        Returns:
            A mask of the photograph's own size for each class; empty where nothing was found.

        Raises:
            UsageError: an unknown class.
            ModelError: the weights are missing or damaged.
        """
        found = self.segmenter.probabilities(eight_bit(photo.array), classes, progress)
        return {name: Mask.from_array(chance >= CLASS_LEVEL) for name, chance in found.items()}

    def _work(
        self, output: np.ndarray, still_open: np.ndarray, area: Grown, window: Window, request: _Request,
        surface: str, progress: Progress,
    ) -> WindowRecord:  # fmt: skip
        """Fills one window's own pixels in `output` and marks them as known."""
        box = window.box.slices
        source, own = output[box], window.own_in_box()
        unknown = still_open[box]
        clear = _transparent(source) & ~unknown
        blank = unknown | clear  # colours below transparent pixels mean nothing
        if blank.all():
            blank = unknown
        usable = ~(area.hole[box] | blank)
        rgb, curve = tone.encode(source, ~blank)
        if clear.any() and blank is not unknown:
            rgb = carried(rgb, blank)
        piece = Piece(rgb, unknown, blank, area.core[box] & unknown, usable, request.seed, progress)
        fill = None
        if surface and request.model == "auto":
            piece, fill = self._continued(piece, surface)
        fill = fill or self._fill(piece.beyond(clear), request.model)
        alpha = np.where(own, area.alpha[box], 0).astype(np.uint8)
        changed = bounding_box(alpha).slices
        decoded = curve.cut(changed).decode(fill.rgb[changed])
        source[changed] = blend.paste(source[changed], decoded, np.ascontiguousarray(alpha[changed]))
        still_open[box] &= ~own
        return WindowRecord(_corners(window.box), fill.method, fill.scores.as_dict(), fill.reasons)

    def _fill(self, piece: Piece, model: str) -> Fill:
        """The best fill of a window that the chosen model can give."""
        inpainter = self._network(required=model == "network") if model != "exemplar" else None
        if inpainter is None:
            return piece.exemplar()
        coarse = inpainter.fill(piece.rgb, piece.blank, piece.unknown)
        if model == "network":
            return piece.judged(coarse, "network")
        try:
            combined = piece.judged(piece.synthesized(coarse), "combined")
        except HopelessFill as error:  # not one whole patch to copy from: the network's fill is all there is
            return piece.judged(coarse, "network", (str(error),))
        if not quality.misguided(combined.scores) or not detail.follows_guide(piece.unknown):
            return combined  # a second fill would not mend it, or would be the same
        reasons = quality.verdict(combined.scores).reasons
        other = piece.judged(piece.synthesized(coarse, FAINT), "exemplar", reasons)
        return other if quality.better(other.scores, combined.scores) else combined

    def _continued(self, piece: Piece, surface: str) -> tuple[Piece, Fill | None]:
        """A piece of one surface seen straight on, without what is not to be copied; and its fill, if it has one."""
        clean = piece.without_lone() if surface in SHIFTED else piece
        fill = self._surface(clean, surface)
        if fill is None and clean is not piece:  # nothing fits: a thing copied again is better than fog
            fill = self._surface(piece, surface)
        return clean, fill

    def _surface(self, piece: Piece, surface: str) -> Fill | None:
        """The fill of one surface seen straight on; None if it is none that goes on by itself."""
        fill = self._shifted(piece) if surface in SHIFTED else None
        if fill is None and surface != "floor":  # boards may be finer than what is told from a plain surface
            fill = piece.lit(upright=surface == "wall")
        return fill

    def _shifted(self, piece: Piece) -> Fill | None:
        """The fill of a flat surface by shifts of itself; None if none leaves no seam.

        What these leave open is filled by shifts of what they did, and what is open in the end in the usual way.
        """
        from vanisher_core import shifts

        left = piece
        while left.unknown.any():
            found = shifts.continued(left.rgb, left.unknown, left.usable, piece.told)
            if found is None or found.seams > MOST_SEAMS:
                break
            left = left.filled(found.rgb, found.done)
            if found.done.sum() < left.unknown.sum():  # they would creep
                break
        if left is piece:
            return None
        if not left.unknown.any():
            return piece.judged(left.rgb, "shifts")
        other = self._fill(left.beyond(left.blank & ~left.unknown), "auto")
        if left.unknown.sum() > piece.unknown.sum() / 2:
            return piece.judged(other.rgb, other.method, other.reasons)
        return piece.judged(other.rgb, "shifts")

    def _network(self, *, required: bool) -> Inpainter | None:
        """The inpainting network; None if it is not installed and not required."""
        if self._inpainter is None:
            from vanisher_core import inpaint
            from vanisher_core.models import registry

            if not required and inpaint.DEFAULT_MODEL not in registry.names():
                return None
            self._inpainter = inpaint.Inpainter(device=self.device)
        return self._inpainter

    def _finish(
        self, photo: Photo, output: np.ndarray, given: Mask, area: Grown, request: _Request,
        records: list[WindowRecord], notes: tuple[str, ...],
    ) -> Result:  # fmt: skip
        """Puts the result and its receipt together."""
        network = self._inpainter if records and request.model != "exemplar" else None
        channels = 1 if photo.array.ndim == 2 else photo.array.shape[2]
        receipt = Receipt(
            **asdict(request),
            grow_used=area.grow,
            feather_used=area.feather,
            size=photo.size,
            pixels=f"{photo.array.dtype} x{channels}",
            input_pixels_sha256=pixel_digest(photo.array),
            mask_sha256=pixel_digest(given.array),
            output_pixels_sha256=pixel_digest(output),
            weights=weights_of(network),
            windows=tuple(records),
            device=str(network.device) if network else "cpu",
            compute=str(network.dtype).removeprefix("torch.") if network else "",
            notes=notes,
        )
        done = photo if output is photo.array else photo.with_array(output, copy=False)
        return Result(done, Mask(area.alpha), worst(records), receipt, notes)


def _part_of(report: Progress, index: int, count: int) -> Progress:
    """The progress of one of several parts; a second fill of the same part does not take it back."""
    furthest = 0.0

    def part(fraction: float, text: str) -> None:
        nonlocal furthest
        furthest = max(furthest, fraction)
        report((index + furthest) / count, f"{text}, part {index + 1} of {count}")

    return part


def _whole_seed(seed: int) -> int:
    if seed < 0:
        raise UsageError(f"seed is {seed}; it must be 0 or more")
    return seed


def _known_model(name: str) -> str:
    if name not in MODELS:
        raise UsageError(f"model {name!r} is unknown; use one of {', '.join(MODELS)}")
    return name


def _fitted(mask: Mask, photo: Photo, fit: bool) -> Mask:
    """The mask at the photograph's size."""
    if mask.size == photo.size:
        return mask
    if not fit:
        wide, high = photo.size
        raise MaskError(
            f"the mask is {mask.size[0]}x{mask.size[1]} and the photograph {wide}x{high} (upright): they must be "
            "equal; give a mask of the photograph's size, or allow scaling with --fit-mask"
        )
    return mask.fit(photo.size)


def _corners(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.right, box.bottom


def _transparent(array: np.ndarray) -> np.ndarray:
    """HxW bool: where the picture's alpha is 0; nowhere without alpha."""
    if array.ndim == 3 and array.shape[2] in (2, 4):
        return array[..., -1] == 0
    return np.zeros(array.shape[:2], bool)


def eight_bit(array: np.ndarray) -> np.ndarray:
    """HxWx3 uint8 of any photograph, for the segmenter."""
    if array.dtype == np.float32:
        return np.rint(tone.encode(array)[0] * 255).astype(np.uint8)
    colour = array if array.ndim == 2 else array[..., : 1 if array.shape[2] == 2 else 3]
    colour = colour.reshape(*array.shape[:2], -1)
    eight = colour if colour.dtype == np.uint8 else (colour // 257).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(eight, (*array.shape[:2], 3)))
