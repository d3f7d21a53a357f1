"""One window's synthesis: settings, the loop over levels, the sketch half-way, and tiles for huge windows.

The method is told in `vanisher_core.detail`, which checks its input and calls `fill_window`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vanisher_core.errors import HopelessFill
from vanisher_core.exemplar.bands import blur, local_contrast, rim_contrast
from vanisher_core.exemplar.heal import shade_correction
from vanisher_core.exemplar.rounds import begin, copy_best, copy_nearest, settle, vote_means

if TYPE_CHECKING:
    from vanisher_core.exemplar.pyramid import Level

Progress = Callable[[float, str], None]

MAX_WINDOW = 6_000_000
"""Pixels worked on at once (about 90 bytes each); larger windows are solved at half size, then in tiles."""
TILE = 768
"""Pixels, side of those tiles."""
TILE_STRENGTH = 3.0
"""Weight of a tile's guide: the solution at half size is right, not a guess."""
SPARSE = 16
"""Every so many pixels are looked at to see which tile has the most to copy from."""
TINY = 20
"""Pixels, short side of windows that are given the guide where no patch fits."""


@dataclass(frozen=True)
class Settings:
    """The numbers of the method; the defaults measured best on validation photographs (docs/log.md).

    `strength` weighs a given guide against the pixels, `rim_strength` the membrane that stands in for one
    (it knows less); the two contrast weights likewise. `rounds` counts from fine to coarse, its last number
    holds for all coarser levels. `sigma` (pixels), `beta` and the strengths are those
    of holes up to `deep` pixels from rim to middle; see `trust_in`. `sketch_sigma` takes the place of `sigma` once
    a sketch has taken that of the guide.
    """

    beta: float = 0.5
    sigma: float = 3.5
    sketch_sigma: float = 7.0
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
        heed: share of the guide's weights (`Settings.strength` and `beta`) that count.
    """

    radii: tuple[int, ...]
    copies_from: int
    reach: int
    finest: int
    from_known: bool
    heed: float = 1.0


NEVER = 99
"""A level that no picture has."""
GUIDED = Manner((3,), copies_from=2, reach=0, finest=0, from_known=False)
SKETCHED = Manner((3,), copies_from=NEVER, reach=0, finest=0, from_known=False, heed=0.5)
FREE = Manner((3, 5), copies_from=0, reach=16, finest=4, from_known=True)
"""The first follows a guide as fine as the picture; the second a coarse one, and only as far as it has anything to say
(`sketch_level`); the third grows structure from the rim."""
COARSE, TOO_COARSE = 1.4, 3.0
"""Grain of a guide from which on the finer levels follow a sketch instead, and from which on again they do not: windows
above 768 px have not been measured, and a stroke over one showed a seam at its rim (docs/log.md)."""
SKETCH_LEVEL = 2
"""Its level: a quarter of the picture's size."""
LOOSE = 0.5
"""Trust below which a hole is filled freely."""


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
    grain: float = 1.0  # pixels to one of the guide's own


class _Stage(NamedTuple):
    """What some levels are solved with: the picture's low band, the share of it that is the guide's, guide's weight."""

    low: np.ndarray
    beta: np.float32
    strength: float
    levels: list["Level"]


def fill_window(job: Job) -> np.ndarray:
    """HxWx3 float32: the window with its hole synthesised (not clipped; what stands outside means nothing).

    Raises:
        HopelessFill: the hole is deep and no patch is free of it.
    """
    return _fill_large(job) if job.hole.size > MAX_WINDOW else _fill(job)


