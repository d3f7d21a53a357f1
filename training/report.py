"""Tables of the inpainting figures as Markdown lines (`training.evaluate_inpaint` explains them)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from training.holes import BANDS, KINDS
from training.intervals import Interval, bootstrap, paired
from training.methods import BASELINE, DEFAULT_MODEL, title

if TYPE_CHECKING:
    from training.evaluate_inpaint import Row

Table = Mapping[str, list["Row"]]
"""Method -> its rows, all methods on the same cases in the same order."""


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


def chosen(rows: Sequence[Row], field: str, value: str) -> list[Row]:
    """The rows whose `kind` or `band` is the given one."""
    return [row for row in rows if getattr(row, field) == value]


def groups(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """The kinds and areas of holes that occur, as (field, value)."""
    every = [("kind", kind) for kind in KINDS] + [("band", band) for band in BANDS]
    return [(field, value) for field, value in every if chosen(rows, field, value)]


def method_table(table: Table, memory: Mapping[str, float]) -> list[str]:
    """Markdown lines: one method a line."""
    lines = [
        "| method | masked PSNR, dB | SSIM | L1 | LPIPS | texture | s (median) | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in table.items():
        means = [f"{np.mean(column(rows, figure)):.3f}" for figure in ("ssim", "l1")]
        cells = [title(name), interval(rows, "psnr").text(2), *means, interval(rows, "lpips").text(4)]
        cells += [f"{np.mean(column(rows, 'texture')):.2f}", f"{np.median(column(rows, 'seconds')):.2f}"]
        cells.append(f"{memory[name]:.0f}" if name in memory else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def paired_table(table: Table) -> list[str]:
    """Markdown lines: each method minus PyPatchMatch on the same holes; none without it."""
    if BASELINE not in table or len(table) < 2:
        return []
    reference = table[BASELINE]
    lines = [
        "",
        f"| minus {title(BASELINE)} | PSNR, dB | LPIPS | LPIPS better in | seconds, ratio |",
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
            f"| {title(name)} | {psnr.text(2, True)} | {lpips.text(4, True)} | {wins} | {ratio:.2f} |"
        )
    return lines


def group_table(table: Table) -> list[str]:
    """Markdown lines: PSNR / LPIPS by kind and by area of the hole, one method a line."""
    first = next(iter(table.values()))
    found = groups(first)
    heads = [f"{value} (n={len(chosen(first, field, value))})" for field, value in found]
    lines = ["", "| PSNR / LPIPS | " + " | ".join(heads) + " |", "|---" * (len(found) + 1) + "|"]
    for name, rows in table.items():
        cells = []
        for field, value in found:
            some = chosen(rows, field, value)
            cells.append(f"{np.mean(column(some, 'psnr')):.2f} / {np.mean(column(some, 'lpips')):.4f}")
        lines.append(f"| {title(name)} | " + " | ".join(cells) + " |")
    return lines


def default_table(table: Table) -> list[str]:
    """Markdown lines: the default fill by kind and area, with intervals, and minus PyPatchMatch."""
    if DEFAULT_MODEL not in table or BASELINE not in table:
        return []
    lines = [
        "",
        f"| {title(DEFAULT_MODEL)} | n | PSNR, dB | minus {title(BASELINE)} | LPIPS | minus {title(BASELINE)} |",
        "|---|---|---|---|---|---|",
    ]
    for field, value in groups(table[DEFAULT_MODEL]):
        ours, theirs = (chosen(table[name], field, value) for name in (DEFAULT_MODEL, BASELINE))
        cells = [value, str(len(ours)), interval(ours, "psnr").text(2)]
        cells += [difference(ours, theirs, "psnr").text(2, True), interval(ours, "lpips").text(4)]
        cells.append(difference(ours, theirs, "lpips").text(4, True))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def tables(table: Table, memory: Mapping[str, float]) -> list[str]:
    """All of the above for one size; nothing when every case was refused."""
    if not any(table.values()):
        return []
    parts = (method_table(table, memory), paired_table(table), default_table(table), group_table(table))
    return [line for part in parts for line in part]
