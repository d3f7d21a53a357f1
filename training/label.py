"""Labels rooms by eye: `python -m training.label propose|show|draw --labels FOLDER PICTURE ...`.

Pictures are panoramas, or photographs (`--photographs`). What is found in one now is the first draft (`propose`:
FOLDER/NAME.draft.png). `show` draws it over the picture with numbers and a grid; whoever looks writes what is wrong
with it into FOLDER/NAME.edits.json, and `draw` carries that out (FOLDER/NAME.png, and sheets that end in `-drawn`):

    [{"drop": [3, 7]}, {"kind": [5, "lamp"]}, {"polygon": [[800, 400], [850, 400], [820, 470]], "kind": "table"}]

Numbers are the parts of the draft, coordinates pixels of a panorama of 2048 columns (they go on beyond the seam, and
may overlap round a pole) or of a photograph three times as large (as its sheet shows it), kinds the names of
`panorama.rooms.CLASSES`, "beyond" for what is seen through windows and doors, "unknown" for what must not be learnt. A
label is a PNG of class indices, 1024x512 for a panorama, as large as the picture for a photograph; texels along a
polygon's outline, and parts of the draft too small to be numbered, are unknown. Those learnt from, and those held out,
lie in `training/data/panorama_labels` and `photograph_labels`, each under the name of its picture in the shards; the
drafts of most were painted over as a whole.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.labelled import COLUMNS
from training.data.labels import is_furniture, read_labels
from training.data.room_furniture import BEYOND, UNKNOWN
from training.label_edits import KINDS, PANORAMA, PHOTOGRAPH, Canvas, drawn, parts
from vanisher_core.errors import UsageError, VanisherError

UNSURE = (0.2, 0.5)
"""Chances of lying beyond the walls between which nothing is said."""
NAMELESS = 0.25
"""Chance of the likeliest class from which on a photograph's furniture is called by it."""
TILES, OVERLAP, ROWS, ENLARGED = 4, 110, (110, 1010), 1.3
"""Pictures that a panorama is shown in, what they share, and which rows of the panorama they show, in pixels of 2048
columns; how much they are enlarged."""
GRID = 50
"""Pixels between the lines of the grid."""


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


def proposed_in_photograph(path: Path) -> NDArray[np.uint8]:
    """What the furniture segmenter finds in a photograph, as a label; what it has no word for is a cabinet.

    Raises:
        OSError: the file can't be read.
        VanisherError: weights are missing.
    """
    from training.data.interiors import CLASSES
    from vanisher_core.segment import Segmenter

    found = Segmenter("auto").probabilities(_picture(path), CLASSES)
    chances = np.stack([found[name] for name in CLASSES[1:]])
    named = np.array([KINDS[name] for name in CLASSES[1:]])[chances.argmax(0)]
    kinds = np.where(chances.max(0) < NAMELESS, KINDS["cabinet"], named)
    return np.where(found[CLASSES[0]] > 0.5, kinds, 0).astype(np.uint8)


