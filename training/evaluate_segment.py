"""Figures of the person segmenter beside those of others: `python -m training.evaluate segment`.

All methods see the same validation photographs at their own resolution (sources that never trained). Pooled
over all pixels: intersection over union and pixel accuracy (only because the 2018 report quotes it: it
flatters). Per object: recall of small people, connected areas under 1 % of the picture of which at least
half was found. Boundary F-score (Martin et al. 2004; Perazzi et al., DAVIS, CVPR 2016, section 4.1):
outline pixels within 0.8 % of the diagonal of the other outline. Intervals: 95 %, bootstrap over
photographs.

`--plates FOLDER` writes the photographs where the product is worst: truth green, found red, both yellow.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors import safe_open

from training import segment_peers
from training.common import parse_config
from training.data import shards
from training.peers import PeerMissing
from vanisher_core.models.build import BUILDERS
from vanisher_core.segment import Segmenter, level_size, resized, short_side

SMALL = 0.01
"""Share of the picture under which a person is small."""

SPECK = 16
"""Labelled areas of fewer pixels are crumbs of the labelling and no objects."""

TOLERANCE = 0.008
"""Of the diagonal: how far outlines may lie apart and still match."""

RESAMPLES = 1000
PLATES = 24
PRODUCT = "Vanisher"


@dataclass(frozen=True)
class Options:
    """Options of the segmentation figures."""

    data: Path = shards.DEFAULT_FOLDER
    peers: Path = segment_peers.FOLDER
    weights: Path | None = None
    limit: int | None = None
    threads: int = 2
    device: str = "cpu"
    csv: Path | None = None
    plates: Path | None = None
    with_peers: bool = True


@dataclass(frozen=True)
class Counts:
    """What one photograph adds to the pooled figures."""

    key: str
    both: int
    either: int
    right: int
    pixels: int
    small_found: int
    small_all: int
    outline_found: tuple[int, int]
    """Found outline pixels near the true outline, and all found ones."""
    outline_true: tuple[int, int]
    """True outline pixels near the found outline, and all true ones."""
    seconds: float


@dataclass
class Figures:
    """One method's row of the table."""

    name: str
    counts: list[Counts] = field(default_factory=list)
    note: str = ""

    def iou(self, chosen: np.ndarray | slice = slice(None)) -> float:
        """Pooled intersection over union of all photographs, or of a resample."""
        pairs = np.array([(c.both, c.either) for c in self.counts], np.float64)[chosen].sum(0)
        return float(pairs[0] / max(pairs[1], 1))

    def interval(self) -> tuple[float, float]:
        """95 % bootstrap interval of the pooled IoU."""
        draws = np.random.default_rng(0).integers(len(self.counts), size=(RESAMPLES, len(self.counts)))
        low, high = np.percentile([self.iou(draw) for draw in draws], [2.5, 97.5])
        return float(low), float(high)

    def row(self) -> dict[str, float | str]:
        """The figures by column name; only name and note when the method did not run."""
        if not self.counts:
            return {"method": self.name, "note": self.note}
        low, high = self.interval()
        precision = _ratio([c.outline_found for c in self.counts])
        recall = _ratio([c.outline_true for c in self.counts])
        return {
            "method": self.name,
            "iou": self.iou(),
            "iou_low": low,
            "iou_high": high,
            "accuracy": _ratio([(c.right, c.pixels) for c in self.counts]),
            "small_recall": _ratio([(c.small_found, c.small_all) for c in self.counts]),
            "boundary_f": 2 * precision * recall / max(precision + recall, 1e-9),
            "seconds": float(np.median([c.seconds for c in self.counts])),
            "note": self.note,
        }


def measure(key: str, found: np.ndarray, truth: np.ndarray, seconds: float) -> Counts:
    """Compares two HxW bool masks of one photograph."""
    small_found = small_all = 0
    number, labels, stats, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=8)
    for index in range(1, number):
        area = int(stats[index, cv2.CC_STAT_AREA])
        if SPECK <= area < SMALL * truth.size:
            small_all += 1
            small_found += int(2 * (found & (labels == index)).sum() >= area)
    outline, true_outline = _outline(found), _outline(truth)
    reach = TOLERANCE * float(np.hypot(*truth.shape))
    return Counts(
        key,
        int((found & truth).sum()),
        int((found | truth).sum()),
        int((found == truth).sum()),
        truth.size,
        small_found,
        small_all,
        (int((outline & _near(true_outline, reach)).sum()), int(outline.sum())),
        (int((true_outline & _near(outline, reach)).sum()), int(true_outline.sum())),
        seconds,
    )


def _outline(mask: np.ndarray) -> np.ndarray:
    """Pixels of the mask that touch its outside; the picture's border is no outline."""
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1)
    return mask & (inside == 0)


def _near(outline: np.ndarray, reach: float) -> np.ndarray:
    """Pixels within `reach` of an outline."""
    if not outline.any():
        return np.zeros_like(outline)
    return cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5) <= reach


def _ratio(pairs: Sequence[tuple[int, int]]) -> float:
    part, whole = np.array(pairs, np.float64).reshape(-1, 2).sum(0)
    return float(part / max(whole, 1))


