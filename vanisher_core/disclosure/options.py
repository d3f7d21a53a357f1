"""The options of a disclosure, the same for every command that writes results."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vanisher_core.errors import UsageError

if TYPE_CHECKING:
    from vanisher_core.disclosure.pack import Wish

PLACES = ("bottom-right", "bottom-left", "top-right", "top-left", "ahead")
"""As `label.PLACES`; written again here, because that module loads numpy and --help must not."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--disclose`, `--label` and the C2PA options; `wish_of` reads them."""
    group = parser.add_argument_group("disclosure of altered pictures (docs/disclosure.md)")
    add = group.add_argument
    add(
        "--disclose",
        action="store_true",
        help="keep the original beside OUT, write an XMP receipt, mask, overlay and a before-and-after page",
    )
    add("--label", metavar="TEXT", help="draw this label visibly into the picture; implies --disclose")
    add("--label-place", choices=PLACES, help="where (bottom-right; of a panorama: ahead, below the horizon)")
    add(
        "--label-size",
        type=_percent,
        metavar="PERCENT",
        help="height of its letters, of the shorter side (4)",
    )
    add(
        "--c2pa-cert",
        type=Path,
        metavar="PEM",
        help="sign a C2PA manifest with this certificate chain; implies --disclose",
    )
    add("--c2pa-key", type=Path, metavar="PEM", help="its private key, without a passphrase")


def wish_of(arguments: argparse.Namespace, place: str = "bottom-right") -> Wish | None:
    """What the options ask for; None if for no disclosure.

    Args:
        arguments: parsed with `add_options`.
        place: of a label, if none was given.

    Raises:
        UsageError: options that need another, or a label that cannot be.
    """
    if (arguments.c2pa_cert is None) != (arguments.c2pa_key is None):
        raise UsageError("A signature needs both --c2pa-cert and --c2pa-key: give both, or neither.")
    if arguments.label is None and (arguments.label_place or arguments.label_size):
        raise UsageError('--label-place and --label-size need --label, such as --label "Digitally altered".')
    if not (arguments.disclose or arguments.label is not None or arguments.c2pa_cert):
        return None
    from vanisher_core.disclosure.c2pa import Credentials
    from vanisher_core.disclosure.label import SIZE, Label
    from vanisher_core.disclosure.pack import Wish

    label = None
    if arguments.label is not None:
        size = arguments.label_size / 100 if arguments.label_size else SIZE
        label = Label(arguments.label, arguments.label_place or place, size)
    return Wish(label, Credentials(arguments.c2pa_cert, arguments.c2pa_key) if arguments.c2pa_cert else None)


def _percent(text: str) -> float:
    """A number above 0 and up to 20."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 20:
        raise argparse.ArgumentTypeError(f"takes a percentage above 0 and up to 20, not {text!r}")
    return value
