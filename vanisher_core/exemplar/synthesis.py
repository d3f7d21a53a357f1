"""One window's synthesis: settings, the loop over levels, search rounds, votes, and tiles for huge windows.

The method is told in `vanisher_core.detail`, which checks its input and calls `fill_window`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vanisher_core.errors import HopelessFill
from vanisher_core.exemplar.bands import blur, local_contrast, rim_contrast
from vanisher_core.exemplar.heal import shade_correction

if TYPE_CHECKING:
    from vanisher_core.exemplar.pyramid import Level

Progress = Callable[[float, str], None]
Vote = Callable[["Level", "Settings"], None]

MAX_WINDOW = 6_000_000
"""Pixels worked on at once (about 90 bytes each); larger windows are solved at half size, then in tiles."""
TILE = 768
"""Pixels, side of those tiles."""
TILE_STRENGTH = 3.0
"""Weight of a tile's guide: the solution at half size is right, not a guess."""
SPARSE = 16
"""Every so many pixels are looked at to see which tile has the most to copy from."""
FULL_EFFORT_TARGETS = 16_000
TINY = 20


@dataclass(frozen=True)
class Settings:
    """The numbers of the method; the defaults measured best on validation photographs (docs/log.md).

    `strength` weighs a given guide against the pixels, `rim_strength` the membrane that stands in for one
    (it knows less); the two contrast weights likewise. `rounds` counts from fine to coarse, its last number
    holds for all coarser levels. `sigma` (pixels), `beta` and the strengths are those
    of holes up to `deep` pixels from rim to middle; see `trust_in`.
    """

    beta: float = 0.5
    sigma: float = 3.5
    deep: float = 64.0
    strength: float = 0.6
    rim_strength: float = 1.0
    contrast_weight: float = 2.0
    rim_contrast_weight: float = 3.0
    rounds: tuple[int, ...] = (2, 6, 8, 8)
    probes: int = 12
    depth_decay: float = 1.6
    quantile: float = 0.05


@dataclass(frozen=True)
class Manner:
    """How a level's field is found and read.

    Attributes:
        radii: of the patches, from the finest level up; the last holds for all coarser ones.
        copies_from: from this level up a pixel becomes a copy instead of a mean. Means of unlike patches are
            smooth, smooth pixels find smooth patches, and so a deep hole loses its texture level by level.
        reach: pixels, how far matches are looked for from where the coarser level found them; 0: everywhere.
            A far match that is a little nearer in colour breaks up what was copied in one piece.
        finest: the same at the finest level, where a match only has to be put right to the pixel.
        from_known: whether the coarsest level starts from what the known pixels say instead of the guide.
    """

    radii: tuple[int, ...]
    copies_from: int
    reach: int
    finest: int
    from_known: bool


GUIDED = Manner((3,), copies_from=2, reach=0, finest=0, from_known=False)
FREE = Manner((3, 5), copies_from=0, reach=16, finest=4, from_known=True)
"""The first follows a guide that can be trusted; the second grows structure from the rim."""
LOOSE = 0.5
"""Trust below which a hole is filled freely."""
FIRST_COMPARISONS = 20_000_000
"""Most pairs of patches compared at the start; a coarsest level with more looks at every so many sources."""
BLANK = np.float32(0.01)
"""Weight of a hole's pixel, which nobody has filled yet, in the first comparison."""


@dataclass(frozen=True)
class Job:
    """A window: `rough` HxWx3 (it is changed) is the picture with the guide in its hole; `blocked` HxW is no source."""

    rough: np.ndarray
    hole: np.ndarray
    blocked: np.ndarray
    contrast: np.ndarray | None
    strength: float
    seed: int
    effort: float
    progress: Progress
    settings: Settings
    trust: float | None = None  # how far the guide is followed; None: by the depth of the hole


def fill_window(job: Job) -> np.ndarray:
    """HxWx3 float32: the window with its hole synthesised (not clipped; what stands outside means nothing).

    Raises:
        HopelessFill: the hole is deep and no patch is free of it.
    """
    return _fill_large(job) if job.hole.size > MAX_WINDOW else _fill(job)


