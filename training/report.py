"""Tables, bar lines, CSV and plates of the inpainting figures (`training.evaluate_inpaint` explains them)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from training.holes import BANDS, KINDS
from training.intervals import Interval, bootstrap, paired
from training.methods import BASELINE, PRODUCT, TITLES
from training.metrics import Measures

if TYPE_CHECKING:
    from training.evaluate_inpaint import Case, Outcome, Row

PSNR_MARGIN = 0.4  # dB that the default fill must lie above PyPatchMatch
BAR_SIZES = ("256", "512")
DEFAULT_MODEL = "auto"
PLATE_CASES = 8
PLATE_MARGIN = 40  # pixels shown round the hole


def by_method(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each method in the order of their cases; methods in the order of their first row."""
    table: dict[str, list[Row]] = {}
    for row in rows:
        table.setdefault(row.method, []).append(row)
    return table


def column(rows: Sequence[Row], name: str) -> list[float]:
    """One figure (a field of `Measures`, or "seconds") of every row."""
    return [float(row.seconds if name == "seconds" else getattr(row.measures, name)) for row in rows]


def interval(rows: Sequence[Row], name: str) -> Interval:
    """A figure's mean and interval over the rows."""
    return bootstrap(column(rows, name), [row.key for row in rows])


def difference(rows: Sequence[Row], reference: Sequence[Row], name: str) -> Interval:
    """Paired difference of a figure, rows - reference, over the same cases."""
    return paired(column(rows, name), column(reference, name), [row.key for row in rows])


