"""What an erasure hands back: the photograph, what was done to it, and what its owner should look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vanisher_core import quality
from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.quality import Scores
from vanisher_core.receipt import Receipt, WindowRecord

if TYPE_CHECKING:
    from vanisher_core.inpaint import Inpainter

ADVICE = "Another seed, a mask with more room round the thing, or smaller parts one by one may do better."
"""What to do about fills that did not pass."""
MOST_DOUBTS = 3
"""Windows named in the notes when their fill is doubtful; the receipt names all."""


@dataclass(frozen=True)
class Result:
    """What `Vanisher.erase` gives back.

    Attributes:
        photo: the photograph with the hole filled; size, mode, depth and metadata of the source.
        mask_used: the grown, softened mask: 0 where nothing changed.
        scores: the worst of each score over all windows; None if nothing was to be erased.
        receipt: what was done, replayable.
        notes: sentences the owner of the picture should read.
    """

    photo: Photo
    mask_used: Mask
    scores: Scores | None
    receipt: Receipt
    notes: tuple[str, ...]


def doubts(records: Sequence[WindowRecord]) -> tuple[str, ...]:
    """A sentence for the first few windows whose fill did not pass; the owner should look at those places."""
    found = []
    for record in records:
        verdict = quality.verdict(_scores(record))
        if not verdict.ok:
            left, top, right, bottom = record.box
            found.append(f"Look at x {left}-{right}, y {top}-{bottom}: {'; '.join(verdict.reasons)}.")
    return (*found[:MOST_DOUBTS], ADVICE) if found else ()


def _scores(record: WindowRecord) -> Scores:
    return quality.Scores(**{name: float(value or 0.0) for name, value in record.scores.items()})


def worst(records: Sequence[WindowRecord]) -> Scores | None:
    """The worst of each score over the windows."""
    if not records:
        return None
    found = [_scores(record) for record in records]
    return quality.Scores(
        sharpness=min(scores.sharpness for scores in found),
        seam=max(scores.seam for scores in found),
        residue=max(scores.residue for scores in found),
    )


def weights_of(network: Inpainter | None) -> dict[str, str]:
    """Name and SHA-256 of the weights that took part."""
    if network is None:
        return {}
    from vanisher_core.models import registry

    return {network.name: registry.info(network.name).sha256}
