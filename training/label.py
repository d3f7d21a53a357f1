"""Labels panoramas by eye: `python -m training.label propose|show|draw --labels FOLDER PANORAMA ...`.

What `panorama.find` finds is the first draft (`propose`: FOLDER/NAME.draft.png). `show` draws it over the picture with
numbers and a grid; whoever looks writes what is wrong with it into FOLDER/NAME.edits.json, and `draw` carries that out
(FOLDER/NAME.png, and sheets that end in `-drawn`):

    [{"drop": [3, 7]}, {"kind": [5, "lamp"]}, {"polygon": [[800, 400], [850, 400], [820, 470]], "kind": "table"}]

Numbers are the parts of the draft, coordinates pixels of a panorama of 2048 columns (they go on beyond the seam, and
may overlap round a pole), kinds the names of `panorama.rooms.CLASSES`, "beyond" for what is seen through windows and
doors, "unknown" for what must not be learnt. A label is a PNG of class indices, 1024x512; texels along a polygon's
outline, and parts of the draft too small to be numbered, are unknown. Those that are learnt from lie in
`training/data/panorama_labels`, each under the name of its panorama in the shards; the drafts of most were painted
over as a whole.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from panorama.rooms import classes as rendered
from training.data.labelled import COLUMNS, read_labels
from training.data.room_furniture import BEYOND, UNKNOWN
from vanisher_core.errors import UsageError, VanisherError

KINDS = {name: index for index, name in enumerate(rendered.CLASSES) if index != rendered.TRIPOD} | {
    "unknown": UNKNOWN,
    "beyond": BEYOND,
}
"""Names of what can be labelled, and their indices."""
UNSURE = (0.2, 0.5)
"""Chances of lying beyond the walls between which nothing is said."""
OUTLINE = 3
"""Texels that a polygon's unknown outline is wide."""
LEAST = 40
"""Texels of the smallest part that gets a number."""
TILES, OVERLAP, ROWS, SCALE = 4, 110, (110, 1010), 1.3
"""Pictures that a panorama is shown in, what they share, and which rows of the panorama they show, in pixels of 2048
columns; how much they are enlarged."""