def method_table(table: Mapping[str, list[Row]], memory: Mapping[str, float]) -> list[str]:
    """Markdown lines: one method a line."""
    lines = [
        "| method | masked PSNR, dB | SSIM | L1 | LPIPS | texture | s (median) | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in table.items():
        means = [f"{np.mean(column(rows, figure)):.3f}" for figure in ("ssim", "l1")]
        cells = [TITLES[name], interval(rows, "psnr").text(2), *means, interval(rows, "lpips").text(4)]
        cells += [f"{np.mean(column(rows, 'texture')):.2f}", f"{np.median(column(rows, 'seconds')):.2f}"]
        cells.append(f"{memory[name]:.0f}" if name in memory else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def paired_table(table: Mapping[str, list[Row]]) -> list[str]:
    """Markdown lines: each method minus PyPatchMatch on the same holes; none without it."""
    if BASELINE not in table or len(table) < 2:
        return []
    reference = table[BASELINE]
    lines = [
        "",
        f"| minus {TITLES[BASELINE]} | PSNR, dB | LPIPS | LPIPS better in | seconds, ratio |",
        "|---|---|---|---|---|",
    ]
    for name, rows in table.items():
        if name == BASELINE:
            continue
        pairs = zip(column(rows, "lpips"), column(reference, "lpips"), strict=True)
        wins = f"{sum(a < b for a, b in pairs)}/{len(rows)}"
        ratio = np.sum(column(rows, "seconds")) / np.sum(column(reference, "seconds"))
        psnr, lpips = difference(rows, reference, "psnr"), difference(rows, reference, "lpips")
        lines.append(
            f"| {TITLES[name]} | {psnr.text(2, True)} | {lpips.text(4, True)} | {wins} | {ratio:.2f} |"
        )
    return lines


def group_table(table: Mapping[str, list[Row]]) -> list[str]:
    """Markdown lines: PSNR / LPIPS by kind and by area of the hole, one method a line."""
    groups = [("kind", kind) for kind in KINDS] + [("band", band) for band in BANDS]
    first = next(iter(table.values()))
    groups = [(field, value) for field, value in groups if any(getattr(row, field) == value for row in first)]
    counts = [sum(getattr(row, field) == value for row in first) for field, value in groups]
    heads = [f"{value} (n={count})" for (_, value), count in zip(groups, counts, strict=True)]
    lines = ["", "| PSNR / LPIPS | " + " | ".join(heads) + " |", "|---" * (len(groups) + 1) + "|"]
    for name, rows in table.items():
        cells = []
        for field, value in groups:
            chosen = [row for row in rows if getattr(row, field) == value]
            cells.append(f"{np.mean(column(chosen, 'psnr')):.2f} / {np.mean(column(chosen, 'lpips')):.4f}")
        lines.append(f"| {TITLES[name]} | " + " | ".join(cells) + " |")
    return lines


def bars(table: Mapping[str, list[Row]], size: str) -> tuple[list[str], bool]:
    """The bar's lines for the default fill at 256 and 512, and whether it is met (True if not judged)."""
    if size not in BAR_SIZES or DEFAULT_MODEL not in table or BASELINE not in table:
        return [], True
    psnr = difference(table[DEFAULT_MODEL], table[BASELINE], "psnr")
    lpips = difference(table[DEFAULT_MODEL], table[BASELINE], "lpips")
    better, above = lpips.mean <= 0, psnr.mean >= PSNR_MARGIN
    lines = [
        "",
        f"- LPIPS <= PyPatchMatch: {'yes' if better else 'no'} ({lpips.text(4, True)})",
        f"- PSNR >= PyPatchMatch + {PSNR_MARGIN} dB: {'yes' if above else 'no'} ({psnr.text(2, True)})",
    ]
    return lines, better and above


def print_size(size: str, rows: Sequence[Row], memory: Mapping[str, float], refusals: Sequence[str]) -> bool:
    """Prints everything about one size and gives whether its bar is met."""
    table = by_method(rows)
    cases = len(next(iter(table.values()), []))
    print(f"\n## {size}{'' if size == 'native' else ' px'}: {cases} holes\n")
    lines, met = bars(table, size)
    if cases:
        print("\n".join([*method_table(table, memory), *paired_table(table), *group_table(table), *lines]))
    for line in refusals:
        print(f"- refused, left out for all: {line}")
    return met


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """One line a case and method; figures in full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "size", "case", "key", "kind", "band", *Measures._fields, "seconds"])
        for row in rows:
            head = [row.method, row.size, row.case, row.key, row.kind, row.band]
            writer.writerow([*head, *(f"{value:.6g}" for value in row.measures), f"{row.seconds:.4f}"])


def _worst(rows: Sequence[Row], table: Mapping[str, list[Row]]) -> list[Row]:
    """Rows of one method, the worst first: by LPIPS over PyPatchMatch's, else LPIPS, else PSNR."""
    reference = {row.case: row.measures.lpips for row in table.get(BASELINE, [])}

    def badness(row: Row) -> float:
        if np.isnan(row.measures.lpips):
            return -row.measures.psnr
        return row.measures.lpips - reference.get(row.case, 0.0)

    return sorted(rows, key=badness, reverse=True)


def worst_plates(folder: Path, size: str, cases: Sequence[Case], outcome: Outcome) -> list[Path]:
    """Writes the default fill's (or the first method's) worst cases: truth, hole, each method's fill.

    The file name tells size, rank, case and kind; the order of methods is that of the table.
    """
    table = by_method(outcome.rows)
    judged = next((name for name in PRODUCT if name in table), next(iter(table), None))
    if judged is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for rank, row in enumerate(_worst(table[judged], table)[:PLATE_CASES]):
        truth, hole = cases[row.case].sample.rgb, cases[row.case].hole.hole
        marked = np.where(hole[..., None], np.array([255, 0, 255], np.uint8), truth)
        shown = [truth, marked, *(outcome.fills[name, row.case] for name in table)]
        rows_, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        window = np.s_[
            max(0, rows_[0] - PLATE_MARGIN) : rows_[-1] + PLATE_MARGIN,
            max(0, columns[0] - PLATE_MARGIN) : columns[-1] + PLATE_MARGIN,
        ]
        path = folder / f"{size}-{rank:02d}-case{row.case:03d}-{row.kind}.png"
        Image.fromarray(np.hstack([picture[window] for picture in shown])).save(path)
        written.append(path)
    return written
