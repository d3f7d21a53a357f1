"""Labels photographed panoramas by hand: `python -m training.label propose|show|draw --labels FOLDER PANORAMA ...`.

What `panorama.find` finds is the first draft (`propose`). `show` draws it over the picture with numbers and a grid;
whoever looks writes what is wrong with it into NAME.edits.json, and `draw` carries that out:

    [{"drop": [3, 7]}, {"kind": [5, "lamp"]}, {"polygon": [[800, 400], [850, 400], [820, 470]], "kind": "table"}]

Numbers are the parts of the draft, coordinates pixels of a panorama of 2048 columns (beyond the seam they go on), kinds
the names of `panorama.rooms.CLASSES`, "beyond" for what is seen through windows and doors, "unknown" for what must not
be learnt. A label is a PNG of class indices, 1024x512; texels along a polygon's outline are unknown.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.rooms import classes as rendered
from training.data.room_furniture import BEYOND
from vanisher_core.errors import UsageError

COLUMNS = 1024
"""Of a label; pictures are shown, and coordinates given, in twice as many."""
UNKNOWN = rendered.TRIPOD
KINDS = {name: index for index, name in enumerate(rendered.CLASSES)} | {"unknown": UNKNOWN, "beyond": BEYOND}
UNSURE = (0.2, 0.5)
"""Chances of lying beyond the walls between which nothing is said."""
OUTLINE = 3
"""Texels that a polygon's unknown outline is wide."""
TILES, OVERLAP, ROWS, SCALE = 4, 110, (110, 1010), 1.3
"""Pictures that a panorama is shown in, what they share, and which rows of the panorama they show, in pixels of 2048
columns; how much they are enlarged."""