def _fill(job: Job) -> np.ndarray:
    """The half-shifted synthesis of one window; the guide itself where no patch fits or is needed."""
    from vanisher_core.exemplar import pyramid
    from vanisher_core.exemplar.search import TAIL

    trust = trust_in(job.hole, job.settings) if job.trust is None else job.trust
    manner = FREE if trust < LOOSE else GUIDED
    sigma = job.settings.sigma / (trust if manner is GUIDED else max(trust, 0.01) ** 0.5)
    low = blur(job.rough, sigma)
    beta = np.float32(job.settings.beta * trust)
    job = replace(job, strength=job.strength * trust)
    levels = pyramid.build(
        job.rough - beta * low,
        _guide_planes(job, low, sigma, 1.0 if manner is GUIDED else trust),
        job.hole,
        job.blocked,
        manner.radii,
        TAIL,
    )
    if levels[0].sources.size == 0 or not levels[0].target.any():
        return _without_patches(job, levels[0])
    top = len(levels) - 1
    for index in range(top, -1, -1):
        level, vote = levels[index], _copy_nearest if index >= manner.copies_from else _vote
        if index == top:
            pyramid.start(level, job.seed)
            if manner.from_known:
                _begin(level)
        else:
            pyramid.carry_up(levels.pop(), level, job.seed + index)
            vote(level, job.settings)
        job.progress(0.6 * 0.5**index, "synthesising texture")
        near = 0 if index == top else manner.finest if index == 0 else manner.reach
        _settle(level, index, job, vote, near)
    source = _copy_best(levels[0])
    image = levels[0].image[: job.rough.size].reshape(job.rough.shape)
    shade = shade_correction(levels[0].image, source, levels[0].hole, levels[0].width)
    top, bottom, left, right = levels[0].box(levels[0].hole)
    area = np.s_[top:bottom, left:right]
    job.rough[area] = image[area] + shade[area] + beta * low[area]
    return job.rough


def trust_in(hole: np.ndarray, settings: Settings) -> float:
    """How far the guide is followed, 0..1: less in a deep hole, for it says less the farther from the rim.

    Followed as closely as in a small one, a large hole keeps the guide's empty middle band and comes out as a
    cloud, however good its texture. So its band widens, its share of the result falls, and so does its weight.
    Below `LOOSE` it is no more than a hint: the square of what it would be.
    """
    import cv2

    deepest = float(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_C, 3).max())
    trust = min(1.0, settings.deep / max(deepest, 1.0))
    return trust if trust >= LOOSE else trust**2


def _without_patches(job: Job, level: "Level") -> np.ndarray:
    """Thin holes and tiny pictures take the guide; anything else is refused."""
    if min(job.hole.shape) > TINY and level.depth.max() > TINY // 4:
        height, width = job.hole.shape
        raise HopelessFill(
            f"no 7x7 patch of the {width}x{height} window is unmasked: mask less of the picture"
        )
    return job.rough


def _fill_large(job: Job) -> np.ndarray:
    """Bounded memory for huge holes: solve at half size, then tile by tile with that as the guide.

    Tiles already filled may serve as sources of the next ones, for a tile in the middle of the hole sees
    nothing else.
    """
    import cv2

    from vanisher_core.exemplar.pyramid import halve, halve_any

    contrast = None if job.contrast is None else halve(job.contrast)
    small = replace(
        job,
        rough=halve(job.rough),
        hole=halve_any(job.hole),
        blocked=halve_any(job.blocked),
        contrast=contrast,
    )
    coarse = fill_window(small)
    height, width = job.hole.shape
    guide = cv2.resize(coarse, (2 * coarse.shape[1], 2 * coarse.shape[0]), interpolation=cv2.INTER_CUBIC)[
        :height, :width
    ]
    out = np.where(job.hole[..., None], np.clip(guide, 0, 1), job.rough)
    blocked = job.blocked.copy()
    places = range(0, height, TILE), range(0, width, TILE)
    pending = [(y, x) for y in places[0] for x in places[1] if job.hole[y : y + TILE, x : x + TILE].any()]
    while pending:
        # from the rim inwards: a tile deep in the hole has nothing to copy until its neighbours are filled
        free = ~blocked[::SPARSE, ::SPARSE]
        sources = [int(free[_around(corner, SPARSE)].sum()) for corner in pending]
        best = int(np.argmax(sources))
        _fill_tile(job, out, blocked, pending.pop(best), reachable=sources[best] > 0)
    return out


