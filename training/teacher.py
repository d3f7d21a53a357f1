"""Labels photographs that nobody has labelled, by another's segmenter: `python -m training.teacher`.

    python -m training.teacher --out runs/teacher/scenes-ccp.tar [--limit 100 --sheet sheet.png]
    python -m training.segment --teacher runs/teacher/scenes-ccp.tar ...

The teacher is DeepLabV3 of ../shared/peers (VOC classes, OpenVINO): its labels only, never its weights. It
labels the training scenes and the `ccp` street photographs, whose passers-by nobody has marked. Its shard has
the form of all others: `KEY.webp` as it was, `KEY.mask.png` the probability of a person in 255ths (never below
the photograph's own mask), `KEY.seg.png` the VOC class where the teacher is sure of one, 255 elsewhere. No
photograph that validates is labelled.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from training import segment_peers
from training.common import parse_config
from training.data import shards
from training.peers import PeerMissing

SURE = 0.7
"""Probability from which a class counts as known."""

VOID = 255
SHOWS = 0.002
"""Share of a picture called person from which it counts as showing one."""

Teacher = Callable[[np.ndarray], np.ndarray]
"""HxWx3 uint8 -> 21xHxW float32: probabilities of VOC's classes, background first."""


@dataclass(frozen=True)
class Options:
    """Labels the training scenes and street photographs."""

    out: Path
    data: Path = shards.DEFAULT_FOLDER
    peers: Path = segment_peers.FOLDER
    limit: int | None = None
    every: int = 1
    sheet: Path | None = None


class Labels(NamedTuple):
    """What the shard says of a picture."""

    person: np.ndarray
    """HxW uint8: probability in 255ths."""
    classes: np.ndarray
    """HxW uint8: VOC class, 255 where the teacher is not sure."""


def labels_of(probabilities: np.ndarray, own: np.ndarray | None) -> Labels:
    """Rounds 21xHxW probabilities; `own` is the photograph's own person mask (HxW uint8), if any."""
    person = np.rint(probabilities[segment_peers.VOC_PERSON] * 255).astype(np.uint8)
    if own is not None:
        person = np.maximum(person, own)
    classes = probabilities.argmax(0).astype(np.uint8)
    classes[probabilities.max(0) < SURE] = VOID
    return Labels(person, classes)


def unlabelled(options: Options) -> Iterator[tuple[str, shards.Members]]:
    """The photographs to label: `ccp`, then training scenes, each `every`-th of them."""
    found = (
        (key, members)
        for path in shards.shards(options.data, "scenes-0*.tar", "people-*.tar")
        for key, members in shards.read_shard(path)
        if path.name.startswith("scenes") or shards.source(key) == "ccp"
    )
    for number, sample in enumerate(found):
        if number % options.every == 0:
            yield sample


def write_shard(
    samples: Iterable[tuple[str, shards.Members]], teacher: Teacher, out: Path, limit: int | None
) -> list[tuple[shards.Picture, Labels]]:
    """Labels photographs into a shard, atomically; returns the first 400 with their labels, to be looked at."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_suffix(".part")
    kept: list[tuple[shards.Picture, Labels]] = []
    with tarfile.open(draft, "w") as tar:
        for number, (key, members) in enumerate(samples):
            if limit is not None and number >= limit:
                break
            picture = shards.decode(key, members)
            labels = labels_of(teacher(picture.rgb), picture.mask)
            _add(tar, f"{key}.webp", members["webp"])
            _add(tar, f"{key}.mask.png", _png(labels.person))
            _add(tar, f"{key}.seg.png", _png(labels.classes))
            if len(kept) < 400:
                kept.append((picture, labels))
    draft.replace(out)
    return kept


def report(kept: list[tuple[shards.Picture, Labels]]) -> str:
    """How many pictures of each source the teacher sees people in."""
    lines = []
    for name in sorted({shards.source(picture.key) for picture, _ in kept}):
        shares = [
            (labels.person > 127).mean() for picture, labels in kept if shards.source(picture.key) == name
        ]
        void = np.mean(
            [(labels.classes == VOID).mean() for p, labels in kept if shards.source(p.key) == name]
        )
        shown = sum(share > SHOWS for share in shares)
        lines.append(f"{name}: {len(shares)} pictures, {shown} with people, {void:.1%} of the pixels unsure")
    return "\n".join(lines)


def contact_sheet(
    kept: list[tuple[shards.Picture, Labels]], side: int = 144, across: int = 10
) -> Image.Image:
    """Pictures that show people first: person red, furniture-like classes green, unsure pixels dark."""
    order = sorted(kept, key=lambda pair: -float((pair[1].person > 127).mean()))
    tiles = [shards.square(_painted(picture.rgb, labels), side) for picture, labels in order]
    tiles += [np.zeros((side, side, 3), np.uint8)] * (-len(tiles) % across)
    rows = [np.hstack(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return Image.fromarray(np.vstack(rows))


def _painted(rgb: np.ndarray, labels: Labels) -> np.ndarray:
    painted = rgb * np.where(labels.classes == VOID, 0.4, 0.75)[..., None]
    painted[..., 0] += 0.4 * labels.person
    painted[..., 1] += 100.0 * np.isin(labels.classes, (9, 11, 16, 18, 20))
    return painted.clip(0, 255).astype(np.uint8)


def deeplab(folder: Path) -> Teacher:
    """DeepLabV3 with MobileNetV2, its 21 logits taken before the arg-max.

    Raises:
        PeerMissing: OpenVINO or the network's file is missing.
    """
    runtime = segment_peers.runtime("openvino")
    core = runtime.Core()
    model = core.read_model(segment_peers.there(folder / "seg_deeplabv3_ov.xml"))
    last = next(op for op in model.get_ordered_ops() if op.get_type_name() == "TopK")
    model.add_outputs([last.input_value(0)])
    compiled = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": 1})

    def probabilities(rgb: np.ndarray) -> np.ndarray:
        padded, size = segment_peers.deeplab_input(rgb)
        logits = compiled(padded)[1][0][:, : size[1], : size[0]]
        raised = np.exp(logits - logits.max(0))
        shares = (raised / raised.sum(0)).astype(np.float32)
        whole = rgb.shape[1], rgb.shape[0]
        return np.stack([cv2.resize(plane, whole, interpolation=cv2.INTER_LINEAR) for plane in shares])

    return probabilities


def _png(array: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(array).save(data, "PNG")
    return data.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def main(argv: list[str] | None = None) -> int:
    """0 when the shard is written, 2 when the teacher or the data is missing."""
    options = parse_config(Options, argv)
    try:
        kept = write_shard(unlabelled(options), deeplab(options.peers), options.out, options.limit)
    except (FileNotFoundError, PeerMissing) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report(kept))
    if options.sheet is not None:
        contact_sheet(kept).save(options.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
