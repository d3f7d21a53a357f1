"""Panorama figures on rendered rooms: `python -m training.evaluate panorama`.

The product (`erase_panorama`) empties rooms that nothing was trained on, beside (a) OpenCV Telea and PyPatchMatch on
the flat equirectangular picture, (b) the product's fill on the flat picture and (c) on plain, unturned cube faces.
All get the same hole: every furniture, rug, picture and tripod pixel of the renderer's class mask, grown once as the
product does. Curtains, lamps on the ceiling and doors belong to the room. The product runs as it is, changing nothing
outside the hole, and with `relight`, when only what lies beyond its reach must stay; figures are taken inside the hole
for all. `training.panorama_rooms` says what the truth is and where figures are taken. Rooms come from `--cache`;
missing ones are rendered there (a minute each).

Then one room is rolled three times, and with `--speed` the time and memory bars are measured. `--out DIR` keeps
`panorama.md`, `panorama.csv` (every room and method; column `size` names the truth) and `panorama-seam.csv`;
`--plates DIR` gets the product's worst rooms as strips: furnished, hole, product, best of (a), empty.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from panorama import light
from panorama.baselines import on_cube_faces, on_flat_picture, on_sphere
from panorama.objects import grown_objects
from training.evaluate_inpaint import Row
from training.inpaint_plates import MAGENTA
from training.methods import set_threads, title
from training.metrics import Lpips, measure
from training.pages import Bar, Page, all_met
from training.panorama_bars import OURS, RELIT, Rolled, Seam, bars, roll_bars, rolled, seam, seam_lines
from training.panorama_rooms import Picture, RoomCase, relit, rooms, unfolded
from training.panorama_speed import speed_page
from training.peers import Fill, installed, peer
from training.report import by_method, method_table
from vanisher_core import Vanisher
from vanisher_core.errors import VanisherError

FLAT, FACES = "Vanisher on the flat picture (b)", "Vanisher on cube faces (c)"
RIVALS = {f"{title(name)} on the flat picture (a)": name for name in ("telea", "patchmatch")}
TRUTHS = {
    "empty": "against the empty render (fills pasted into it)",
    "relit": "against the empty render cloned into the furnished picture",
}


class Outcome(NamedTuple):
    """Everything measured on rooms: rows (`size` names the truth), seams, what stands outside, refusals."""

    rows: list[Row]
    seams: list[Seam]
    outside: int
    refusals: list[str]
    fills: dict[tuple[str, int], Picture]


def methods(device: str) -> dict[str, Fill]:
    """The product, the rivals that are installed, and the product's fill in simpler geometry, by title."""
    vanisher = Vanisher(device)
    opened = {OURS: on_sphere(vanisher), RELIT: on_sphere(vanisher, relight=True)}
    opened |= {name: peer(key) for name, key in RIVALS.items() if installed(key)}
    return opened | {FLAT: on_flat_picture(vanisher), FACES: on_cube_faces(vanisher)}


def run_rooms(fills: Mapping[str, Fill], cases: Sequence[RoomCase], lpips: Lpips | None) -> Outcome:
    """Empties every room with every method; a room that one refuses is left out for all."""
    rows, seams, refusals, kept, outside = [], [], [], {}, 0
    for index, case in enumerate(cases):
        done, seconds = {}, {}
        for name, fill in fills.items():
            start = time.perf_counter()
            try:
                done[name] = fill(case.furnished, case.hole)
            except VanisherError as error:
                refusals.append(f"{name}, room {case.seed}: {error}")
                break
            seconds[name] = time.perf_counter() - start
        if len(done) < len(fills):
            continue
        rows += room_rows(case, index, done, seconds, lpips)
        seams += [seam(name, case, filled) for name, filled in done.items()]
        outside += sum(changed_outside(name, case, filled) for name, filled in done.items())
        kept |= {(name, case.seed): filled for name, filled in done.items()}
        if sys.stderr.isatty():
            print(f"\rroom {index + 1}/{len(cases)}", end="", file=sys.stderr, flush=True)
    return Outcome(rows, seams, outside, refusals, kept)


def changed_outside(name: str, case: RoomCase, filled: Picture) -> int:
    """Samples that the product changed and must not have: outside the hole, or, relit, beyond the light's reach."""
    if name == OURS:
        kept = ~case.hole
    elif name == RELIT:
        parts = grown_objects(np.where(case.hole, 255, 0).astype(np.uint8), case.frame, grow=0)
        kept = light.reached(light.fading(case.frame, parts), case.hole.shape) == 0
    else:
        return 0
    return int(np.count_nonzero((filled != case.furnished)[kept]))


def room_rows(
    case: RoomCase,
    index: int,
    done: Mapping[str, Picture],
    seconds: Mapping[str, float],
    lpips: Lpips | None,
) -> list[Row]:
    """The figures of one room's fills against both truths."""
    hole = unfolded(case.frame, case.hole.astype(np.uint8) * 255, linear=True) > 127
    made = []
    for truth_name, truth in (("empty", case.empty), ("relit", relit(case))):
        flat = unfolded(case.frame, truth)
        features = None if lpips is None else lpips.features(flat)
        for name, filled in done.items():
            pasted = np.where(case.hole[..., None], filled, truth)
            figures = measure(flat, unfolded(case.frame, pasted), hole, lpips, features)
            band = f"{share(case):.0%} of the sphere"
            key = str(case.seed)
            made.append(Row(name, truth_name, index, key, "furniture", band, figures, seconds[name]))
    return made