def proposed(path: Path) -> NDArray[np.uint8]:
    """A panorama's classes as it is understood now, 512x1024; rooms without weights fail."""
    from panorama.files import Panorama
    from panorama.find import find_in_panorama
    from panorama.furniture import FURNITURE, RoomFurniture
    from panorama.views import reduced
    from vanisher_core.vanish import eight_bit

    panorama = Panorama.open(path)
    found = find_in_panorama(panorama, [FURNITURE], shadows=False)[FURNITURE].hole
    frame, picture = reduced(panorama.frame, eight_bit(panorama.photo.array), COLUMNS)
    room, size = RoomFurniture(frame, picture), (COLUMNS, COLUMNS // 2)
    pieces = [index for index in range(1, UNKNOWN)]
    kinds = np.stack([_sized(room.share((index,)), size) for index in pieces]).argmax(0) + 1
    beyond = _sized(room.beyond(), size)
    labels = np.where(beyond > UNSURE[1], BEYOND, np.where(beyond > UNSURE[0], UNKNOWN, 0))
    marks = cv2.resize(found.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
    return np.where(marks, kinds, labels).astype(np.uint8)


def _sized(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)


def parts(labels: NDArray[np.uint8], least: int = 40) -> tuple[NDArray[np.int32], list[tuple[int, int]]]:
    """Connected texels of one class, numbered from 1, and each part's number and class; small ones have none."""
    numbers, found = np.zeros(labels.shape, np.int32), []
    for kind in np.unique(labels[(labels > 0) & (labels != UNKNOWN)]).tolist():
        count, own, stats, _ = cv2.connectedComponentsWithStats((labels == kind).astype(np.uint8))
        for index in range(1, count):
            if stats[index, cv2.CC_STAT_AREA] >= least:
                found.append((len(found) + 1, kind))
                numbers[own == index] = len(found)
    return numbers, found


def drawn(draft: NDArray[np.uint8], edits: list[dict[str, Any]]) -> NDArray[np.uint8]:
    """A draft after edits, see the module's docstring.

    Raises:
        UsageError: an edit is none of the three, or names no part or kind.
    """
    labels, (numbers, known) = draft.copy(), parts(draft)
    names = {number for number, _ in known}
    for edit in edits:
        match edit:
            case {"drop": [*which]} if names.issuperset(which):
                labels[np.isin(numbers, which)] = 0
            case {"kind": [int(number), str(kind)]} if number in names and kind in KINDS:
                labels[numbers == number] = KINDS[kind]
            case {"polygon": [*corners], "kind": str(kind)} if len(corners) > 2 and kind in KINDS:
                _paint(labels, np.array(corners, np.float32), KINDS[kind])
            case _:
                choice = f"parts are 1 to {len(known)}, kinds {', '.join(KINDS)}"
                raise UsageError(f"{edit} is no edit of this draft; {choice}")
    return labels


def _paint(labels: NDArray[np.uint8], corners: NDArray[np.float32], kind: int) -> None:
    """Paints a polygon round the sphere; its outline is unknown where it changes anything."""
    before, wide = labels.copy(), labels.shape[1]
    for turn in (-wide, 0, wide):
        at = np.rint(corners / 2 - 0.25).astype(np.int32) + np.array([turn, 0])
        inside, rim = np.zeros_like(labels), np.zeros_like(labels)
        cv2.fillPoly(inside, [at], 1)
        cv2.polylines(rim, [at], True, 1, OUTLINE)
        labels[(inside > 0) & (rim == 0)] = kind
        labels[(rim > 0) & (before != kind)] = UNKNOWN


def sheets(picture: NDArray[np.uint8], labels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Pictures (RGB) to look at: for each of four parts of the panorama, as it is and with the labels."""
    wide = 2 * COLUMNS
    small = cv2.resize(picture, (wide, COLUMNS), interpolation=cv2.INTER_AREA)
    numbers, known = parts(labels)
    large = cv2.resize(labels, (wide, COLUMNS), interpolation=cv2.INTER_NEAREST)
    edges = cv2.morphologyEx(large, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    over = small.copy()
    for marks, tint in (
        (large == BEYOND, (0, 0, 100)),
        (large == UNKNOWN, (60, 60, 60)),
        ((large > 0) & (large < UNKNOWN), (100, 0, 0)),
    ):
        over[marks] = over[marks] // 2 + np.array(tint, np.uint8)
    over[edges] = (255, 255, 0)
    found = []
    for plane in (small, over):
        for tile in range(TILES):
            first = tile * wide // TILES - OVERLAP // 2
            columns = np.arange(first, first + wide // TILES + OVERLAP)
            part = np.take(plane, columns, 1, mode="wrap")
            found.append(_sheet(part, first, numbers if plane is over else None, known))
    return found


def _sheet(
    tile: NDArray[np.uint8], first: int, numbers: NDArray[np.int32] | None, known: list[tuple[int, int]]
) -> NDArray[np.uint8]:
    """One enlarged part with a grid, and the names of its labels."""
    top, bottom = ROWS
    shown = cv2.resize(tile[top:bottom], None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)

    def write(text: str, x: float, y: float, colour: tuple[int, int, int]) -> None:
        at = (round(x), round(y))
        cv2.putText(shown, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3)
        cv2.putText(shown, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1)

    for x in range(-(-first // 50) * 50, first + tile.shape[1], 50):
        at = round((x - first) * SCALE)
        shown[:, at] = shown[:, at] // 4 * 3 + 40
        write(str(x), at + 2, 12 if x % 100 == 0 else 26, (0, 255, 255))
    for y in range(-(-top // 50) * 50, bottom, 50):
        at = round((y - top) * SCALE)
        shown[at] = shown[at] // 4 * 3 + 40
        write(str(y), 2, at - 2, (0, 255, 255))
    if numbers is not None:
        names = {index: name for name, index in KINDS.items() if name != "tripod"}
        columns = np.arange(first, first + tile.shape[1]) % (2 * COLUMNS) // 2
        here = numbers[top // 2 : bottom // 2][:, columns]
        for number, kind in known:
            ys, xs = np.nonzero(here == number)
            if len(ys) > 20:
                middle = int(np.argmin(np.hypot(ys - ys.mean(), xs - xs.mean())))
                write(f"{number} {names[kind]}", xs[middle] * SCALE, 2 * ys[middle] * SCALE, (255, 255, 255))
    return shown


def main(argv: list[str] | None = None) -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("propose", "show", "draw"))
    parser.add_argument("panoramas", nargs="+", type=Path)
    parser.add_argument("--labels", type=Path, required=True, help="folder of drafts, edits and labels")
    parser.add_argument(
        "--out", type=Path, help="folder for pictures to look at (default: that of the labels)"
    )
    chosen = parser.parse_args(argv)
    chosen.labels.mkdir(parents=True, exist_ok=True)
    for path in chosen.panoramas:
        draft, final = (chosen.labels / f"{path.stem}{end}" for end in (".draft.png", ".png"))
        edits = chosen.labels / f"{path.stem}.edits.json"
        if chosen.what == "propose":
            cv2.imwrite(str(draft), proposed(path))
            continue
        labels = cv2.imread(str(draft), cv2.IMREAD_GRAYSCALE)
        if labels is None:
            raise UsageError(f"there is no draft {draft}: propose one first")
        if chosen.what == "draw":
            labels = drawn(labels, json.loads(edits.read_text()))
            cv2.imwrite(str(final), labels)
        picture = cv2.cvtColor(_read(path), cv2.COLOR_BGR2RGB)
        for index, sheet in enumerate(sheets(picture, labels)):
            name = f"{path.stem}-{index % TILES + 1}{'-labels' if index >= TILES else ''}.png"
            cv2.imwrite(str((chosen.out or chosen.labels) / name), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def _read(path: Path) -> NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise UsageError(f"{path} is no picture that can be read")
    return np.asarray(picture, np.uint8)


if __name__ == "__main__":
    main(sys.argv[1:])
