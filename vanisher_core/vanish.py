"""The one pipeline: photograph and mask in, photograph with the object gone out.

Command line, daemon, GIMP and panorama all call `Vanisher`; nothing else erases. For every window round a hole
(`window.py`), at the photograph's own scale: the network says what belongs there (`inpaint.py`), the photograph's own
texture is synthesised along it (`detail.py`), the fill is fitted to its rim (`blend.py`), judged (`quality.py`) and
pasted back. Every sample outside the grown mask stays as it was, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vanisher_core import blend, detail, quality, tone
from vanisher_core.errors import HopelessFill, MaskError, UsageError
from vanisher_core.mask import Grown, Mask, grown
from vanisher_core.outcome import Result, doubts, weights_of, worst
from vanisher_core.photo import Photo
from vanisher_core.receipt import Receipt, WindowRecord, pixel_digest
from vanisher_core.window import Box, Window, plan

if TYPE_CHECKING:
    from vanisher_core.inpaint import Inpainter
    from vanisher_core.quality import Scores
    from vanisher_core.segment import Segmenter

Progress = Callable[[float, str], None]

MODELS = ("auto", "network", "exemplar")
"""auto: network and exemplar together, exemplar alone where that is better; the others: just that."""

MOST_HOLE = 0.95
"""Largest share of a picture that can be erased; beyond it nothing is left to continue."""

CLASS_LEVEL = 0.5
"""Probability from which a pixel belongs to a found class."""


@dataclass(frozen=True)
class _Fill:
    """One window's candidate: HxWx3 float32, the way it was made, its scores."""

    rgb: np.ndarray
    method: str
    scores: Scores
    reasons: tuple[str, ...] = ()


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
            progress: called with (fraction done, what is being done); may raise `Cancelled`.

        Returns:
            Result. An empty mask gives the photograph back unchanged, with a note.

        Raises:
            MaskError: the mask has another size.
            UsageError: an unknown model, or grow and feather do not fit.
            HopelessFill: too little of the picture is left to continue.
            ModelError: weights are damaged.
        """
        model = _known_model(model or self.model)
        report = progress or (lambda fraction, text: None)
        given = mask
        mask = _fitted(mask, photo, fit_mask)
        area = grown(mask, grow, feather)
        if mask.is_empty and not area.hole.any():
            return self._finish(photo, photo.array, given, area, model, seed, grow, feather, [],
                                (*mask.notes, "The mask is empty: nothing to erase."))  # fmt: skip
        share = float(area.hole.mean())
        if share > MOST_HOLE:
            raise HopelessFill(
                f"the mask covers {share:.0%} of the picture and at most {MOST_HOLE:.0%} can be erased: "
                "mask only the thing to erase (white = erase; is the mask inverted?)"
            )
        output = photo.array.copy()
        still_open = area.hole.copy()
        records = []
        windows = plan(area.hole, photo.size)
        for index, window in enumerate(windows):
            report(index / len(windows), f"erasing, part {index + 1} of {len(windows)}")
            records.append(self._work(output, still_open, area, window, model, seed))
        report(1.0, "done")
        notes = (*mask.notes, *doubts(records))
        return self._finish(photo, output, given, area, model, seed, grow, feather, records, notes)

    def segment(self, photo: Photo, classes: Sequence[str] = ("person",)) -> dict[str, Mask]:
        """Finds things by name.

        Args:
            photo: the photograph.
            classes: names of classes, such as "person".

        Returns:
            A mask of the photograph's own size for each class; empty where nothing was found.

        Raises:
            UsageError: an unknown class.
            ModelError: the weights are missing or damaged.
        """
        if self._segmenter is None:
            from vanisher_core.segment import Segmenter

            self._segmenter = Segmenter(self.device)
        found = self._segmenter.probabilities(_eight_bit(photo.array), classes)
        return {name: Mask.from_array(chance >= CLASS_LEVEL) for name, chance in found.items()}

    def _work(
        self, output: np.ndarray, still_open: np.ndarray, area: Grown, window: Window, model: str, seed: int
    ) -> WindowRecord:
        """Fills one window's own pixels in `output` and marks them as known."""
        box = window.box.slices
        source, own = output[box], window.own_in_box()
        unknown = still_open[box]
        clear = _transparent(source) & ~unknown
        if not (unknown | clear).all():
            unknown = unknown | clear  # colours below transparent pixels mean nothing
        usable = ~(area.hole[box] | unknown)
        rgb, curve = tone.encode(source, ~unknown)
        fill = self._fill(rgb, unknown, own, area.core[box] & own, usable, model, seed)
        alpha = np.where(own, area.alpha[box], 0).astype(np.uint8)
        output[box] = blend.paste(source, curve.decode(fill.rgb), alpha)
        still_open[box] &= ~own
        return WindowRecord(_corners(window.box), fill.method, fill.scores.as_dict(), fill.reasons)

    def _fill(
        self, rgb: np.ndarray, unknown: np.ndarray, own: np.ndarray, core: np.ndarray, usable: np.ndarray,
        model: str, seed: int,
    ) -> _Fill:  # fmt: skip
        """The best fill of a window that the chosen model can give."""

        def judged(filled: np.ndarray, method: str, reasons: tuple[str, ...] = ()) -> _Fill:
            matched = blend.match(rgb, filled, unknown, seed=seed)
            return _Fill(matched, method, quality.score(rgb, matched, own, core), reasons)

        def exemplar(reasons: tuple[str, ...] = ()) -> _Fill:
            return judged(detail.synthesize(rgb, unknown, usable=usable, seed=seed), "exemplar", reasons)

        inpainter = self._network(required=model == "network") if model != "exemplar" else None
        if inpainter is None:
            return exemplar()
        coarse = inpainter.fill(rgb, unknown)
        if model == "network":
            return judged(coarse.rgb, "network")
        # the network's contrast is not passed on: texture spread inwards from the rim measured better (docs/log.md)
        try:
            guided = detail.synthesize(rgb, unknown, guide=coarse.rgb, usable=usable, seed=seed)
        except HopelessFill as error:  # not one whole patch to copy from: the network's fill is all there is
            return judged(coarse.rgb, "network", (str(error),))
        combined = judged(guided, "combined")
        verdict = quality.verdict(combined.scores)
        if verdict.ok:
            return combined
        other = exemplar(verdict.reasons)
        return other if quality.better(other.scores, combined.scores) else combined

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
        self, photo: Photo, output: np.ndarray, given: Mask, area: Grown, model: str, seed: int,
        grow: int | None, feather: float | None, records: list[WindowRecord], notes: tuple[str, ...],
    ) -> Result:  # fmt: skip
        """Puts the result and its receipt together."""
        network = self._inpainter if any(r.method in ("network", "combined") for r in records) else None
        receipt = Receipt(
            model=model, seed=seed, grow=grow, feather=feather, grow_used=area.grow, feather_used=area.feather,
            size=photo.size, pixels=f"{photo.array.dtype} x{1 if photo.array.ndim == 2 else photo.array.shape[2]}",
            input_pixels_sha256=pixel_digest(photo.array), mask_sha256=pixel_digest(given.array),
            output_pixels_sha256=pixel_digest(output), weights=weights_of(network), windows=tuple(records),
            device=str(network.device) if network else "cpu",
            compute=str(network.dtype).removeprefix("torch.") if network else "", notes=notes,
        )  # fmt: skip
        done = photo if output is photo.array else photo.with_array(output)
        return Result(done, Mask(area.alpha), worst(records), receipt, notes)


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


def _eight_bit(array: np.ndarray) -> np.ndarray:
    """HxWx3 uint8 of any photograph, for the segmenter."""
    if array.dtype == np.float32:
        return np.rint(tone.encode(array)[0] * 255).astype(np.uint8)
    colour = array if array.ndim == 2 else array[..., : 1 if array.shape[2] == 2 else 3]
    colour = colour.reshape(*array.shape[:2], -1)
    eight = colour if colour.dtype == np.uint8 else (colour // 257).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(eight, (*array.shape[:2], 3)))
