"""Measures the product: `python -m training.evaluate PART [options]`.

    python -m training.evaluate inpaint --out figures --plates 8 --reference runs/reference
    python -m training.evaluate segment --out figures --plates 24
    python -m training.evaluate furniture --out figures --plates 24
    python -m training.evaluate panorama --out figures --plates figures/plates --speed
    python -m training.evaluate layout --out figures --plates 8
    python -m training.evaluate find --out figures --plates 8 --again
    python -m training.evaluate labelled --out figures --plates 8
    python -m training.evaluate photographs --out figures --plates 8
    python -m training.evaluate speed --out figures

Each prints Markdown, ends with its bars (met or not; `labelled` and `photographs` have none), and keeps PART.md and
PART.csv in the folder of `--out`.
Each part has its own `--help`. A quick look on two cores: `inpaint --sizes 256 --count 8 --no-memory`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

PARTS = {
    "inpaint": "training.evaluate_inpaint",
    "segment": "training.evaluate_segment",
    "furniture": "training.evaluate_furniture",
    "panorama": "training.evaluate_panorama",
    "layout": "training.evaluate_layout",
    "find": "training.evaluate_find",
    "labelled": "training.evaluate_labelled",
    "photographs": "training.evaluate_photographs",
    "speed": "training.speed",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the named part and gives its exit status: 0 done, 1 a bar is missed, 2 bad usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in PARTS:
        asked = arguments[0] if arguments else "nothing"
        wants_help = asked in ("-h", "--help")
        print(
            __doc__ if wants_help else f"unknown part {asked!r}: use one of {', '.join(PARTS)}",
            file=sys.stderr,
        )
        return 0 if wants_help else 2
    status = import_module(PARTS[arguments[0]]).main(arguments[1:])
    return int(status or 0)


if __name__ == "__main__":
    sys.exit(main())