def proposed(path: Path) -> NDArray[np.uint8]:
    """What is found in a panorama of the whole sphere now, as a label.

    Raises:
        VanisherError: the file can't be read, is no panorama of the whole sphere, or weights are missing.
    """
    from panorama.files import Panorama
    from panorama.find import find_in_panorama
    from panorama.furniture import FURNITURE, RoomFurniture
    from panorama.light import sees_all
    from panorama.views import reduced
    from vanisher_core.vanish import eight_bit

    panorama, size = Panorama.open(path), (COLUMNS, COLUMNS // 2)
    if not sees_all(panorama.frame):
        raise UsageError(f"{path} is cropped; only panoramas of the whole sphere can be labelled")
    found = find_in_panorama(panorama, [FURNITURE], shadows=False)[FURNITURE].hole
    frame, picture = reduced(panorama.frame, eight_bit(panorama.photo.array), COLUMNS)
    room = RoomFurniture(frame, picture)

    def sized(plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA)

    kinds = np.stack([sized(room.share((index,))) for index in range(1, UNKNOWN)]).argmax(0) + 1
    beyond = sized(room.beyond())
    labels = np.where(beyond > UNSURE[1], BEYOND, np.where(beyond > UNSURE[0], UNKNOWN, 0))
    return np.where(sized(found) > 0.5, kinds, labels).astype(np.uint8)


def parts(labels: NDArray[np.uint8]) -> tuple[NDArray[np.int32], list[int]]:
    """Connected texels of one class, numbered from 1 (0: too small, or none), and the class of each number."""
    numbers, kinds = np.zeros(labels.shape, np.int32), []
    for kind in np.unique(labels[(labels > 0) & (labels != UNKNOWN)]).tolist():
        count, own, stats, _ = cv2.connectedComponentsWithStats((labels == kind).astype(np.uint8))
        for index in range(1, count):
            if stats[index, cv2.CC_STAT_AREA] >= LEAST:
                kinds.append(kind)
                numbers[own == index] = len(kinds)
    return numbers, kinds


def drawn(draft: NDArray[np.uint8], edits: object) -> NDArray[np.uint8]:
    """A draft after edits, see the module's docstring.

    Raises:
        UsageError: the edits are no list, or one is none of the three, or names no part or kind.
    """
    if not isinstance(edits, list):
        raise UsageError("edits are a list: [] leaves the draft as it is")
    labels, (numbers, kinds) = draft.copy(), parts(draft)
    labels[(numbers == 0) & (labels > 0)] = UNKNOWN
    for edit in edits:
        match edit:
            case {"drop": [*which], **others} if not others and all(_is_part(one, kinds) for one in which):
                labels[np.isin(numbers, which)] = 0
            case {"kind": [number, str(kind)], **others} if (
                not others and _is_part(number, kinds) and kind in KINDS
            ):
                labels[numbers == number] = KINDS[kind]
            case {"polygon": [*corners], "kind": str(kind), **others} if not others and kind in KINDS:
                _paint(labels, _corners(corners), KINDS[kind])
            case _:
                choice = f"parts are 1 to {len(kinds)}, kinds {', '.join(KINDS)}"
                raise UsageError(f"{edit} is no edit of this draft; {choice}")
    return labels


def _is_part(number: object, kinds: list[int]) -> bool:
    return isinstance(number, int) and 0 < number <= len(kinds)


def _corners(corners: list[Any]) -> np.ndarray:
    """Nx2 pixels of the label.

    Raises:
        UsageError: they are no three points or more, or far outside the picture.
    """
    far = 8 * COLUMNS
    pairs = [one for one in corners if isinstance(one, list) and len(one) == 2]
    numbers = [
        n for pair in pairs for n in pair if isinstance(n, int | float) and math.isfinite(n) and abs(n) <= far
    ]
    if len(corners) < 3 or len(numbers) != 2 * len(corners):
        raise UsageError(
            f"{corners} is no polygon: give three or more [x, y] in pixels, none farther off than {far}"
        )
    return np.array(numbers, np.float32).reshape(-1, 2) / 2 - 0.25


def _paint(labels: NDArray[np.uint8], corners: np.ndarray, kind: int) -> None:
    """Paints a polygon round the sphere; its outline is unknown where it changes anything."""
    wide, masks = labels.shape[1], []
    for turn in (-wide, 0, wide):
        at = np.rint(corners).astype(np.int32) + np.array([turn, 0])
        inside, rim = np.zeros_like(labels), np.zeros_like(labels)
        cv2.fillPoly(inside, [at], 1)
        cv2.polylines(rim, [at], True, 1, OUTLINE)
        masks.append((inside > rim, rim > 0))
    for _, rim in masks:
        labels[rim & (labels != kind)] = UNKNOWN
    for inside, _ in masks:  # last: what goes round the sphere and overlaps itself has no outline there
        labels[inside] = kind


def sheets(
    picture: NDArray[np.uint8], labels: NDArray[np.uint8], *, numbered: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pictures (RGB) to look at: four parts of the panorama as it is, and the same with the labels."""
    wide = 2 * COLUMNS
    small = cv2.resize(picture, (wide, COLUMNS), interpolation=cv2.INTER_AREA)
    large = cv2.resize(labels, (wide, COLUMNS), interpolation=cv2.INTER_NEAREST_EXACT)
    over = small.copy()
    for marks, tint in (
        (large == BEYOND, (0, 0, 100)),
        (large == UNKNOWN, (60, 60, 60)),
        ((large > 0) & (large < UNKNOWN), (100, 0, 0)),
    ):
        over[marks] = over[marks] // 2 + np.array(tint, np.uint8)
    over[cv2.morphologyEx(large, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0] = (255, 255, 0)
    names = {index: name for name, index in KINDS.items()}
    numbers, kinds = parts(labels)
    words = {number: f"{number} " * numbered + names[kind] for number, kind in enumerate(kinds, 1)}
    clean, marked = [], []
    for tile in range(TILES):
        first = tile * wide // TILES - OVERLAP // 2
        columns = np.arange(first, first + wide // TILES + OVERLAP)
        for plane, into, said in ((small, clean, {}), (over, marked, words)):
            into.append(_sheet(np.take(plane, columns, 1, mode="wrap"), first, numbers, said))
    return clean, marked


def _sheet(tile: np.ndarray, first: int, numbers: NDArray[np.int32], words: dict[int, str]) -> np.ndarray:
    """One enlarged part with a grid, and a word for each number."""
    top, bottom = ROWS
    shown = cv2.resize(tile[top:bottom], None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)

    def write(text: str, x: float, y: float, colour: tuple[int, int, int]) -> None:
        for shade, thick in ((0, 0, 0), 3), (colour, 1):
            cv2.putText(shown, text, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, shade, thick)

    for x in range(-(-first // 50) * 50, first + tile.shape[1], 50):
        at = round((x - first) * SCALE)
        shown[:, at] = shown[:, at] // 4 * 3 + 40
        write(str(x), at + 2, 12 if x % 100 == 0 else 26, (0, 255, 255))
    for y in range(-(-top // 50) * 50, bottom, 50):
        at = round((y - top) * SCALE)
        shown[at] = shown[at] // 4 * 3 + 40
        write(str(y), 2, at - 2, (0, 255, 255))
    columns = np.arange(first, first + tile.shape[1]) % (2 * COLUMNS) // 2
    here = numbers[top // 2 : bottom // 2][:, columns]
    for number, word in words.items():
        ys, xs = np.nonzero(here == number)
        if len(ys):
            middle = int(np.argmin(np.hypot(ys - ys.mean(), xs - xs.mean())))
            write(word, xs[middle] * SCALE, 2 * ys[middle] * SCALE, (255, 255, 255))
    return shown


def _label(path: Path, what: str, labels: Path, out: Path) -> None:
    """Carries out one of the three for one panorama.

    Raises:
        VanisherError: what is needed is missing or not as it must be.
        OSError: a file can't be read or written.
    """
    draft, edits = labels / f"{path.stem}.draft.png", labels / f"{path.stem}.edits.json"
    if what == "propose":
        Image.fromarray(proposed(path)).save(draft)
        return
    if not draft.exists():
        raise UsageError(f"there is no draft {draft}: propose one first")
    found = read_labels(draft)
    if what == "draw":
        try:
            found = drawn(found, json.loads(edits.read_text()))
        except (ValueError, UsageError) as error:
            raise UsageError(f"{edits}: {error}") from None
        Image.fromarray(found).save(labels / f"{path.stem}.png")
    picture = np.asarray(Image.open(path).convert("RGB"))
    clean, marked = sheets(picture, found, numbered=what == "show")
    for end, tiles in (("", clean), ("-labels" if what == "show" else "-drawn", marked)):
        for index, tile in enumerate(tiles, 1):
            Image.fromarray(tile).save(out / f"{path.stem}-{index}{end}.png")


def main(argv: list[str] | None = None) -> int:
    """0 when all is done, 2 when something needed is missing or wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("propose", "show", "draw"))
    parser.add_argument("panoramas", nargs="+", type=Path)
    parser.add_argument("--labels", type=Path, required=True, help="folder of drafts, edits and labels")
    parser.add_argument(
        "--out", type=Path, help="folder for pictures to look at (default: that of the labels)"
    )
    chosen = parser.parse_args(argv)
    try:
        for folder in (chosen.labels, chosen.out or chosen.labels):
            folder.mkdir(parents=True, exist_ok=True)
        for path in chosen.panoramas:
            _label(path, chosen.what, chosen.labels, chosen.out or chosen.labels)
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