def photographs(options: Options) -> list[shards.Picture]:
    """The validation photographs with their masks."""
    found = shards.pictures(
        shards.shards(options.data, "people-*.tar"), lambda key: shards.validates("people", key)
    )
    return list(islice(found, options.limit))


def run(name: str, find: segment_peers.Finder, pictures: Sequence[shards.Picture]) -> Figures:
    """One method on all photographs."""
    figures = Figures(name)
    for picture in pictures:
        started = time.perf_counter()
        found = find(picture.rgb)
        seconds = time.perf_counter() - started
        figures.counts.append(measure(picture.key, found, person(picture), seconds))
    return figures


def person(picture: shards.Picture) -> np.ndarray:
    """HxW bool: the labelled people."""
    return np.zeros(picture.rgb.shape[:2], bool) if picture.mask is None else picture.mask > 127


def product(options: Options) -> tuple[Segmenter, torch.nn.Module]:
    """The segmenter with the shipped weights, or those of a file, and its network."""
    if options.weights is None:
        segmenter = Segmenter(options.device)
        return segmenter, segmenter.network("person")[0]
    with safe_open(options.weights, framework="pt") as file:
        header = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    net = BUILDERS[header["architecture"]](**json.loads(header["config"]))
    net.load_state_dict(tensors, strict=True)
    net = net.to(options.device).eval()
    return Segmenter(options.device, {"person": (net, 0)}), net


def methods(options: Options) -> dict[str, Callable[[], segment_peers.Finder]]:
    """Name -> what makes its finder; making one may raise `PeerMissing`."""
    segmenter, net = product(options)

    @torch.inference_mode()
    def network_alone(rgb: np.ndarray) -> np.ndarray:
        height, width = rgb.shape[:2]
        small = torch.from_numpy(resized(rgb, level_size(rgb, short_side(net)))).to(options.device)
        logits = net(small.permute(2, 0, 1)[None].float() / 255)
        return (
            (torch.nn.functional.interpolate(logits, size=(height, width), mode="bilinear") > 0)[0, 0]
            .cpu()
            .numpy()
        )

    table: dict[str, Callable[[], segment_peers.Finder]] = {
        PRODUCT: lambda: lambda rgb: segmenter.probabilities(rgb, ["person"])["person"] > 0.5,
        "Vanisher, one pass of the network": lambda: network_alone,
        "nobody anywhere": lambda: lambda rgb: np.zeros(rgb.shape[:2], bool),
    }
    if options.with_peers:
        table |= {name: (lambda make=make: make(options.peers)) for name, make in segment_peers.PEERS.items()}
    return table


def evaluate(options: Options, pictures: Sequence[shards.Picture]) -> list[Figures]:
    """Runs every method; one that is not there becomes a row with a note."""
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    results = []
    for name, make in methods(options).items():
        try:
            results.append(run(name, make(), pictures))
        except PeerMissing as missing:
            results.append(Figures(name, note=str(missing)))
    return results


def table(results: Sequence[Figures]) -> str:
    """Markdown."""
    lines = [
        "| method | person IoU (95 %) | pixel accuracy | recall < 1 % | boundary F | s a photograph |",
        "|---|---|---|---|---|---|",
    ]
    for row in (figures.row() for figures in results):
        if "iou" not in row:
            lines.append(f"| {row['method']} | not run: {row['note']} | | | | |")
            continue
        lines.append(
            "| {method} | {iou:.3f} [{iou_low:.3f}, {iou_high:.3f}] | {accuracy:.4f} | {small_recall:.3f} |"
            " {boundary_f:.3f} | {seconds:.3f} |".format(**row)
        )
    return "\n".join(lines)


def write_csv(results: Sequence[Figures], path: Path) -> None:
    """The table with all digits."""
    rows = [figures.row() for figures in results]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def write_plates(
    figures: Figures, find: segment_peers.Finder, pictures: Sequence[shards.Picture], folder: Path
) -> None:
    """Overlays of the photographs with the largest share of wrong pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    worst = sorted(figures.counts, key=lambda c: c.right / c.pixels)[:PLATES]
    ranks = {c.key: rank for rank, c in enumerate(worst)}
    for picture in pictures:
        if picture.key in ranks:
            plate = overlay(picture.rgb, find(picture.rgb), person(picture))
            Image.fromarray(plate).save(folder / f"{ranks[picture.key]:02d}-{picture.key}.png")


def overlay(rgb: np.ndarray, found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The photograph beside itself with what was found (red) and the truth (green), HxWx3 -> Hx2Wx3."""
    painted = rgb.astype(np.float32) * 0.6
    painted[..., 0] += 100 * found
    painted[..., 1] += 100 * truth
    return np.hstack([rgb, painted.clip(0, 255).astype(np.uint8)])


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0 when it could be measured."""
    options = parse_config(Options, argv)
    pictures = photographs(options)
    split = shards.fingerprint(picture.key for picture in pictures)
    print(f"{len(pictures)} validation photographs, split {split}, {options.threads} threads\n")
    results = evaluate(options, pictures)
    print(table(results))
    if options.csv is not None:
        write_csv(results, options.csv)
    if options.plates is not None:
        write_plates(results[0], methods(options)[PRODUCT](), pictures, options.plates)
        print(f"\nworst cases: {options.plates}")
    return 0
