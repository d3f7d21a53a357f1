"""Means with intervals, and paired differences, over figures that come from a few photographs several times.

Percentile bootstrap (Efron & Tibshirani 1993, chapter 13) over photographs: crops of one photograph are
alike, so a resample draws whole photographs. A paired difference compares two methods on the same holes,
which takes away the spread between easy and hard pictures; it is what a decision should be taken on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
COVERAGE = 95.0  # per cent


class Interval(NamedTuple):
    """A mean with its bootstrap interval."""

    mean: float
    low: float
    high: float

    def text(self, digits: int, signed: bool = False) -> str:
        """As `0.0384 [0.0341, 0.0427]`."""
        sign = "+" if signed else ""
        return f"{self.mean:{sign}.{digits}f} [{self.low:{sign}.{digits}f}, {self.high:{sign}.{digits}f}]"


def bootstrap(values: Sequence[float], keys: Sequence[str], seed: int = 0) -> Interval:
    """Mean of the values with its 95 % interval; `keys[i]` is the photograph that value i comes from.

    Raises ValueError when there is no value or the lengths differ.
    """
    if not values or len(values) != len(keys):
        raise ValueError(
            f"got {len(values)} values for {len(keys)} keys: one key a value, at least one value"
        )
    return ratio(values, [1.0] * len(values), keys, seed)


def ratio(above: Sequence[float], below: Sequence[float], keys: Sequence[str], seed: int = 0) -> Interval:
    """sum(above) / sum(below) with its 95 % interval: the ratio of two means, or a pooled share.

    Raises ValueError when the series are empty or of different lengths.
    """
    if not above or not len(above) == len(below) == len(keys):
        raise ValueError(f"series of one length needed, got {len(above)}, {len(below)} and {len(keys)} keys")
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    names, group = np.unique(np.asarray(keys), return_inverse=True)
    tops, bottoms = np.bincount(group, weights=top), np.bincount(group, weights=bottom)
    draws = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without a single object is left out
        shares = tops[draws].sum(axis=1) / bottoms[draws].sum(axis=1)
        middle = float(top.sum() / bottom.sum())
    return Interval(middle, *_tails(shares))


def ratio_difference(
    a: tuple[Sequence[float], Sequence[float]],
    b: tuple[Sequence[float], Sequence[float]],
    keys: Sequence[str],
    seed: int = 0,
) -> Interval:
    """ratio(*a) - ratio(*b) with its 95 % interval, both on the same resamples of photographs."""
    names, group = np.unique(np.asarray(keys), return_inverse=True)
    draws = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))

    def shares(pair: tuple[Sequence[float], Sequence[float]]) -> NDArray[np.float64]:
        tops, bottoms = (np.bincount(group, weights=np.asarray(part, np.float64)) for part in pair)
        drawn = tops[draws].sum(axis=1) / bottoms[draws].sum(axis=1)
        return np.append(drawn, tops.sum() / bottoms.sum())

    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = shares(a) - shares(b)
    return Interval(float(gaps[-1]), *_tails(gaps[:-1]))


def _tails(draws: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of the interval; nan when no draw is a number."""
    finite = draws[np.isfinite(draws)]
    if not finite.size:
        return float("nan"), float("nan")
    tail = (100 - COVERAGE) / 2
    low, high = np.percentile(finite, [tail, 100 - tail])
    return float(low), float(high)


def paired(a: Sequence[float], b: Sequence[float], keys: Sequence[str], seed: int = 0) -> Interval:
    """Mean of a - b over the same holes with its 95 % interval."""
    if len(a) != len(b):
        raise ValueError(f"paired series must be of one length, got {len(a)} and {len(b)}")
    return bootstrap([x - y for x, y in zip(a, b, strict=True)], keys, seed)