def _around(corner: tuple[int, int], step: int = 1) -> tuple[slice, slice]:
    """A tile and half a tile round it, as slices of an array thinned by `step`."""
    margin = TILE // 2
    top, left = (max(0, side - margin) // step for side in corner)
    bottom, right = (-(-(side + TILE + margin) // step) for side in corner)
    return slice(top, bottom), slice(left, right)


def _fill_tile(
    job: Job, out: np.ndarray, blocked: np.ndarray, corner: tuple[int, int], *, reachable: bool
) -> None:
    """Fill the hole pixels of one tile of `out` in place and free them as sources in `blocked`.

    A tile without anything to copy nearby (a window that is all hole but for a far corner) looks everywhere.
    """
    area = _around(corner) if reachable else np.s_[:, :]
    top, left = corner
    tile = np.zeros_like(job.hole)
    tile[top : top + TILE, left : left + TILE] = job.hole[top : top + TILE, left : left + TILE]
    hole = np.ascontiguousarray(tile[area])
    part = replace(
        job,
        rough=out[area].copy(),
        hole=hole,
        blocked=blocked[area] | hole,
        contrast=None if job.contrast is None else job.contrast[area],
        strength=TILE_STRENGTH,
        trust=1.0,
    )
    out[area][hole] = np.clip(_fill(part)[hole], 0, 1)
    blocked[tile] = False


def _guide_planes(job: Job, low: np.ndarray, sigma: float, trust: float) -> np.ndarray:
    """HxWx4: what patches are compared by beside their pixels; the fourth plane is local contrast."""
    settings, hole = job.settings, job.hole
    luma = job.rough @ np.array([0.299, 0.587, 0.114], np.float32)
    if job.contrast is not None:
        measured, weight = local_contrast(luma, hole, sigma), settings.contrast_weight
        expected = np.where(hole, job.contrast, measured)
    else:
        expected, weight = rim_contrast(luma, hole, sigma), settings.rim_contrast_weight
    planes = np.empty((*hole.shape, 4), np.float32)
    planes[..., :3] = low
    np.multiply(expected, np.float32(weight * trust), out=planes[..., 3])
    return planes


def _settle(level: "Level", index: int, job: Job, vote: Vote, near: int) -> None:
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


def _begin(level: "Level") -> None:
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
    _copy_best(level)


def _workload(level: "Level", index: int, job: Job) -> tuple[int, int]:
    """Rounds and probes; a big hole's fine levels get fewer: the coarser ones have found the places."""
    settings = job.settings
    share = min(1.0, (FULL_EFFORT_TARGETS / max(1, int(level.target.sum()))) ** 0.5)
    rounds = settings.rounds[min(index, len(settings.rounds) - 1)] * job.effort * share
    return max(1, round(rounds)), settings.probes if share > 0.7 else (settings.probes + 1) // 2


def _vote(level: "Level", settings: Settings) -> None:
    """Rewrite the hole with the weighted means of its matches."""
    from vanisher_core.exemplar.vote import vote
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
        vote(image, level.width, level.radius, level.hole, level.nnf, weight, image, (*band, left, right))

    run_bands(vote_band, row_bands(top, bottom, 12))


def _copy_nearest(level: "Level", settings: Settings) -> None:
    """A vote that copies."""
    _copy_best(level)


def _copy_best(level: "Level") -> np.ndarray:
    """Rewrite the hole with copies of single source pixels; returns their indices (-1: not copied)."""
    from vanisher_core.exemplar.vote import vote_best
    from vanisher_core.exemplar.workers import row_bands, run_bands

    top, bottom, left, right = level.box(level.hole)
    source = np.full(level.hole.size, -1, np.int64)

    def copy_band(band: tuple[int, int]) -> None:
        box = (*band, left, right)
        image = level.image  # in place, as in `_vote`
        vote_best(image, level.width, level.radius, level.hole, level.nnf, level.dist, image, source, box, 1)

    run_bands(copy_band, row_bands(top, bottom, 12))
    return source
