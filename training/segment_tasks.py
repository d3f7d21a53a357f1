"""What a segmenter can be trained to find: its classes, its photographs, its validation.

`person` is told by one soft mask; `furniture` by codes a pixel, most of them "unknown" (`data/interiors.py`).
Both are validated on the split by source that the data folder's README fixes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import torch
from torch import Tensor, nn

from training.data import interiors, labelled, photographs, room_views, shards
from training.data.canvases import Canvases, joined, load_canvases, pack
from training.data.people import Augmenter

SMALL = 0.01
"""Share of a picture under which its people are small."""

TEACHER_TRUST = 0.7
"""Weight of far background that a teacher, and no person, has called empty."""


@dataclass(frozen=True)
class Sources:
    """What a training split is made of."""

    folder: Path
    """With the shards."""
    canvas: int
    """Side of the canvases in pixels."""
    limit: int | None = None
    """At most so many pictures of each kind, for rehearsals."""
    scenes: int = 2500
    """At most so many scenes."""
    teacher: Path | None = None
    """Shard of photographs that a teacher has labelled."""
    rooms: Path | None = None
    """Folder of rendered rooms."""
    panoramas: Path | None = None
    """Folder of the shards whose labelled panoramas are taken in."""
    photographs: Path | None = None
    """Folder of the shards whose labelled photographs are."""


@dataclass(frozen=True)
class Task:
    """One thing to learn."""

    classes: tuple[str, ...]
    """In the order of the network's channels."""
    training: Callable[[Sources], Canvases]
    """Where the photographs are -> the training split."""
    validation: Callable[[Path, int, int | None], Canvases]
    """(data folder, canvas side, limit) -> the validation split."""
    validate: Callable[[nn.Module, Canvases], dict[str, float]]
    """Figures of a network in eval mode; "iou" is the one to watch."""
    augmenter: type[Augmenter]


def load_people(sources: Sources) -> Canvases:
    """People, animals, and scenes to paste people on; photographs in a teacher's shard take its labels."""
    limit = sources.limit
    taught = [] if sources.teacher is None else list(shards.pictures([sources.teacher]))
    known = {picture.key for picture in taught}
    crowd = shards.pictures(
        shards.shards(sources.folder, "people-*.tar"),
        lambda key: key not in known and not shards.validates("people", key),
    )
    scenes = shards.pictures(shards.shards(sources.folder, "scenes-0*.tar"), lambda key: key not in known)
    found = chain(islice(crowd, limit), islice(scenes, limit or sources.scenes))
    parts = [pack(found, sources.canvas)]
    if taught:
        own = pack(taught, sources.canvas, limit)
        parts.append(replace(own, trust=torch.full((len(own),), TEACHER_TRUST)))
    return joined(parts)


def people_held_out(folder: Path, size: int, limit: int | None) -> Canvases:
    """The validation photographs of people."""
    return load_canvases(folder, ["people-*.tar"], size, lambda key: shards.validates("people", key), limit)


def load_furniture(sources: Sources) -> Canvases:
    """Interiors, VOC photographs, scenes; if given, a teacher's photographs, rooms, and what was labelled by eye."""
    canvas, limit, known = sources.canvas, sources.limit, photographs.known()

    def unknown(key: str) -> bool:
        return key not in known

    parts = [interiors.load_rooms(sources.folder, canvas, limit, sources.scenes)]
    for found, label in (
        (sources.teacher and shards.pictures([sources.teacher], unknown), interiors.teacher_codes),
        (sources.rooms and room_views.views(sources.rooms, canvas, limit), interiors.room_codes),
        (sources.panoramas and labelled.views(sources.panoramas, canvas, limit), interiors.room_codes),
        (sources.photographs and photographs.learnt_from(sources.photographs, limit), interiors.room_codes),
    ):
        if found is not None:
            parts.append(pack(found, canvas, kind=interiors.Rooms, label=label))
    return joined(parts)