def _fill(job: Job) -> np.ndarray:
    """The half-shifted synthesis of one window; the guide itself where no patch fits or is needed."""
    from vanisher_core.exemplar import pyramid

    trust = trust_in(job.hole, job.settings) if job.trust is None else job.trust
    manner = FREE if trust < LOOSE else SKETCHED if sketch_level(job.grain) else GUIDED
    stage = _guided_stage(job, manner, trust)
    levels = stage.levels
    if levels[0].sources.size == 0 or not levels[0].target.any():
        return _without_patches(job, levels[0])
    top = len(levels) - 1
    sketched = min(top, sketch_level(job.grain)) if manner is SKETCHED else 0
    for index in range(top, -1, -1):
        level, vote = levels[index], copy_nearest if index >= manner.copies_from else vote_means
        if index == top:
            pyramid.start(level, job.seed)
            if manner.from_known:
                begin(level)
        else:
            pyramid.carry_up(levels.pop(), level, job.seed + index)
            vote(level, job.settings)
        job.progress(0.6 * 0.5**index, "synthesising texture")
        near = 0 if index == top else manner.finest if index == 0 else manner.reach
        settle(level, index, replace(job, strength=stage.strength), vote, near)
        if 0 < index == sketched:
            stage = _sketched_stage(job, manner, _sketch(level, stage.beta), index)
            levels = [*stage.levels, level]
    source = copy_best(levels[0])
    image = levels[0].image[: job.rough.size].reshape(job.rough.shape)
    shade = shade_correction(levels[0].image, source, levels[0].hole, levels[0].width)
    top, bottom, left, right = levels[0].box(levels[0].hole)
    area = np.s_[top:bottom, left:right]
    job.rough[area] = image[area] + shade[area] + stage.beta * stage.low[area]
    return job.rough


def sketch_level(grain: float) -> int:
    """The level whose fill becomes the guide of the finer ones; 0 for none.

    A guide drawn at half of the picture's size is fog to the finer levels, and so is half of what is filled along
    it. What the coarser levels copied has every band; the half-shift then only evens out its patches.
    """
    return SKETCH_LEVEL if COARSE <= grain < TOO_COARSE else 0


def _guided_stage(job: Job, manner: Manner, trust: float) -> _Stage:
    """The levels as they follow the guide: the less it is trusted, the wider and weaker."""
    weight = trust * manner.heed
    sigma = job.settings.sigma / (max(trust, 0.01) ** 0.5 if manner is FREE else trust)
    contrast = trust if manner is FREE else 1.0
    return _stage(job, manner, sigma, job.settings.beta * weight, job.strength * weight, contrast)


def _sketched_stage(job: Job, manner: Manner, sketch: np.ndarray, index: int) -> _Stage:
    """The levels finer than `index`, whose fill now stands in the hole of `job.rough` as their guide."""
    import cv2

    height, width = job.hole.shape
    size = sketch.shape[1] << index, sketch.shape[0] << index
    guide = cv2.resize(sketch, size, interpolation=cv2.INTER_CUBIC)[:height, :width]
    np.copyto(job.rough, guide, where=job.hole[..., None])
    return _stage(job, manner, job.settings.sketch_sigma, job.settings.beta, job.strength, 1.0, index)


def _stage(
    job: Job, manner: Manner, sigma: float, beta: float, strength: float, contrast: float, most: int | None = None
) -> _Stage:  # fmt: skip
    """The levels, at most so many, of `job.rough` without `beta` of its low band."""
    from vanisher_core.exemplar import pyramid
    from vanisher_core.exemplar.search import TAIL

    low, share = blur(job.rough, sigma), np.float32(beta)
    planes = _guide_planes(job, low, sigma, contrast)
    levels = pyramid.build(job.rough - share * low, planes, job.hole, job.blocked, manner.radii, TAIL, most)
    return _Stage(low, share, strength, levels)


def _sketch(level: "Level", beta: np.float32) -> np.ndarray:
    """hxwx3: what the level copied, each pixel with the low band of the place that it comes from."""
    source = copy_best(level)
    low = level.guide.reshape(-1, 4)[:, :3]
    own = np.where((source >= 0)[:, None], low[source], low)
    shade = shade_correction(level.image, source, level.hole, level.width)
    return (level.image[: own.size].reshape(own.shape) + beta * own).reshape(shade.shape) + shade


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
        grain=job.grain / 2,
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
        grain=1.0,
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
