"""Means with intervals, and paired differences, over figures that come from a few photographs several times.

Percentile bootstrap (Efron & Tibshirani 1993, chapter 13) over photographs: crops of one photograph are
alike, so a resample draws whole photographs. A paired difference compares two methods on the same holes,
which takes away the spread between easy and hard pictures; it is what a decision should be taken on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

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
    array = np.asarray(values, dtype=np.float64)
    names, group = np.unique(np.asarray(keys), return_inverse=True)
    sums = np.bincount(group, weights=array)
    counts = np.bincount(group)
    draws = np.random.default_rng(seed).integers(len(names), size=(RESAMPLES, len(names)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    tail = (100 - COVERAGE) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return Interval(float(array.mean()), float(low), float(high))


def paired(a: Sequence[float], b: Sequence[float], keys: Sequence[str], seed: int = 0) -> Interval:
    """Mean of a - b over the same holes with its 95 % interval."""
    if len(a) != len(b):
        raise ValueError(f"paired series must be of one length, got {len(a)} and {len(b)}")
    return bootstrap([x - y for x, y in zip(a, b, strict=True)], keys, seed)
