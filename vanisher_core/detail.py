"""Guided exemplar synthesis: fill a hole with the photograph's own texture, arranged as a guide picture says.

What a network (or a smooth interpolation) knows is colour and layout at low resolution; what it does not
know, the grain of a lawn or a wall, stands elsewhere in the same photograph. With C the photograph with the
guide in its hole and G = blur(C), the picture X = C - G/2 is synthesised by nearest-neighbour patches over a
pyramid, patches being compared in X and in G, and G/2 is put back at the end. The half shift lets a patch
serve at another brightness than its own without losing colour altogether.

Sources: Barnes et al., "PatchMatch" (SIGGRAPH 2009) for the search; Wexler et al., "Space-Time Completion of
Video" (PAMI 2007) for votes and the coarse-to-fine scheme; Darabi et al., "Image Melding" (SIGGRAPH 2012)
for matching beyond plain colour. Why numba: docs/decisions/002-exemplar-kernel.md.
"""

import numpy as np

from vanisher_core.errors import HopelessFill
from vanisher_core.exemplar.synthesis import LOOSE, Job, Progress, Settings, fill_window, trust_in
from vanisher_core.membrane import membrane

DEFAULTS = Settings()


def synthesize(
    rgb: np.ndarray,
    hole: np.ndarray,
    *,
    guide: np.ndarray | None = None,
    contrast: np.ndarray | None = None,
    usable: np.ndarray | None = None,
    trust: float | None = None,
    grain: float = 1.0,
    seed: int = 0,
    effort: float = 1.0,
    progress: Progress | None = None,
    settings: Settings = DEFAULTS,
) -> np.ndarray:
    """Fill `hole` from the picture's own patches.

    Args:
        rgb: HxWx3 float32 in [0, 1]; what stands inside the hole is ignored.
        hole: HxW bool, True where pixels are wanted.
        guide: HxWx3 float32 in [0, 1], what the hole should roughly look like (only its hole pixels are
            read); None: a membrane.
        contrast: HxW float32, the expected local contrast (mean |Y - lowpass Y|) inside the hole; None: that
            of the rim, spread inwards.
        usable: HxW bool, pixels that may serve as source; None: all outside the hole.
        trust: 0..1, how far the guide is followed; None: by the depth of the hole.
        grain: pixels of the picture to one of the guide's own: a coarse guide places what is copied and no more.
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
    part, part_hole = np.clip(rgb[area], 0, 1), np.ascontiguousarray(hole[area])
    given = membrane(part, part_hole) if guide is None else np.asarray(guide, np.float32)[area]
    part[part_hole] = np.clip(np.nan_to_num(given[part_hole], nan=0.5), 0, 1)
    job = Job(
        part,
        part_hole,
        np.ascontiguousarray(blocked[area]),
        None if contrast is None else np.clip(np.nan_to_num(np.asarray(contrast, np.float32)[area]), 0, 1),
        settings.rim_strength if guide is None else settings.strength,
        seed,
        effort,
        progress or (lambda _fraction, _text: None),
        settings,
        trust,
        grain,
    )
    fill = fill_window(job)
    out = rgb.copy()
    np.copyto(out[area], np.clip(fill, 0, 1, out=fill), where=part_hole[..., None])
    return out


def follows_guide(hole: np.ndarray, settings: Settings = DEFAULTS) -> bool:
    """Whether a fill of this hole (HxW bool) follows its guide, or grows freely from the rim as deep holes do."""
    return trust_in(hole, settings) >= LOOSE


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
    for name, array, shape in (
        ("guide", guide, rgb.shape),
        ("contrast", contrast, hole.shape),
        ("usable", usable, hole.shape),
    ):
        if array is not None and np.shape(array) != shape:
            raise ValueError(f"{name} must have the shape {shape}, got {np.shape(array)}")
    return rgb, hole


def _work_box(hole: np.ndarray, blocked: np.ndarray) -> tuple[int, int, int, int]:
    """The search window: the hole's bounds and a margin (its size, at least 160) with enough sources."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    height, width = hole.shape
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    margin = max(160, max(bottom - top, right - left))
    while True:
        box = (
            max(0, top - margin),
            min(height, bottom + margin),
            max(0, left - margin),
            min(width, right + margin),
        )
        known = ~blocked[box[0] : box[1], box[2] : box[3]]
        if known.sum() >= hole.sum() or box == (0, height, 0, width):
            return box
        margin *= 2
