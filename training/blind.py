"""A blind comparison of fills: ours beside PyPatchMatch, order shuffled, names sealed until all are judged.

    python -m training.blind make --out blind         # plates, a page, an empty judgements.csv, a sealed key
    (write A, B or = into the column "better" of blind/judgements.csv for each case)
    python -m training.blind tally blind              # opens the key when every case is judged; blind/tally.md

Every plate shows the photograph with the hole marked, and twice the photograph filled, A and B. Which of them
is ours is drawn by chance that no seed repeats. The key is scrambled with a random pad, so that nobody reads
it by accident, and `judgements.csv` carries its SHA-256 from the start, so that it cannot be exchanged
afterwards; the tally writes down the SHA-256 of the judgements it opened the key for, and refuses others.
A tie (=) is a judgement and counts for neither. The bar: ours preferred in at least 18 of 24.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import html
import json
import math
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from training.evaluate_inpaint import Case, cases_of
from training.inpaint_plates import MAGENTA, side_by_side
from training.methods import BASELINE, DEFAULT_MODEL, METHODS, method, set_threads
from training.pages import Bar
from training.peers import Fill, PeerMissing
from training.validation import SIZES, data_folder
from vanisher_core.errors import VanisherError

COUNT, BAR_SHARE = 24, 0.75
ANSWERS = ("A", "B", "=")
KEY, SHEET, OPENED = "key.sealed", "judgements.csv", "tally.md"


class Judgement(NamedTuple):
    """One line of the sheet."""

    case: str
    plate: str
    better: str


def seal(order: dict[str, str]) -> str:
    """The order as hexadecimal text that says nothing to the eye: a pad, then the text under the pad."""
    text = json.dumps(order).encode()
    pad = secrets.token_bytes(len(text))
    return (pad + bytes(a ^ b for a, b in zip(text, pad, strict=True))).hex()


def unseal(text: str) -> dict[str, str]:
    """Undoes `seal`."""
    data = bytes.fromhex(text.strip())
    half = len(data) // 2
    return json.loads(bytes(a ^ b for a, b in zip(data[:half], data[half:], strict=True)))


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plate(case: Case, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The hole marked, fill A and fill B, side by side; the whole crop, so that the rest gives context."""
    marked = np.where(case.hole.hole[..., None], MAGENTA, case.sample.rgb)
    return side_by_side([marked, first, second], ["hole", "A", "B"])


def draw_cases(folder: Path, sizes: Sequence[str], count: int, seed: int) -> list[Case]:
    """`count` validation cases, the sizes in turn."""
    found = [cases_of(folder, size, math.ceil(count / len(sizes)), seed) for size in sizes]
    turns = [case for turn in zip(*found, strict=False) for case in turn]
    if len(turns) < count:
        raise ValueError(
            f"only {len(turns)} cases of sizes {', '.join(sizes)} in {folder}, {count} asked for"
        )
    return turns[:count]


def make(out: Path, cases: Sequence[Case], ours: Fill, theirs: Fill) -> Path:
    """Writes plates, page, sheet and sealed key; returns the page.

    Raises:
        FileExistsError: the folder holds a comparison already.
    """
    if (out / KEY).exists():
        raise FileExistsError(f"{out} holds a comparison already; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    order, lines = {}, []
    for number, case in enumerate(cases, 1):
        name = f"{number:02d}"
        fills = [ours(case.sample.rgb, case.hole.hole), theirs(case.sample.rgb, case.hole.hole)]
        ours_is_a = bool(secrets.randbelow(2))
        order[name] = "A" if ours_is_a else "B"
        Image.fromarray(plate(case, *(fills if ours_is_a else fills[::-1]))).save(out / f"{name}.png")
        lines.append(Judgement(name, f"{name}.png", ""))
    (out / KEY).write_text(seal(order), encoding="ascii")
    with (out / SHEET).open("w", newline="", encoding="utf-8") as file:
        file.write(f"# key {digest(out / KEY)}\n")
        writer = csv.writer(file)
        writer.writerow(Judgement._fields)
        writer.writerows(lines)
    return write_page(out, lines)


def write_page(out: Path, lines: Sequence[Judgement]) -> Path:
    """The page to judge by: all plates, one below the other; needs no script."""
    figures = "\n".join(
        f'<figure><figcaption>{html.escape(line.case)}</figcaption><img src="{html.escape(line.plate)}"></figure>'
        for line in lines
    )
    path = out / "index.html"
    path.write_text(
        '<!doctype html><meta charset="utf-8"><title>Which fill is better?</title>'
        "<style>body{background:#777;font:16px sans-serif}img{max-width:100%}</style>"
        f"<p>For each case write A, B or = into {SHEET}: which fill would you rather keep?</p>\n{figures}\n",
        encoding="utf-8",
    )
    return path


def read_judgements(out: Path) -> list[Judgement]:
    """The filled sheet.

    Raises:
        ValueError: it belongs to another key, or a case is not judged.
    """
    text = (out / SHEET).read_text(encoding="utf-8").splitlines()
    if not text or text[0] != f"# key {digest(out / KEY)}":
        raise ValueError(f"{out / SHEET} does not belong to {KEY} beside it: neither may be exchanged")
    lines = [Judgement(**row) for row in csv.DictReader(text[1:])]
    lines = [line._replace(better=(line.better or "").strip().upper()) for line in lines]
    missing = [line.case for line in lines if line.better not in ANSWERS]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(lines)} cases are not judged ({', '.join(missing)}): write A, B or = "
            f"for each into {out / SHEET}; the key stays sealed until then"
        )
    return lines