def share(case: RoomCase) -> float:
    """Part of the sphere that the hole covers."""
    weight = np.cos(case.frame.pitch(np.arange(case.frame.height)))
    return float(case.hole.mean(axis=1) @ weight / weight.sum())


def write_plates(folder: Path, cases: Sequence[RoomCase], outcome: Outcome, count: int) -> list[Path]:
    """Strips of the rooms where the product is worst beside the best flat rival (LPIPS, else PSNR); worst first."""
    table = by_method([row for row in outcome.rows if row.size == "relit"])
    rivals = [name for name in RIVALS if name in table]
    if not rivals or OURS not in table:
        return []
    best = min(rivals, key=lambda name: float(np.mean([row.measures.lpips for row in table[name]])))
    pairs = list(zip(table[OURS], table[best], strict=True))

    def lead(pair: tuple[Row, Row]) -> float:
        ours, theirs = (row.measures for row in pair)
        return ours.psnr - theirs.psnr if np.isnan(ours.lpips) else theirs.lpips - ours.lpips

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for rank, (ours, _) in enumerate(sorted(pairs, key=lead)[:count]):
        case = cases[ours.case]
        marked = np.where(case.hole[..., None], MAGENTA, case.furnished)
        fills = [outcome.fills[name, case.seed] for name in (OURS, best)]
        path = folder / f"panorama-{rank:02d}-room{case.seed}.png"
        Image.fromarray(np.vstack([case.furnished, marked, *fills, case.empty])).save(path)
        written.append(path)
    return written


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m training.evaluate panorama`."""
    made = argparse.ArgumentParser(prog="python -m training.evaluate panorama", description=__doc__)
    made.add_argument(
        "--rooms", type=int, default=24, help="of the 24 of the benchmark (default: %(default)s)"
    )
    made.add_argument("--width", type=int, default=1024, help="pixels of a room (default: %(default)s)")
    made.add_argument("--cache", type=Path, default=Path("runs/rooms"), help="folder of rendered rooms")
    made.add_argument(
        "--metrics", type=Path, help="folder of LPIPS weights (VANISHER_METRICS, ../shared/metrics)"
    )
    made.add_argument("--no-lpips", action="store_true", help="leave LPIPS out (no weights needed)")
    made.add_argument("--speed", action="store_true", help="measure time and memory too (minutes)")
    made.add_argument("--out", type=Path, help="keep Markdown and CSV files in this folder")
    made.add_argument("--plates", type=Path, help="folder for the worst rooms' strips")
    made.add_argument("--worst", type=int, default=8, help="how many strips (default: %(default)s)")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--device", default="cpu")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the evaluation; 0 when every bar that could be judged is met, 1 when one is missed, 2 on bad usage."""
    options = parser().parse_args(argv)
    try:
        if options.rooms < 1:
            raise ValueError(f"--rooms must be at least 1, got {options.rooms}")
        set_threads(options.threads)
        lpips = None if options.no_lpips else Lpips(options.metrics)
        fills = methods(options.device)
        cases = list(rooms(options.cache, options.rooms, options.width))
    except (FileNotFoundError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page = Page(options.out, "panorama")
    page.write(*(f"> left out: {name}: not installed" for name in RIVALS if name not in fills))
    outcome = run_rooms(fills, cases, lpips)
    judged = quality_page(page, cases, outcome)
    turned = rolled(fills[RELIT], cases[0])
    judged += roll_page(page, cases[0], turned)
    if options.speed:
        judged += speed_page(page, cases[0].furnished, options.device)
    page.close()
    if options.plates:
        write_plates(options.plates, cases, outcome, options.worst)
    return 0 if all_met(judged) else 1


def quality_page(page: Page, cases: Sequence[RoomCase], outcome: Outcome) -> list[Bar]:
    """Writes tables and bars of the rooms."""
    lossy = [str(case.seed) for case in cases if case.format == "JPEG"]
    covered = np.mean([share(case) for case in cases])
    page.write(f"{len(cases)} rooms of {cases[0].hole.shape[1]} pixels, holes of {covered:.0%} of the sphere")
    page.write(*([f"Rooms {', '.join(lossy)} were kept as JPEG."] if lossy else []))
    for name, heading in TRUTHS.items():
        table = by_method([row for row in outcome.rows if row.size == name])
        page.write("", f"## {heading}", "", *method_table(table, {}))
    page.write("", *seam_lines(outcome.seams), "")
    table = by_method([row for row in outcome.rows if row.size == "empty"])
    judged = bars(table, list(RIVALS), (FLAT, FACES), outcome.seams, outcome.outside)
    page.write(*(bar.line() for bar in judged))
    page.write(*(f"- refused, left out for all: {line}" for line in outcome.refusals))
    page.rows([row.as_dict() for row in outcome.rows])
    page.rows([found._asdict() for found in outcome.seams], "panorama-seam")
    return judged


def roll_page(page: Page, case: RoomCase, found: Sequence[Rolled]) -> list[Bar]:
    """Writes the roll test."""
    page.write(
        "", f"## room {case.seed}, rolled", "", "| columns | mean difference inside, codes | outside |"
    )
    page.write("|---|---|---|", *(f"| {one.columns} | {one.inside:.4f} | {one.outside} |" for one in found))
    judged = roll_bars(found)
    page.write("", *(bar.line() for bar in judged))
    return judged
