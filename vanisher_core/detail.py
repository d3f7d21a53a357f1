"""Guided exemplar synthesis: fill a hole with the photograph's own texture, arranged as a guide picture says.

What a network (or a smooth interpolation) knows is colour and layout at low resolution; what it does not know, the grain of a lawn or a wall, stands
elsewhere in the same photograph. With C the photograph with the guide in its hole and G = blur(C), the picture X = C - G/2 is
synthesised by nearest-neighbour patches over a pyramid, patches being compared in X and in G, and G/2 is put back at the end.
The half shift lets a patch serve at another brightness than its own without losing colour altogether.

Sources: Barnes et al., "PatchMatch" (SIGGRAPH 2009) for the search; Wexler et al., "Space-Time Completion of Video" (PAMI 2007) for
votes and the coarse-to-fine scheme; Darabi et al., "Image Melding" (SIGGRAPH 2012) for matching beyond plain colour.
`docs/decisions/002-exemplar-kernel.md` says why the kernels are compiled with numba.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vanisher_core.errors import HopelessFill
from vanisher_core.membrane import membrane

if TYPE_CHECKING:
    from vanisher_core.exemplar.pyramid import Level

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Settings:
    """The numbers of the method; the defaults are what measured best on the validation photographs (docs/log.md)."""

    beta: float = 0.5
    sigma: float = 3.5
    strength: float = 3.0
    contrast_weight: float = 2.0
    rim_contrast_weight: float = 2.0
    rounds: tuple[int, ...] = (3, 4, 8, 12)  # from fine to coarse; the last one holds for all coarser levels
    probes: int = 12
    depth_decay: float = 1.3
    quantile: float = 0.05


DEFAULTS = Settings()


def synthesize(
    rgb: np.ndarray,
    hole: np.ndarray,
    *,
    guide: np.ndarray | None = None,
    contrast: np.ndarray | None = None,
    usable: np.ndarray | None = None,
    seed: int = 0,
    effort: float = 1.0,
    progress: Progress | None = None,
    settings: Settings = DEFAULTS,
) -> np.ndarray:
    """Fill `hole` from the picture's own patches.

    Args:
        rgb: HxWx3 float32 in [0, 1]; what stands inside the hole is ignored.
        hole: HxW bool, True where pixels are wanted.
        guide: HxWx3 float32 in [0, 1], what the hole should roughly look like (only its hole pixels are read); None: a membrane.
        contrast: HxW float32, the expected local contrast (mean |Y - lowpass Y|) inside the hole; None: that of the rim, spread inwards.
        usable: HxW bool, pixels that may serve as source; None: all outside the hole.
        seed: same seed, same bytes, on any number of threads.
        effort: scales the number of search rounds (1 = as measured).
        progress: called with (fraction, text); may raise `Cancelled`.
        settings: the numbers of the method.

    Returns:
        HxWx3 float32 in [0, 1]; known pixels bit-exact.

    Raises:
        ValueError: shapes do not fit.
        HopelessFill: nothing is known, or no pixel may serve as source.
    """
    rgb, hole = _checked(rgb, hole, guide, contrast, usable)
    if not hole.any():
        return rgb.copy()
    blocked = hole if usable is None else hole | ~np.asarray(usable, bool)
    if blocked.all():
        raise HopelessFill("no pixel outside the mask may serve as source: mask less of the picture")
    top, bottom, left, right = _work_box(hole, blocked)
    area = np.s_[top:bottom, left:right]
    part, part_hole = rgb[area], np.ascontiguousarray(hole[area])
    rough = membrane(part, part_hole) if guide is None else np.where(part_hole[..., None], np.asarray(guide, np.float32)[area], part)
    rough = np.clip(np.nan_to_num(rough, nan=0.5), 0, 1)
    texture = None if contrast is None else np.asarray(contrast, np.float32)[area]
    fill = _fill(rough, part_hole, blocked[area], texture, seed, effort, progress, settings)
    out = rgb.copy()
    out[area][part_hole] = np.clip(fill[part_hole], 0, 1)
    return out


def warm_up() -> None:
    """Compile every kernel (and fill numba's cache) on a tiny picture; called at installation."""
    rgb = np.random.default_rng(0).random((48, 48, 3), np.float32)
    hole = np.zeros((48, 48), bool)
    hole[16:32, 16:32] = True
    synthesize(rgb, hole, contrast=np.full((48, 48), 0.1, np.float32))


def _checked(rgb, hole, guide, contrast, usable) -> tuple[np.ndarray, np.ndarray]:
    """Arrays of the right types, or ValueError naming the shape that is wrong."""
    rgb, hole = np.asarray(rgb, np.float32), np.asarray(hole, bool)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or hole.shape != rgb.shape[:2]:
        raise ValueError(f"rgb must be HxWx3 and hole HxW of the same size, got {rgb.shape} and {hole.shape}")
    for name, array, shape in (("guide", guide, rgb.shape), ("contrast", contrast, hole.shape), ("usable", usable, hole.shape)):
        if array is not None and np.shape(array) != shape:
            raise ValueError(f"{name} must have the shape {shape}, got {np.shape(array)}")
    return rgb, hole


def _work_box(hole: np.ndarray, blocked: np.ndarray) -> tuple[int, int, int, int]:
    """The search window: the hole's bounds and its own size (at least 96 px) on every side; all when sources would be few."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    height, width = hole.shape
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    margin = max(96, (2 * max(bottom - top, right - left)) // 3)
    while True:
        box = max(0, top - margin), min(height, bottom + margin), max(0, left - margin), min(width, right + margin)
        known = ~blocked[box[0] : box[1], box[2] : box[3]]
        if known.sum() >= hole.sum() or box == (0, height, 0, width):
            return box
        margin *= 2


def _fill(rough, hole, blocked, contrast, seed, effort, progress, settings: Settings) -> np.ndarray:
    """The half-shifted synthesis of one window; falls back to the guide itself where no patch fits in."""
    from vanisher_core.exemplar import pyramid
    from vanisher_core.exemplar.search import TAIL

    low = _blur(rough, settings.sigma)
    shifted = rough - np.float32(settings.beta) * low
    levels = pyramid.build(shifted, _guide_planes(rough, low, hole, contrast, settings), hole, blocked, TAIL)
    if levels[0].sources.size == 0:
        return rough
    for index in range(len(levels) - 1, -1, -1):
        level = levels[index]
        if index == len(levels) - 1:
            pyramid.start(level, seed)
        else:
            pyramid.carry_up(levels[index + 1], level, seed + index)
            _vote(level, settings)
        _settle(level, index, seed, effort, settings)
        if progress is not None:
            progress(1 - 0.7 * index / len(levels), f"texture, level {index + 1} of {len(levels)}")
    _vote(levels[0], settings, last=True)
    height, width = hole.shape
    image = levels[0].image[: 3 * height * width].reshape(height, width, 3)
    return image + np.float32(settings.beta) * low


def _blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur with replicated borders."""
    import cv2

    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _guide_planes(rough, low, hole, contrast, settings: Settings) -> np.ndarray:
    """HxWx4: what patches are compared by beside their pixels; the fourth plane is local contrast."""
    planes = np.empty((*hole.shape, 4), np.float32)
    planes[..., :3] = low
    measured = _local_contrast(rough @ np.float32([0.299, 0.587, 0.114]), hole, settings.sigma)
    if contrast is None:
        expected, weight = membrane(measured, hole), settings.rim_contrast_weight
    else:
        expected, weight = np.clip(np.nan_to_num(contrast), 0, 1), settings.contrast_weight
    planes[..., 3] = np.float32(weight) * np.where(hole, expected, measured)
    return planes


def _local_contrast(luma: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Mean |Y - lowpass Y| near each pixel, from known pixels alone (0 far inside the hole)."""
    known = (~hole).astype(np.float32)
    low = _blur(luma * known, sigma) / np.maximum(_blur(known, sigma), 1e-6)
    spread = _blur(known, 4.0)
    return _blur(np.abs(luma - low) * known, 4.0) / np.maximum(spread, 1e-6)


def _settle(level: "Level", index: int, seed: int, effort: float, settings: Settings) -> None:
    """Search and vote at one level until the rounds are used up; leaves the field searched, not voted."""
    from vanisher_core.exemplar.search import evaluate, sweep
    from vanisher_core.exemplar.workers import row_bands, run_bands

    top, bottom, left, right = level.box(level.target)
    bands = row_bands(top, bottom, 12)
    strength = np.float32(settings.strength * 147 / 27)
    reach = max(level.height, level.width)
    rounds = max(1, round(effort * settings.rounds[min(index, len(settings.rounds) - 1)]))
    for turn in range(rounds):
        if turn > 0:
            _vote(level, settings)
        run_bands(
            lambda band: evaluate(level.image, level.guide, level.width, level.nnf, level.dist, strength, *band, left, right), bands
        )
        for step in (1, -1):
            before = level.nnf.copy()
            key = (seed * 1000003 + index * 1009 + turn * 2 + (step > 0)) & 0x7FFFFFFF
            run_bands(
                lambda band, before=before, step=step, key=key: sweep(
                    level.image, level.guide, level.width, level.valid, level.sources, level.nnf, before, level.dist,
                    strength, (*band, left, right), step, key, settings.probes, reach,
                ),
                bands,
            )  # fmt: skip


def _vote(level: "Level", settings: Settings, last: bool = False) -> None:
    """Rewrite the hole from its matches."""
    from vanisher_core.exemplar.vote import vote, vote_best
    from vanisher_core.exemplar.workers import row_bands, run_bands

    top, bottom, left, right = level.box(level.hole)
    bands = row_bands(top, bottom, 12)
    out = level.image.copy()
    if last:
        run_bands(
            lambda band: vote_best(level.image, level.width, level.hole, level.nnf, level.dist, out, (*band, left, right), 1), bands
        )
    else:
        dist = level.dist[level.target]
        scale = 2 * max(float(np.quantile(dist, settings.quantile)), 1e-4)
        weight = np.exp(-np.minimum(level.dist / scale, 60)) * np.float32(settings.depth_decay) ** -np.minimum(level.depth, 60)
        weight = weight.astype(np.float32)
        run_bands(lambda band: vote(level.image, level.width, level.hole, level.nnf, weight, out, (*band, left, right)), bands)
    level.image = out
