"""Finds things by name on the sphere: many overlapping views, one mask.

A segmenter knows photographs, so it looks at perspective views: a ring of eight at the horizon, four downwards, and
one to each pole, each of 100 degrees. Every direction is seen by two to five of them; their log odds are averaged
with weights that fall to nothing at a view's border, where a thing is cut off and misjudged. So nothing is lost or
drawn twice at an edge, at the seam or at a pole. What is furniture is also asked of networks that see the whole room
at once (`panorama/furniture.py`): a wardrobe that fills a view looks like a wall. They have learnt on level pictures,
so one that was taken askew is turned upright for them (`panorama/level.py`).

The mask grows a little all round and by a band under each thing, where its contact shadow lies: a shadow that stays
betrays what was erased.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from panorama import edges, level, rugs
from panorama.axes import room_yaw
from panorama.beyond import in_the_room
from panorama.certain import LEVEL, certain, log_odds
from panorama.files import Panorama
from panorama.furniture import CERTAIN, FURNITURE, MODELS, RoomFurniture, kinds
from panorama.layout import Layout
from panorama.leftovers import leftovers
from panorama.light import sees_all
from panorama.objects import components, solid_angle
from panorama.segments import shared
from panorama.sphere import Frame, Region
from panorama.views import View, reduced, render, seen, unproject
from panorama.walls import room_layout
from vanisher_core.errors import UsageError
from vanisher_core.mask import Mask

if TYPE_CHECKING:
    from vanisher_core.segment import Segmenter

Progress = Callable[[float, str], None]

FIELD = math.radians(100)
"""Of each view."""
SIDE, SHARE = 768, 0.38
"""Pixels of each view at most, and as a share of the panorama's columns: no more than it shows."""
LOOKS = (
    *((turn * math.pi / 4, 0.0) for turn in range(8)),
    *(((turn + 0.5) * math.pi / 2, math.radians(-50)) for turn in range(4)),
    (0.0, -math.pi / 2),
    (0.0, math.pi / 2),
)
"""Yaw and pitch of the views."""
WORKING = 2048
"""Columns of the sphere on which views are merged."""
SURE = 0.5
"""Probability that some texel of every thing must have; from `LEVEL` on others belong to it (hysteresis, as in Canny,
"A Computational Approach to Edge Detection", IEEE PAMI 1986): half of a large cupboard is seen for certain, the rest
of it less so, and a false alarm seldom anywhere."""
LEAST = math.radians(0.8) ** 2
"""Steradians, smallest component that counts."""
SHADOW, SHADOW_RANGE = 0.08, (math.radians(0.5), math.radians(4))
"""Band below a thing, as a share of its height, and its limits in radians."""
FRINGE = math.radians(0.7)
"""Width of the darker wall round a thing that goes with it as well."""
RUG, LYING = "rug", 0.5
"""The name of what lies on the floor, and the share of it from which on something does."""
WHOLE = 0.65
"""Say of the networks that see the whole room; the views have the rest."""


