"""Random holes to train an inpainter with: shaped like what will be erased.

Masks shaped like objects matter as much as the network (training on boxes and testing on objects is a known
trap): silhouettes of people and furniture (scaled, turned, grown), brush strokes (Yu et al., "Free-Form Image
Inpainting with Gated Convolution", ICCV 2019, algorithm 1), boxes, blobs; any of them may touch the border.

A bank of holes is drawn once with OpenCV and then lives on the training device; `MaskBank.sample` only flips,
turns and rolls, so that no batch waits for a CPU.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

AREA_BANDS = ((0.01, 0.05, 0.2), (0.05, 0.25, 0.65), (0.25, 0.5, 0.15))
"""(least, most, share of the bank): holes as fractions of the picture."""


def strokes(size: int, rng: np.random.Generator) -> np.ndarray:
    """Brush strokes of one to four turns; size x size bool."""
    canvas = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 4)):
        x, y = rng.uniform(0, size, 2)
        angle = rng.uniform(0, 2 * np.pi)
        width = int(rng.uniform(0.04, 0.16) * size)
        for _ in range(rng.integers(1, 6)):
            angle += rng.uniform(-0.9, 0.9)
            step = rng.uniform(0.08, 0.3) * size
            x1, y1 = x + step * np.cos(angle), y + step * np.sin(angle)
            cv2.line(canvas, (int(x), int(y)), (int(x1), int(y1)), 1, width)
            cv2.circle(canvas, (int(x1), int(y1)), max(1, width // 2), 1, -1)
            x, y = x1, y1
    return canvas > 0


def boxes(size: int, rng: np.random.Generator) -> np.ndarray:
    """One to three upright rectangles or ellipses; size x size bool."""
    canvas = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 4)):
        half_w, half_h = (int(rng.uniform(0.05, 0.3) * size) for _ in range(2))
        centre = tuple(int(v) for v in rng.uniform(-0.05 * size, 1.05 * size, 2))
        if rng.random() < 0.5:
            cv2.ellipse(canvas, centre, (half_w, half_h), rng.uniform(0, 180), 0, 360, 1, -1)
        else:
            corner = (centre[0] - half_w, centre[1] - half_h), (centre[0] + half_w, centre[1] + half_h)
            cv2.rectangle(canvas, *corner, 1, -1)
    return canvas > 0


def blob(size: int, rng: np.random.Generator) -> np.ndarray:
    """A smooth random shape: low-pass noise above a level; size x size bool."""
    noise = cv2.resize(
        rng.standard_normal((rng.integers(3, 7),) * 2), (size, size), interpolation=cv2.INTER_CUBIC
    )
    grid = np.linspace(-1, 1, size)
    fall = ((grid[None] - rng.uniform(-0.8, 0.8)) ** 2 + (grid[:, None] - rng.uniform(-0.8, 0.8)) ** 2) * 2
    return noise - fall > rng.uniform(-0.6, 0.6)


def placed(silhouette: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """A silhouette scaled, turned a little, mirrored, grown and put somewhere; size x size bool.

    Args:
        silhouette: h x w uint8, > 127 inside the object.
        size: side of the result in pixels.
        rng: source of randomness.
    """
    rows, columns = np.nonzero(silhouette > 127)
    if rows.size == 0:
        return np.zeros((size, size), bool)
    height = np.ptp(rows) + 1
    scale = rng.uniform(0.2, 0.95) * size / max(height, 0.6 * (np.ptp(columns) + 1))
    matrix = cv2.getRotationMatrix2D((float(columns.mean()), float(rows.mean())), rng.normal(0, 12), scale)
    if rng.random() < 0.5:
        matrix[0] *= -1
    centre = matrix @ (columns.mean(), rows.mean(), 1)
    matrix[:, 2] += rng.uniform(0.05 * size, 0.95 * size, 2) - centre
    canvas = cv2.warpAffine(silhouette, matrix, (size, size), flags=cv2.INTER_LINEAR) > 127
    grow = int(rng.integers(1, 9)) * size // 256
    return cv2.dilate(canvas.astype(np.uint8), np.ones((2 * grow + 1,) * 2, np.uint8)) > 0 if grow else canvas


def draw(size: int, silhouettes: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """One hole of a random kind (about half are objects when silhouettes are given); size x size bool."""
    kind = rng.random()
    if silhouettes and kind < 0.5:
        return placed(silhouettes[int(rng.integers(len(silhouettes)))], size, rng)
    if kind < 0.75:
        return strokes(size, rng)
    return boxes(size, rng) if kind < 0.9 else blob(size, rng)


def touches_border(hole: np.ndarray) -> bool:
    """Whether a hole reaches the outermost row or column."""
    return bool(hole[0].any() or hole[-1].any() or hole[:, 0].any() or hole[:, -1].any())


def _band(area: float) -> int:
    return next((i for i, (low, high, _) in enumerate(AREA_BANDS) if low <= area < high), -1)


class MaskBank:
    """Holes drawn once, sampled on the training device.

    Args:
        count: holes to draw.
        size: their side in pixels.
        silhouettes: h x w uint8 pictures of objects (> 127 inside); may be empty.
        seed: of the drawing.
        device: where the bank lives.
        border: share of the holes below a quarter of the picture that touch its border, where a fill has context
            on one side only; None takes them as they fall, which is about three of four. (Larger holes nearly
            always touch it.)
    """

    def __init__(
        self,
        count: int,
        size: int,
        silhouettes: Sequence[np.ndarray],
        *,
        seed: int,
        device: torch.device | str,
        border: float | None = None,
    ) -> None:
        rng = np.random.default_rng(seed)
        room = [round(count * share) for *_, share in AREA_BANDS]
        room[1] += count - sum(room)
        holes: list[np.ndarray] = []
        cut = [room[band] if border is None else round(border * room[band]) for band in (0, 1)] + [count]
        whole = [room[band] if border is None else room[band] - cut[band] for band in (0, 1)] + [count]
        while len(holes) < count:
            hole = draw(size, silhouettes, rng)
            band = _band(float(hole.mean()))
            left = cut if touches_border(hole) else whole
            if band >= 0 and room[band] > 0 and left[band] > 0:
                room[band] -= 1
                left[band] -= 1
                holes.append(hole)
        self.holes = torch.from_numpy(np.stack(holes)[:, None]).to(device)

    def sample(self, batch: int, size: int) -> Tensor:
        """Draws holes.

        Args:
            batch: how many.
            size: their side in pixels.

        Returns:
            batch x 1 x size x size float32, 1 = hole.
        """
        device = self.holes.device
        picked = self.holes[torch.randint(len(self.holes), (batch,), device=device)]
        if torch.rand(()) < 0.5:
            picked = picked.flip(-1)
        if torch.rand(()) < 0.2:
            picked = picked.transpose(-1, -2)
        shift = (
            [int(v) for v in torch.randint(-size // 8, size // 8 + 1, (2,))]
            if torch.rand(()) < 0.3
            else [0, 0]
        )
        picked = picked.roll(shift, (-2, -1)).float()
        if picked.shape[-1] != size:
            picked = (F.interpolate(picked, size=(size, size), mode="area") > 0.5).float()
        return picked
