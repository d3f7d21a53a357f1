"""Between a photograph's own samples and the float RGB in [0, 1] that the algorithms work in.

8 and 16 bit are scaled (their values are display-encoded already), grey is replicated, alpha is set aside
and put back unchanged. Float photographs are usually linear light, with highlights above 1 and small
negatives; a network or a patch search wants evenly perceived steps, so they pass through an invertible
curve taken from their own pixels: the sRGB curve (IEC 61966-2-1), mirrored for negatives, up to the white
level (the 99.5 % quantile), and a logarithmic shoulder for highlights far above that. `Tone.decode` undoes
it, so a fill comes back at the source's depth and range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHOULDER = 0.9
"""Share of the working range below the white level when highlights lie far above it."""
FAR = 2.0
"""Highlights this many times the white level get the shoulder; nearer ones just raise the white level."""
QUANTILE = 0.995
"""Share of known samples below the white level."""
SAMPLES = 1_000_000
"""Samples looked at for the quantile (evenly strided, so that the result is deterministic)."""


@dataclass(frozen=True)
class Curve:
    """Invertible curve of float sources: [low, high] to [0, 1], the white level to the shoulder."""

    low: float
    white: float
    high: float

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Source values (float) to [0, 1] (float32); values beyond low..high are clipped."""
        scaled = np.clip(values.astype(np.float64), self.low, self.high) / self.white
        floor, top = self._floor, self._top
        body = (_srgb(np.minimum(scaled, 1.0)) - floor) / (1 - floor) * top
        if self.high > self.white:
            above = np.log(np.maximum(scaled, 1.0)) / np.log(self.high / self.white)
            body = body + (1 - top) * above
        return body.astype(np.float32)

    def decode(self, values: np.ndarray) -> np.ndarray:
        """[0, 1] back to source values (float32); values beyond [0, 1] are clipped."""
        working = np.clip(values.astype(np.float64), 0, 1)
        floor, top = self._floor, self._top
        body = _linear(np.minimum(working / top, 1.0) * (1 - floor) + floor)
        if self.high > self.white:
            above = np.maximum(working - top, 0) / (1 - top)
            body = body * np.exp(above * np.log(self.high / self.white))
        return (body * self.white).astype(np.float32)

    @property
    def _floor(self) -> float:
        return float(_srgb(np.array(self.low / self.white)))

    @property
    def _top(self) -> float:
        return SHOULDER if self.high > self.white else 1.0


@dataclass(frozen=True, eq=False)
class Tone:
    """How to bring working RGB back to the samples of one source array.

    Attributes:
        dtype: uint8, uint16 or float32.
        channels: 0 (HxW), 2 (grey + alpha), 3 or 4.
        alpha: HxW of the source's own alpha, or None.
        curve: Of float sources, else None.
    """

    dtype: np.dtype
    channels: int
    alpha: np.ndarray | None
    curve: Curve | None

    def decode(self, rgb: np.ndarray) -> np.ndarray:
        """Working RGB (HxWx3 float) to the source's type and channels, rounded to the nearest code.

        Values beyond [0, 1] are clipped; grey takes the mean of the channels; alpha is the source's own.

        Raises:
            ValueError: `rgb` is not HxWx3, or of another size than the source when that has alpha.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"working picture has shape {rgb.shape}; it must be height x width x 3")
        colour = rgb if self.channels >= 3 else rgb.mean(axis=2, dtype=np.float64)[:, :, None]
        if self.curve is not None:
            samples = self.curve.decode(colour)
        else:
            top = np.iinfo(self.dtype).max
            samples = np.rint(np.clip(colour, 0, 1) * np.float64(top)).astype(self.dtype)
        if self.channels == 0:
            return samples[:, :, 0]
        if self.alpha is None:
            return samples
        if self.alpha.shape != rgb.shape[:2]:
            raise ValueError(f"working picture is {rgb.shape[:2]}, its source's alpha {self.alpha.shape}")
        return np.concatenate([samples, self.alpha[:, :, None]], axis=2)


def encode(array: np.ndarray, known: np.ndarray | None = None) -> tuple[np.ndarray, Tone]:
    """Bring source samples into the working range.

    Args:
        array: HxW, HxWx2 (grey + alpha), HxWx3 or HxWx4; uint8, uint16 or float32, all finite.
        known: bool HxW, pixels that shape the curve of a float source (None: all). Others are clipped to
            its range.

    Returns: Working RGB, HxWx3 float32 in [0, 1], and the `Tone` that undoes it: within half a code at 8
        and 16 bit, within 1e-4 (relative, or of the white level's thousandth) for floats.

    Raises:
        ValueError: another shape or type.
    """
    channels = 0 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else -1
    if channels not in (0, 2, 3, 4) or array.dtype not in (np.uint8, np.uint16, np.float32):
        raise ValueError(
            f"{array.dtype} of shape {array.shape}: give uint8, uint16 or float32, HxW or HxWx2, 3 or 4"
        )
    alpha = array[:, :, -1].copy() if channels in (2, 4) else None
    colour = array[:, :, None] if channels == 0 else array[:, :, : channels - (alpha is not None)]
    curve = None
    if array.dtype == np.float32:
        curve = _curve(colour if known is None else colour[known])
        working = curve.encode(colour)
    else:
        working = colour.astype(np.float32) / np.float32(np.iinfo(array.dtype).max)
    rgb = np.repeat(working, 3, axis=2) if working.shape[2] == 1 else np.ascontiguousarray(working)
    return rgb, Tone(dtype=array.dtype, channels=channels, alpha=alpha, curve=curve)


def _curve(known: np.ndarray) -> Curve:
    """The curve of a float photograph from its known samples."""
    if known.size == 0:
        return Curve(0.0, 1.0, 1.0)
    low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
    flat = known.reshape(-1)
    sample = np.abs(flat[:: max(flat.size // SAMPLES, 1)])
    white = float(np.quantile(sample, QUANTILE))
    reach = max(high, -low)
    if reach == 0:
        return Curve(0.0, 1.0, 1.0)
    if high <= FAR * white or white <= 1e-6 * reach:
        white = high if high > 0 else reach
    return Curve(low, white, max(high, white))


def _srgb(linear: np.ndarray) -> np.ndarray:
    """The sRGB encoding, mirrored for negatives."""
    size = np.abs(linear)
    curved = 1.055 * np.maximum(size, 0.0031308) ** (1 / 2.4) - 0.055
    return np.sign(linear) * np.where(size <= 0.0031308, 12.92 * size, curved)


def _linear(encoded: np.ndarray) -> np.ndarray:
    """Inverse of `_srgb`."""
    size = np.abs(encoded)
    curved = ((np.maximum(size, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.sign(encoded) * np.where(size <= 0.04045, size / 12.92, curved)
