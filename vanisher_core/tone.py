"""Between a photograph's own samples and the float RGB in [0, 1] that the algorithms work in.

8 and 16 bit are scaled (their values are display-encoded already), grey is replicated, alpha is set aside
and put back unchanged. Float photographs are usually linear light, with highlights above 1 and small
negatives; a network or a patch search wants evenly perceived steps, so they pass through an invertible
curve taken from their own pixels: the sRGB curve (IEC 61966-2-1), mirrored for negatives, up to the white
level (the 99.5 % quantile), and a shoulder for highlights far above that: the square root of the logarithm,
so that a fill that overshoots white by a little comes back a little brighter, not twice as bright.
`Tone.decode` undoes it, so a fill comes back at the source's depth and range.

The curve spans the known samples from -10 to 1000 times the white level. What lies beyond (a hot pixel, the
sun's disc, a broken sample) does not shape it and is clipped in the working copy alone: the source keeps it,
and no fill reaches it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

SHOULDER = 0.9
"""Share of the working range below the white level when highlights lie far above it."""
FAR = 2.0
"""Highlights this many times the white level get the shoulder; nearer ones just raise the white level."""
QUANTILE = 0.995
"""Share of known samples below the white level."""
SAMPLES = 1_000_000
"""Samples looked at for the quantile (evenly strided, so that the result is deterministic)."""
CAP, DEPTH = 1e3, 10.0
"""Samples above the first and below minus the second, times the white level, do not shape the curve."""
FAINT, CONTENT = 1e6, 1e-3
"""Samples this many times the white level, if this share of all, are the picture and the rest its black."""
LIT = 0.9
"""Share of the lit samples below the white level of such a picture."""
BAND = 64
"""Rows converted at a time: the float64 steps between need several times the memory of the result."""


@dataclass(frozen=True)
class Curve:
    """Invertible curve of float sources: [low, high] to [0, 1], the white level to the shoulder."""

    low: float
    white: float
    high: float

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Source values (float) to [0, 1] (float32); values beyond low..high are clipped."""
        return _by_bands(self._encode, values, np.empty(values.shape, np.float32))

    def decode(self, values: np.ndarray) -> np.ndarray:
        """[0, 1] back to source values (float32) in low..high; values beyond [0, 1] are clipped."""
        return _by_bands(self._decode, values, np.empty(values.shape, np.float32))

    def _encode(self, values: np.ndarray) -> np.ndarray:
        scaled = np.clip(values.astype(np.float64), self.low, self.high) / self.white
        floor, top = self._floor, self._top
        body = (_srgb(np.minimum(scaled, 1.0)) - floor) / (1 - floor) * top
        if self.high > self.white:
            above = np.log(np.maximum(scaled, 1.0)) / np.log(self.high / self.white)
            body = body + (1 - top) * np.sqrt(above)
        return body.astype(np.float32)

    def _decode(self, values: np.ndarray) -> np.ndarray:
        working = np.clip(values.astype(np.float64), 0, 1)
        floor, top = self._floor, self._top
        body = _linear(np.minimum(working / top, 1.0) * (1 - floor) + floor)
        if self.high > self.white:
            above = np.maximum(working - top, 0) / (1 - top)
            body = body * np.exp(above * above * np.log(self.high / self.white))
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

    def cut(self, area: tuple[slice, slice]) -> Tone:
        """The tone of a part of the source."""
        return self if self.alpha is None else replace(self, alpha=self.alpha[area])

    def decode(self, rgb: np.ndarray) -> np.ndarray:
        """Working RGB (HxWx3 float) to the source's type and channels, rounded to the nearest code.

        Values beyond [0, 1] are clipped; grey takes the mean of the channels; alpha is the source's own.

        Raises:
            ValueError: `rgb` is not HxWx3, or of another size than the source when that has alpha.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"working picture has shape {rgb.shape}; it must be height x width x 3")
        if self.alpha is not None and self.alpha.shape != rgb.shape[:2]:
            raise ValueError(f"working picture is {rgb.shape[:2]}, its source's alpha {self.alpha.shape}")
        samples = np.empty((*rgb.shape[:2], max(self.channels, 1)), self.dtype)
        if self.alpha is None:
            _by_bands(self._samples, rgb, samples)
        else:
            _by_bands(self._samples, rgb, samples[:, :, :-1])
            samples[:, :, -1] = self.alpha
        return samples[:, :, 0] if self.channels == 0 else samples

    def _samples(self, rgb: np.ndarray) -> np.ndarray:
        """Some rows of working RGB as colour samples of the source's type."""
        colour = rgb if self.channels >= 3 else rgb.mean(axis=2, dtype=np.float64)[:, :, None]
        if self.curve is not None:
            return self.curve.decode(colour)
        top = np.iinfo(self.dtype).max
        return np.rint(np.clip(colour, 0, 1) * np.float64(top)).astype(self.dtype)


