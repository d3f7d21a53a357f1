"""Search rounds and votes at one level of a fill, whose levels `vanisher_core.exemplar.synthesis` makes."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vanisher_core.exemplar.pyramid import Level
    from vanisher_core.exemplar.synthesis import Job, Settings

Vote = Callable[["Level", "Settings"], None]

FULL_EFFORT_TARGETS = 16_000
"""Targets of a level up to which it gets all of its rounds."""
FIRST_COMPARISONS = 20_000_000
"""Most pairs of patches compared at the start; a coarsest level with more looks at every so many sources."""
BLANK = np.float32(0.01)
"""Weight of a hole's pixel, which nobody has filled yet, in the first comparison."""


def settle(level: "Level", index: int, job: "Job", vote: Vote, near: int) -> None:
    """Search and vote at one level until the rounds are used up; leaves the field searched, not voted."""
    from vanisher_core.exemplar.search import evaluate, sweep
    from vanisher_core.exemplar.workers import row_bands, run_bands

    top, bottom, left, right = level.box(level.target)
    bands = row_bands(top, bottom, 12)
    strength = np.float32(job.strength * (2 * level.radius + 1) ** 2 / 9)
    reach = max(level.height, level.width)
    rounds, probes = _workload(level, index, job)
    first = min(near, reach - 1) if near else reach
    if index == 0 and near:
        probes = min(probes, near.bit_length())  # with halving radius, down to one pixel

    def evaluate_band(band: tuple[int, int]) -> None:
        evaluate(
            level.image,
            level.guide,
            level.width,
            level.radius,
            level.nnf,
            level.dist,
            strength,
            *band,
            left,
            right,
        )

    def sweep_band(band: tuple[int, int], before: np.ndarray, step: int, key: int) -> None:
        sweep(
            level.image, level.guide, level.width, level.radius, level.valid, level.sources, level.nnf, before,
            level.dist, strength, (*band, left, right), step, key, probes, reach, first,
        )  # fmt: skip

    for turn in range(rounds):
        if turn > 0:
            vote(level, job.settings)
            job.progress(0.6 * 0.5**index * (1 + 0.6 * turn / rounds), "synthesising texture")
        run_bands(evaluate_band, bands)
        for step in (1, -1):
            key = (job.seed * 1000003 + index * 1009 + turn * 2 + (step > 0)) & 0x7FFFFFFF
            run_bands(partial(sweep_band, before=level.nnf.copy(), step=step, key=key), bands)


def begin(level: "Level") -> None:
    """A first fill of the coarsest level from what its known pixels say; the guide counts next to nothing."""
    from vanisher_core.exemplar.search import exhaust
    from vanisher_core.exemplar.workers import row_bands, run_bands

    weight = np.where(level.hole, BLANK, np.float32(1))
    top, bottom, left, right = level.box(level.target)

    pairs = level.sources.size * int(level.target.sum())
    sources = level.sources[:: 1 + pairs // FIRST_COMPARISONS]

    def search_band(band: tuple[int, int]) -> None:
        box = (*band, left, right)
        exhaust(level.image, weight, level.width, level.radius, sources, level.nnf, level.dist, box)

    run_bands(search_band, row_bands(top, bottom, 12))
    copy_best(level)


def _workload(level: "Level", index: int, job: "Job") -> tuple[int, int]:
    """Rounds and probes; a big hole's fine levels get fewer: the coarser ones have found the places."""
    settings = job.settings
    share = min(1.0, (FULL_EFFORT_TARGETS / max(1, int(level.target.sum()))) ** 0.5)
    rounds = settings.rounds[min(index, len(settings.rounds) - 1)] * job.effort * share
    return max(1, round(rounds)), settings.probes if share > 0.7 else (settings.probes + 1) // 2


def vote_means(level: "Level", settings: "Settings") -> None:
    """Rewrite the hole with the weighted means of its matches."""
    from vanisher_core.exemplar.vote import vote as means
    from vanisher_core.exemplar.workers import row_bands, run_bands

    top, bottom, left, right = level.box(level.hole)
    dist = level.dist[level.target]
    scale = 2 * max(np.quantile(dist, settings.quantile).item(), 1e-4)
    exponent = np.minimum(level.dist / np.float32(scale), 40)
    exponent += np.float32(np.log(settings.depth_decay)) * np.minimum(level.depth, 60)
    weight = np.exp(-exponent)

    def vote_band(band: tuple[int, int]) -> None:
        # in place: what is read are sources, and they lie outside the hole
        image = level.image
        means(image, level.width, level.radius, level.hole, level.nnf, weight, image, (*band, left, right))

    run_bands(vote_band, row_bands(top, bottom, 12))


def copy_nearest(level: "Level", settings: "Settings") -> None:
    """A vote that copies."""
    copy_best(level)


def copy_best(level: "Level") -> np.ndarray:
    """Rewrite the hole with copies of single source pixels; returns their indices (-1: not copied)."""
    from vanisher_core.exemplar.vote import vote_best
    from vanisher_core.exemplar.workers import row_bands, run_bands

    top, bottom, left, right = level.box(level.hole)
    source = np.full(level.hole.size, -1, np.int64)

    def copy_band(band: tuple[int, int]) -> None:
        box = (*band, left, right)
        image = level.image  # in place, as in `vote_means`
        vote_best(image, level.width, level.radius, level.hole, level.nnf, level.dist, image, source, box, 1)

    run_bands(copy_band, row_bands(top, bottom, 12))
    return source
