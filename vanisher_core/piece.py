"""One window of a photograph on the bench: its pixels in working colours, and the ways to fill its hole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from vanisher_core import blend, detail, quality
from vanisher_core.errors import HopelessFill

if TYPE_CHECKING:
    from vanisher_core.quality import Scores

Progress = Callable[[float, str], None]

BEYOND = 16
"""Pixels of a transparent surrounding that are filled along with a hole."""

GRAIN_ALONE = replace(detail.DEFAULTS, beta=1.0)
"""How a plain surface is synthesised: all that a blur leaves is the guide's."""


@dataclass(frozen=True)
class Fill:
    """One window's candidate: HxWx3 float32, the way it was made, its scores."""

    rgb: np.ndarray
    method: str
    scores: Scores
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Piece:
    """One window's pixels in working colours, and the ways to fill them.

    Attributes:
        rgb: HxWx3 float32 in [0, 1].
        unknown: HxW bool, what is to be filled.
        blank: HxW bool, what nothing is known about: `unknown` and all that is transparent.
        core: HxW bool, the erased objects before growing.
        usable: HxW bool, what may be copied from.
        seed: of the search and of added grain.
        progress: told the fraction done.
    """

    rgb: np.ndarray
    unknown: np.ndarray
    blank: np.ndarray
    core: np.ndarray
    usable: np.ndarray
    seed: int
    progress: Progress

    def told(self, done: float) -> None:
        """Passes on how far a fill has come."""
        self.progress(done, "continuing the surface")

    def beyond(self, clear: np.ndarray) -> Piece:
        """The piece with what lies near its hole of a transparent surrounding (HxW bool) filled along with it."""
        return replace(self, unknown=self.unknown | (_near(self.unknown) & clear)) if clear.any() else self

    def without_lone(self) -> Piece:
        """The piece without what lies by itself on its surface among what may be copied."""
        from vanisher_core import shifts

        lone = shifts.lone(self.rgb, self.usable)
        return replace(self, usable=self.usable & ~lone) if lone.any() else self

    def filled(self, rgb: np.ndarray, done: np.ndarray) -> Piece:
        """The piece with a part of its hole (HxW bool) filled, which may then be copied from."""
        unknown, blank, usable = self.unknown & ~done, self.blank & ~done, self.usable | done
        return replace(self, rgb=rgb, unknown=unknown, blank=blank, core=self.core & unknown, usable=usable)

    def synthesized(self, guide: np.ndarray | None, trust: float | None = None) -> np.ndarray:
        """The photograph's own texture along the network's guide, or None."""
        from vanisher_core.inpaint import grain

        return detail.synthesize(
            self.rgb, self.unknown, guide=guide, usable=self.usable, trust=trust, seed=self.seed,
            grain=1.0 if guide is None else grain(self.unknown.shape), progress=self.progress,
        )  # fmt: skip

    def judged(self, fill: np.ndarray, method: str, reasons: tuple[str, ...] = ()) -> Fill:
        """A fill fitted to its rim, with its scores."""
        matched = blend.match(self.rgb, fill, self.unknown, seed=self.seed)
        return Fill(matched, method, quality.score(self.rgb, matched, self.unknown, self.core), reasons)

    def exemplar(self, reasons: tuple[str, ...] = ()) -> Fill:
        """The fill without a network."""
        return self.judged(self.synthesized(None), "exemplar", reasons)

    def lit(self, *, upright: bool) -> Fill | None:
        """The fill of a surface without a pattern: its light carried on, and only its grain copied; None if it has one.

        Args:
            upright: whether it is a wall, on which doors and curtains run up and down.
        """
        from vanisher_core import wall

        found = wall.behind(self.rgb, self.unknown, self.usable, upright=upright)
        if found is None:
            return None
        try:
            fill = detail.synthesize(
                self.rgb, self.unknown, guide=found.light, usable=found.own, trust=1.0, seed=self.seed,
                settings=GRAIN_ALONE, progress=self.progress,
            )  # fmt: skip
        except HopelessFill:  # not one whole patch to copy grain from
            fill = found.light
        return self.judged(fill, found.kind)


def _near(unknown: np.ndarray) -> np.ndarray:
    """HxW bool: the hole and what patches across its rim reach of what is transparent."""
    kernel = np.ones((2 * BEYOND + 1,) * 2, np.uint8)
    return cv2.dilate(np.ascontiguousarray(unknown).view(np.uint8), kernel) > 0