def sign_test(wins: int, losses: int) -> float:
    """Chance of at least so many wins if both were equally good (ties left out)."""
    count = wins + losses
    return sum(math.comb(count, k) for k in range(wins, count + 1)) / 2**count


def tally(out: Path) -> Bar:
    """Opens the key and counts; writes `tally.md`.

    Raises:
        ValueError: not all cases are judged, or the judgements changed after the key was opened.
    """
    lines = read_judgements(out)
    stamp = f"judgements {digest(out / SHEET)}"
    before = out / OPENED
    if before.exists() and stamp not in before.read_text(encoding="utf-8"):
        raise ValueError(
            f"the key was opened already, for other judgements ({before}): make a new comparison"
        )
    order = unseal((out / KEY).read_text(encoding="ascii"))
    if set(order) != {line.case for line in lines}:
        raise ValueError(
            f"{out / SHEET} has lost or gained a case: {len(lines)} lines for {len(order)} plates"
        )
    wins = sum(line.better == order[line.case] for line in lines)
    ties = sum(line.better == "=" for line in lines)
    losses = len(lines) - wins - ties
    needed = math.ceil(BAR_SHARE * len(lines))
    measured = f"ours {wins}, the rival {losses}, ties {ties}; p = {sign_test(wins, losses):.4f}"
    bar = Bar(f"ours preferred in at least {needed} of {len(lines)}", measured, wins >= needed)
    rows = [f"| {line.case} | {line.better} | {order[line.case]} |" for line in lines]
    text = [bar.line(), "", "| case | better | ours was |", "|---|---|---|", *rows, "", stamp]
    before.write_text("\n".join(text) + "\n", encoding="utf-8")
    return bar


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m training.blind", description=(__doc__ or "").split("\n")[0]
    )
    parts = made.add_subparsers(dest="part", required=True)
    first = parts.add_parser("make", help="fill the holes of validation photographs with both, names sealed")
    first.add_argument("--out", type=Path, required=True)
    first.add_argument("--data", type=Path, help="folder of tar shards (VANISHER_DATA, ../shared/data)")
    first.add_argument("--sizes", nargs="+", choices=SIZES, default=["256", "512"])
    first.add_argument("--count", type=int, default=COUNT)
    first.add_argument("--seed", type=int, default=1000, help="of the cases; others than evaluate's")
    first.add_argument("--rival", choices=METHODS, default=BASELINE)
    first.add_argument("--threads", type=int, default=2)
    first.add_argument("--device", default="cpu")
    second = parts.add_parser("tally", help="open the key when all are judged, and count")
    second.add_argument("out", type=Path)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 when made, or when the tally meets the bar; 1 when it does not; 2 for what cannot be done."""
    options = parser().parse_args(argv)
    try:
        if options.part == "tally":
            bar = tally(options.out)
            print(bar.line())
            return 0 if bar.met else 1
        set_threads(options.threads)
        cases = draw_cases(data_folder(options.data), options.sizes, options.count, options.seed)
        ours, rival = (method(name, options.device) for name in (DEFAULT_MODEL, options.rival))
        print(f"judge on {make(options.out, cases, ours, rival)}")
    except (OSError, ValueError, PeerMissing, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