def tinted(picture: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A picture with labels of any size over it: furniture red, beyond blue, unknown grey, outlines yellow."""
    large = cv2.resize(labels, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    over = picture.copy()
    for marks, tint in (
        (large == BEYOND, (0, 0, 100)),
        (large == UNKNOWN, (60, 60, 60)),
        (is_furniture(large), (100, 0, 0)),
    ):
        over[marks] = over[marks] // 2 + np.array(tint, np.uint8)
    over[cv2.morphologyEx(large, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0] = (255, 255, 0)
    return over


def sheets(
    picture: NDArray[np.uint8], labels: NDArray[np.uint8], *, numbered: bool
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pictures (RGB) to look at: four parts of the panorama as it is, and the same with the labels."""
    wide = 2 * COLUMNS
    small = cv2.resize(picture, (wide, COLUMNS), interpolation=cv2.INTER_AREA)
    over = tinted(small, labels)
    numbers, words = _words(labels, PANORAMA, numbered=numbered)
    top, bottom = ROWS
    clean, marked = [], []
    for tile in range(TILES):
        first = tile * wide // TILES - OVERLAP // 2
        columns = np.arange(first, first + wide // TILES + OVERLAP)
        here = numbers[top // 2 : bottom // 2][:, columns % wide // 2]
        for plane, into, said in ((small, clean, {}), (over, marked, words)):
            shown = np.take(plane, columns, 1, mode="wrap")[top:bottom]
            large = cv2.resize(shown, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
            into.append(_lettered(large, (first, top), ENLARGED, here, said))
    return clean, marked


def sheet(picture: NDArray[np.uint8], labels: NDArray[np.uint8], *, numbered: bool) -> NDArray[np.uint8]:
    """One picture (RGB) to look at: a photograph three times as large, and beside it the same with the labels."""
    numbers, words = _words(labels, PHOTOGRAPH, numbered=numbered)
    scale = PHOTOGRAPH.scale
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    halves = (large.copy(), {}), (tinted(large, labels), words)
    return np.hstack([_lettered(half, (0, 0), 1.0, numbers, said) for half, said in halves])


def _words(
    labels: NDArray[np.uint8], canvas: Canvas, *, numbered: bool
) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Each part's number, and what is written on it."""
    names = {index: name for name, index in KINDS.items()}
    numbers, kinds = parts(labels, canvas)
    return numbers, {number: f"{number} " * numbered + names[kind] for number, kind in enumerate(kinds, 1)}


def _lettered(
    shown: np.ndarray,
    first: tuple[int, int],
    enlarged: float,
    numbers: NDArray[np.int32],
    words: dict[int, str],
) -> np.ndarray:
    """A picture with a grid that counts from `first`, and a word for each number that covers it."""
    high, wide = shown.shape[:2]

    def write(text: str, x: float, y: float, colour: tuple[int, int, int]) -> None:
        for shade, thick in ((0, 0, 0), 3), (colour, 1):
            cv2.putText(shown, text, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, shade, thick)

    left, top = (-(-start // GRID) * GRID for start in first)
    for x in range(left, first[0] + round(wide / enlarged), GRID):
        at = round((x - first[0]) * enlarged)
        shown[:, at] = shown[:, at] // 4 * 3 + 40
        write(str(x), at + 2, 12 if x % (2 * GRID) == 0 else 26, (0, 255, 255))
    for y in range(top, first[1] + round(high / enlarged), GRID):
        at = round((y - first[1]) * enlarged)
        shown[at] = shown[at] // 4 * 3 + 40
        write(str(y), 2, at - 2, (0, 255, 255))
    across, down = wide / numbers.shape[1], high / numbers.shape[0]
    for number, word in words.items():
        ys, xs = np.nonzero(numbers == number)
        if len(ys):
            middle = int(np.argmin(np.hypot(ys - ys.mean(), xs - xs.mean())))
            write(word, xs[middle] * across, ys[middle] * down, (255, 255, 255))
    return shown


def _picture(path: Path) -> NDArray[np.uint8]:
    """HxWx3 uint8; raises OSError."""
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


def _label(path: Path, what: str, labels: Path, out: Path, canvas: Canvas) -> None:
    """Carries out one of the three for one picture.

    Raises:
        VanisherError: what is needed is missing or not as it must be.
        OSError: a file can't be read or written.
    """
    draft, edits = labels / f"{path.stem}.draft.png", labels / f"{path.stem}.edits.json"
    panorama = canvas is PANORAMA
    if what == "propose":
        Image.fromarray(proposed(path) if panorama else proposed_in_photograph(path)).save(draft)
        return
    if not draft.exists():
        raise UsageError(f"there is no draft {draft}: propose one first")
    picture = _picture(path)
    found = read_labels(draft, (COLUMNS // 2, COLUMNS) if panorama else picture.shape[:2])
    if what == "draw":
        try:
            found = drawn(found, json.loads(edits.read_text()), canvas)
        except (ValueError, UsageError) as error:
            raise UsageError(f"{edits}: {error}") from None
        Image.fromarray(found).save(labels / f"{path.stem}.png")
    show, end = what == "show", "-labels" if what == "show" else "-drawn"
    clean, marked = (
        sheets(picture, found, numbered=show) if panorama else ([], [sheet(picture, found, numbered=show)])
    )
    for kind, tiles in (("", clean), (end, marked)):
        for index, tile in enumerate(tiles, 1):
            Image.fromarray(tile).save(out / f"{path.stem}-{index}{kind}.png")


def main(argv: list[str] | None = None) -> int:
    """0 when all is done, 2 when something needed is missing or wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("propose", "show", "draw"))
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--photographs", action="store_true", help="the pictures are no panoramas")
    parser.add_argument("--labels", type=Path, required=True, help="folder of drafts, edits and labels")
    parser.add_argument(
        "--out", type=Path, help="folder for pictures to look at (default: that of the labels)"
    )
    chosen = parser.parse_args(argv)
    try:
        for folder in (chosen.labels, chosen.out or chosen.labels):
            folder.mkdir(parents=True, exist_ok=True)
        for path in chosen.pictures:
            canvas = PHOTOGRAPH if chosen.photographs else PANORAMA
            _label(path, chosen.what, chosen.labels, chosen.out or chosen.labels, canvas)
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