@torch.no_grad()
def guesses(net: nn.Module, canvases: Canvases, batch: int = 16) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Runs a network over canvases: (which, BxKxSxS bool, BxSxS bool: inside the picture) on the CPU."""
    net.eval()
    device = next(chain(net.parameters(), net.buffers()), torch.zeros(())).device
    for start in range(0, len(canvases), batch):
        part = slice(start, start + batch)
        extent = canvases.extent[part]
        rgb = fill_border(canvases.rgb[part].float() / 255, extent).to(device)
        yield part, net(rgb).cpu() > 0, inside_of(extent, rgb.shape[-1])


def validate_people(net: nn.Module, canvases: Canvases) -> dict[str, float]:
    """Pooled person IoU, pixel accuracy and recall of small people (< 1 % of the picture) on canvases."""
    both = either = right = total = small_found = small_all = 0.0
    for part, guess, inside in guesses(net, canvases):
        guess, truth = guess & inside, (canvases.mask[part] > 127) & inside
        both += float((guess & truth).sum())
        either += float((guess | truth).sum())
        right += float(((guess == truth) & inside).sum())
        total += float(inside.sum())
        share = truth.sum((1, 2, 3)) / inside.sum((1, 2, 3))
        few = (share > 0) & (share < SMALL)
        small_found += float((guess & truth)[few].sum())
        small_all += float(truth[few].sum())
    return {
        "iou": both / max(either, 1),
        "accuracy": right / total,
        "small_recall": small_found / max(small_all, 1),
    }


def validate_furniture(net: nn.Module, canvases: Canvases) -> dict[str, float]:
    """Pooled IoU of the labelled object among the pixels that are known: the object and the ring round it.

    "iou" is that of the class `furniture`, "iou_class" that of the object's own class, and "everywhere" the
    share of all pixels called furniture: a network that calls everything so is seen at once.
    """
    count = len(interiors.CLASSES)
    both, either = torch.zeros(count), torch.zeros(count)
    called = total = 0.0
    for part, guess, inside in guesses(net, canvases):
        indices = torch.arange(*part.indices(len(canvases)))
        target, weight = canvases.planes(indices).chunk(2, 1)
        truth, judged = target > 0.5, (weight[:, :1] > 0) & inside
        called += float((guess[:, :1] & inside).sum())
        total += float(inside.sum())
        # a class is judged on the pictures that show it: elsewhere its absence is not labelled
        shown = truth.any(-1).any(-1)[..., None, None]
        both += (guess & truth & judged & shown).sum((0, 2, 3))
        either += ((guess | truth) & judged & shown).sum((0, 2, 3))
    own = both[1:].sum() / either[1:].sum().clamp_min(1)
    figures = {"iou": float(both[0] / either[0].clamp_min(1)), "iou_class": float(own)}
    by_class = {f"iou_{name}": float(both[i] / either[i]) for i, name in enumerate(interiors.CLASSES)
                if i and either[i] > 0}  # fmt: skip
    return figures | {"everywhere": called / total} | by_class


def inside_of(extent: Tensor, size: int) -> Tensor:
    """Bx1xSIZExSIZE bool: the part of a canvas that is picture."""
    line = torch.arange(size)
    across = line.view(1, 1, 1, -1) < extent[:, 0].view(-1, 1, 1, 1)
    return across & (line.view(1, 1, -1, 1) < extent[:, 1].view(-1, 1, 1, 1))


def fill_border(rgb: Tensor, extent: Tensor) -> Tensor:
    """Repeats each picture's last row and column over the rest of its canvas."""
    line = torch.arange(rgb.shape[-1])
    x = torch.minimum(line.view(1, -1), extent[:, :1].long() - 1).view(len(rgb), 1, 1, -1)
    y = torch.minimum(line.view(1, -1), extent[:, 1:].long() - 1).view(len(rgb), 1, -1, 1)
    return rgb.gather(3, x.expand_as(rgb)).gather(2, y.expand_as(rgb))


def split_of(training: Sequence[str], validation: Sequence[str]) -> dict[str, str]:
    """Fingerprints of both splits for checkpoint and card.

    Raises:
        ValueError: a photograph stands in both.
    """
    twice = set(training) & set(validation)
    if twice:
        raise ValueError(
            f"{len(twice)} photographs train and validate, {min(twice)!r} for one: fix the split"
        )
    return {
        "train": shards.fingerprint(training),
        "validation": shards.fingerprint(validation),
        "pictures": str(len(training)),
    }


TASKS = {
    "person": Task(("person",), load_people, people_held_out, validate_people, Augmenter),
    "furniture": Task(
        interiors.CLASSES,
        load_furniture,
        interiors.load_held_out,
        validate_furniture,
        interiors.FurnitureAugmenter,
    ),
}