def encode(array: np.ndarray, known: np.ndarray | None = None) -> tuple[np.ndarray, Tone]:
    """Bring source samples into the working range.

    Args:
        array: HxW, HxWx2 (grey + alpha), HxWx3 or HxWx4; uint8, uint16 or float32, all finite.
        known: bool HxW, pixels that shape the curve of a float source (None: all). Others are clipped to
            its range, `Curve.low` to `Curve.high`, and so are known samples beyond -10 to 1000 times the
            white level.

    Returns: Working RGB, HxWx3 float32 in [0, 1], and the `Tone` that undoes it: within half a code at 8
        and 16 bit; within 1e-4 (relative, or of the white level's thousandth) for floats inside the curve's
        range.

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
        working = colour.astype(np.float32)
        working /= np.float32(np.iinfo(array.dtype).max)
    rgb = np.repeat(working, 3, axis=2) if working.shape[2] == 1 else np.ascontiguousarray(working)
    return rgb, Tone(dtype=array.dtype, channels=channels, alpha=alpha, curve=curve)


def _curve(known: np.ndarray) -> Curve:
    """The curve of a float photograph from its known samples."""
    if known.size == 0:
        return Curve(0.0, 1.0, 1.0)
    flat = known.reshape(-1)
    white = _white(np.abs(flat[:: max(flat.size // SAMPLES, 1)]))
    low, high = _span(known, -DEPTH * white, CAP * white) if white > 0 else _span(known)
    if low == high:  # nothing but 0 within it: what lies beyond is the picture
        low, high = _span(known)
    reach = max(high, -low)
    if reach == 0:
        return Curve(0.0, 1.0, 1.0)
    if high <= FAR * white or white == 0:
        white = high if high > 0 else reach
    return Curve(low, white, max(high, white))


def _white(sample: np.ndarray) -> float:
    """The white level of absolute samples; 0 where all of them are 0.

    In a picture that is black almost everywhere the quantile says nothing about what is lit: then it is
    taken of the lit samples alone, and lower, since the last few may be hot pixels.
    """
    white = float(np.quantile(sample, QUANTILE))
    bright = sample[sample > np.float64(FAINT * white)]
    if bright.size and (white == 0 or bright.size >= CONTENT * sample.size):
        white = float(np.quantile(bright, LIT, method="lower"))
    return white


def _span(known: np.ndarray, least: float = -np.inf, most: float = np.inf) -> tuple[float, float]:
    """Smallest and largest known sample within least..most, and 0."""
    low, high = float(known.min()), float(known.max())
    if low < least:
        low = float(np.min(known, where=known >= np.float64(least), initial=0.0))
    if high > most:
        high = float(np.max(known, where=known <= np.float64(most), initial=0.0))
    return min(low, 0.0), max(high, 0.0)


def _by_bands(convert: Callable[[np.ndarray], np.ndarray], values: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Write `convert` of some rows of `values` after others into `out`, and return it."""
    for top in range(0, len(values), BAND):
        out[top : top + BAND] = convert(values[top : top + BAND])
    return out


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