def find_in_panorama(
    panorama: Panorama,
    classes: Sequence[str],
    *,
    device: str = "auto",
    segmenter: Segmenter | None = None,
    progress: Progress | None = None,
    shadows: bool = True,
) -> dict[str, Mask]:
    """Finds classes in a panorama.

    Args:
        panorama: the panorama.
        classes: names such as "person"; "furniture" stands for every piece of it. Some ("rug", "lamp") are known only
            where the whole sphere is seen.
        device: "auto", "cpu", "cuda" or "mps"; for a segmenter made here.
        segmenter: with its networks loaded, such as `Vanisher.segmenter`.
        progress: called with (fraction done, what is being done); may raise `Cancelled`.
        shadows: add what lies round and below each thing, where its contact shadow is.

    Returns:
        For each name asked for, a mask of the panorama's size; empty where nothing was found.

    Raises:
        UsageError: no installed weights know a class, or not of a part of a room.
        ModelError: the weights are missing or damaged.
    """
    from vanisher_core.segment import Segmenter
    from vanisher_core.vanish import eight_bit

    if isinstance(classes, str):
        raise UsageError(f"classes is the text {classes!r}; give a list of names, such as [{classes!r}]")
    names = {name: voted(name) for name in dict.fromkeys(classes)}
    segmenter = segmenter or Segmenter(device)
    small, picture = reduced(panorama.frame, eight_bit(panorama.photo.array), WORKING)
    _check(names, small)
    whole = sees_all(small) and not kinds().keys().isdisjoint(names)
    turn = level.uprighting(small, picture) if whole else None
    if turn is not None:
        picture = level.leveled(small, picture, turn)
    votes: list[str] = [*names.values(), *([voted(FURNITURE)] if whole else [])]
    wanted = tuple(dict.fromkeys(votes))
    total = {name: np.zeros((small.height, small.width), np.float32) for name in wanted}
    weight = np.full((small.height, small.width), 1e-6, np.float32)
    side = min(SIDE, math.ceil(small.full_width * SHARE))
    for index, (yaw, pitch) in enumerate(LOOKS):
        if progress is not None:
            progress(index / len(LOOKS), f"looking for {', '.join(names)}")
        view = View.square(yaw, pitch, FIELD, side)
        if not seen(small, view).any():
            continue
        colours = np.clip(np.rint(render(small, picture, view)), 0, 255).astype(np.uint8)
        _add(small, view, segmenter.probabilities(colours, wanted), total, weight)
    odds = {name: total[name] / weight for name in wanted}
    if whole:
        odds |= _told(names, odds, small, picture)
    if turn is not None:
        odds = {name: level.leveled(small, odds[name], turn.T, linear=True) for name in names}
    return {name: _mask(panorama.frame, small, odds[name], shadows) for name in names}


def voted(name: str) -> str:
    """The segmenters' class whose votes count for a name: its own, or that of all furniture.

    Raises:
        UsageError: no installed weights know the name.
    """
    from vanisher_core.segment import known_classes

    known = known_classes()
    if name in known:
        return name
    if FURNITURE in known and name in kinds():
        return FURNITURE
    choice = ", ".join(dict.fromkeys([*known, *kinds()])) if known else "none"
    raise UsageError(f"nothing here finds {name!r}; classes to choose from: {choice}")


def weights(names: Iterable[str]) -> dict[str, str]:
    """Name and SHA-256 of all weights that have a say in finding these (in a panorama of the whole sphere).

    Raises:
        UsageError: no installed weights know a name.
    """
    from vanisher_core.batch.kinds import weights_for
    from vanisher_core.models import registry

    names = tuple(names)
    found = weights_for(dict.fromkeys(voted(name) for name in names))
    rooms = () if kinds().keys().isdisjoint(names) else (*MODELS, edges.MODEL)
    return found | {name: registry.info(name).sha256 for name in rooms}


def _check(names: dict[str, str], frame: Frame) -> None:
    """Refuses names that only a whole room tells, where it is not seen.

    Raises:
        UsageError: as said.
    """
    alone = [name for name, votes in names.items() if name != votes]
    if alone and not sees_all(frame):
        raise UsageError(
            f"{alone[0]} can be found only in a panorama of the whole sphere, and this one is cropped: find furniture, "
            "or paint a mask and give it with --mask"
        )


def _told(
    names: dict[str, str], views: dict[str, np.ndarray], frame: Frame, picture: np.ndarray
) -> dict[str, np.ndarray]:
    """Log odds of names of furniture, from the views' votes and what the whole room tells; -CERTAIN off furniture."""
    room, known = RoomFurniture(frame, picture), kinds()
    merged = {
        votes: views[votes] + WHOLE * (room.odds(known[votes]) - views[votes])
        for votes in {FURNITURE, *(votes for name, votes in names.items() if name in known)}
    }
    likely = certain(frame, shared(frame, picture, merged[FURNITURE]), views[FURNITURE])
    marks = likely > -CERTAIN
    layout = room_layout(frame, picture, marks, room_yaw(frame, picture)) if marks.any() else None
    pieces = in_the_room(frame, picture, likely, room, layout)
    rest = _rest_of_rugs(frame, picture, _things(pieces, frame), room, layout)
    pieces[rest] = log_odds(SURE)
    others = pieces > -CERTAIN
    for name, votes in names.items():
        if name not in known:
            others |= views[votes] >= log_odds(LEVEL)
    told = {}
    for name in known.keys() & names.keys():
        votes = names[name]
        odds = pieces if votes == FURNITURE else merged[votes]
        if name != votes:
            # the views have no word for it: they say where furniture is, the room which of it is meant
            chance = room.share(known[name]) / (1 + np.exp(-odds))
            odds = np.log(chance.clip(1e-6) / (1 - chance).clip(1e-6))
            if name == RUG:
                odds[rest] = log_odds(SURE)
        found = np.where(pieces > -CERTAIN, odds, np.float32(-CERTAIN))
        more = leftovers(frame, picture, _things(found, frame), others)
        told[name] = np.where(more, np.float32(log_odds(SURE)), found)
    return told


