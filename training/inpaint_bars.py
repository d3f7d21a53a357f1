"""The inpainting bars: what the default fill has to reach at 256 and 512 pixels.

Figures are means over the holes of one size (5-25 % of the picture, all kinds). A bar is judged on the mean;
the bootstrap interval beside it says how far the number of photographs carries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.intervals import ratio
from training.methods import BASELINE, DEFAULT_MODEL, DIFFUSION, title
from training.pages import Bar
from training.report import Table, chosen, column, difference

SIZES = ("256", "512")
LPIPS_RATIO, LPIPS_GOAL = 0.85, 0.75
PSNR_MARGIN, PSNR_GOAL = 0.5, 1.0
KINDS_ALONE = ("border", "object")


def bars(table: Table, size: str, references: Sequence[str] = ()) -> list[Bar]:
    """The bars of one size.

    Args:
        table: rows by method.
        size: "256", "512" or "native"; the last has no bars.
        references: methods that the default must beat in both figures (the two reference systems).
    """
    ours = table.get(DEFAULT_MODEL)
    if size not in SIZES or not ours:
        return []
    found = []
    if BASELINE in table:
        found = [_lpips(table), _psnr(table), *(_kind(table, kind) for kind in KINDS_ALONE)]
    else:
        found.append(Bar("better than PyPatchMatch", "it is not installed", None))
    found += [_reference(table, name) for name in references if name in table]
    if not references:
        found.append(Bar("better than both reference systems", "no weights: --reference DIR", None))
    return found


def _lpips(table: Table) -> Bar:
    ours, theirs = table[DEFAULT_MODEL], table[BASELINE]
    share = ratio(column(ours, "lpips"), column(theirs, "lpips"), [row.key for row in ours])
    what = f"LPIPS <= {LPIPS_RATIO} x {title(BASELINE)}'s (goal {LPIPS_GOAL})"
    return Bar(what, f"{share.text(2)} x", _verdict(share.mean, share.mean <= LPIPS_RATIO))


def _psnr(table: Table) -> Bar:
    rivals = [name for name in (*DIFFUSION, BASELINE) if name in table]
    best = max(rivals, key=lambda name: float(np.mean(column(table[name], "psnr"))))
    gain = difference(table[DEFAULT_MODEL], table[best], "psnr")
    what = f"PSNR >= the best of {', '.join(title(name) for name in rivals)} + {PSNR_MARGIN} dB"
    measured = f"{gain.text(2, True)} dB over {title(best)}; goal +{PSNR_GOAL:g}"
    return Bar(what, measured, gain.mean >= PSNR_MARGIN)


def _kind(table: Table, kind: str) -> Bar:
    ours, theirs = (chosen(table[name], "kind", kind) for name in (DEFAULT_MODEL, BASELINE))
    what = f"{kind} holes alone not worse than {title(BASELINE)}"
    if not ours:
        return Bar(what, "no such hole", None)
    psnr, lpips = difference(ours, theirs, "psnr"), difference(ours, theirs, "lpips")
    measured = f"PSNR {psnr.text(2, True)} dB, LPIPS {lpips.text(4, True)}"
    return Bar(what, measured, _verdict(lpips.mean, psnr.mean >= 0 and lpips.mean <= 0))


def _reference(table: Table, name: str) -> Bar:
    psnr = difference(table[DEFAULT_MODEL], table[name], "psnr")
    lpips = difference(table[DEFAULT_MODEL], table[name], "lpips")
    measured = f"PSNR {psnr.text(2, True)} dB, LPIPS {lpips.text(4, True)}"
    return Bar(f"better than {title(name)}", measured, _verdict(lpips.mean, psnr.mean > 0 and lpips.mean < 0))


def _verdict(figure: float, met: bool) -> bool | None:
    """None when the figure was not measured (LPIPS without weights)."""
    return None if np.isnan(figure) else bool(met)
