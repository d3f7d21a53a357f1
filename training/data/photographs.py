"""Photographs of rooms that were labelled by eye (`python -m training.label --photographs`): Places365's.

The other labels of photographs name one piece each (`interiors-*`) or few kinds (VOC), and rendered rooms look like
rendered rooms. Here all is known of a room as people photograph it: lamps, bedside tables, rugs, mirrors, pictures, and
that doors, kitchens and radiators are none. The labels lie beside this file, the pictures do not.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data import shards
from training.data.labels import read_labels, without_beyond

LABELS = Path(__file__).parent / "photograph_labels"
"""KEY.png, as large as the picture."""
SHARDS = "scenes-0*.tar"
SOURCE = "labelledplaces"
"""Key prefix of what is learnt from."""
HELD_OUT = 6
"""One of so many is never learnt from."""


def held_out(key: str) -> bool:
    """Whether a photograph is never learnt from, by a hash of its name."""
    return zlib.crc32(key.encode()) % HELD_OUT == 0


def known() -> frozenset[str]:
    """Keys of all labelled photographs, whether learnt from or held out."""
    return frozenset(path.stem for path in LABELS.glob("*.png"))


def pictures(folder: Path, *, learnt: bool) -> Iterator[shards.Picture]:
    """The labelled photographs of the shards in a folder, either those to learn from or those held out.

    `classes` are the labels.

    Raises:
        FileNotFoundError: there is no shard.
        ValueError: a label is none.
    """
    keys = known()
    found = shards.pictures(
        shards.shards(folder, SHARDS), lambda key: key in keys and held_out(key) != learnt
    )
    for one in found:
        yield one._replace(classes=read_labels(LABELS / f"{one.key}.png", one.rgb.shape[:2]))


def labels_of(picture: shards.Picture) -> NDArray[np.uint8]:
    """HxW labels of one of `pictures`."""
    assert picture.classes is not None
    return picture.classes


def learnt_from(folder: Path, limit: int | None = None) -> Iterator[shards.Picture]:
    """Those to learn from (at most so many), what lies beyond the walls unknown; raises as `pictures`."""
    for one in islice(pictures(folder, learnt=True), limit):
        yield one._replace(key=f"{SOURCE}_{one.key}", classes=without_beyond(labels_of(one)))