def _rest_of_rugs(
    frame: Frame, picture: np.ndarray, found: np.ndarray, room: RoomFurniture, layout: Layout | None
) -> np.ndarray:
    """What is missing of rugs that were found (HxW bool)."""
    if RUG not in kinds():
        return np.zeros_like(found)
    return rugs.whole(frame, picture, found, found & (room.share(kinds()[RUG]) >= LYING), layout)


def _add(
    frame: Frame, view: View, found: dict[str, np.ndarray], total: dict[str, np.ndarray], weight: np.ndarray
) -> None:
    """Adds one view's votes to the sums."""
    at = np.linspace(-1, 1, view.width)
    hat = np.minimum.outer(1 - at**2, 1 - at**2).astype(
        np.float32
    )  # exactly 0 along the border, which repeats outside
    names = list(found)
    chances = [np.clip(found[name], 1e-4, 1 - 1e-4) for name in names]
    votes = [hat * np.clip(np.log(chance / (1 - chance)), -CERTAIN, CERTAIN) for chance in chances]
    whole = Region(0, 0, frame.width, frame.height)
    back = unproject(frame, whole, view, np.dstack([hat, *votes]), linear=True)
    weight += back[..., 0]
    for index, name in enumerate(names, 1):
        total[name] += back[..., index]


def _mask(frame: Frame, small: Frame, merged: np.ndarray, shadows: bool) -> Mask:
    """The mask of what has these log odds (of the small frame's size), at the panorama's size."""
    kept = _things(merged, small)
    bands = np.zeros_like(kept)
    if shadows and kept.any():
        for region, own in components(kept, small):
            _put_shadow(bands, region, own, small)
        bands |= small.distance(kept, Region(0, 0, small.width, small.height), FRINGE) <= FRINGE
    size = (frame.width, frame.height)
    above = merged - np.float32(log_odds(LEVEL))
    odds_kept = np.where(kept, np.maximum(above, 1e-3), np.minimum(above, -1e-3)).astype(np.float32)
    large = cv2.resize(odds_kept, size, interpolation=cv2.INTER_LINEAR) >= 0
    shadow = cv2.resize((bands | kept).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return Mask.from_array(large | shadow)


def _things(odds: np.ndarray, frame: Frame) -> np.ndarray:
    """What belongs to things (HxW bool): connected parts that are large enough, and certain somewhere."""
    marks = odds >= log_odds(LEVEL)
    kept = np.zeros_like(marks)
    for region, own in components(marks, frame):
        if solid_angle(own, region, frame) >= LEAST and frame.cut(odds, region)[own].max() >= log_odds(SURE):
            _put(kept, region, own, frame)
    return kept


def _put(marks: np.ndarray, region: Region, own: np.ndarray, frame: Frame) -> None:
    frame.put(marks, region, frame.cut(marks, region) | own)


def _put_shadow(marks: np.ndarray, region: Region, own: np.ndarray, frame: Frame) -> None:
    """Marks a thing moved down by the band of its contact shadow."""
    height = (region.bottom - region.top) * frame.row_step
    band = min(max(SHADOW * height, SHADOW_RANGE[0]), SHADOW_RANGE[1])
    rows = min(math.ceil(band / frame.row_step), frame.height - region.bottom)
    if rows <= 0:
        return
    longer = np.pad(own, ((0, rows), (0, 0)))
    for down in range(1, rows + 1):
        longer[down : down + len(own)] |= own
    _put(marks, region._replace(bottom=region.bottom + rows), longer, frame)
