"""`vanisher replay`: an erasure done again by its receipt, and whether the same bytes came out."""

import argparse
import time
from pathlib import Path
from typing import Any

from vanisher_core.commands.common import (
    Progress,
    check_output,
    open_mask,
    open_photo,
    print_json,
)
from vanisher_core.errors import InputError

_EXAMPLES = """\
examples:
  vanisher replay listing.receipt.json
  vanisher replay r.json --photo room.tif --mask lamp.png -o again.tif"""


def register(commands: Any) -> None:
    """Adds `replay` and its options."""
    parser = commands.add_parser(
        "replay",
        help="do an erasure again by its receipt and compare the bytes",
        description="Does an erasure again and says whether the same bytes came out; exit status 1 if not.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("receipt", type=Path, metavar="RECEIPT", help="JSON of --receipt or --disclose")
    add("--photo", type=Path, metavar="PHOTO", help="the original (found beside the receipt)")
    add("--mask", type=Path, metavar="MASK", help="the mask as given (found beside the receipt)")
    add("--device", metavar="DEVICE", help="another device than the receipt's")
    add("-o", "--output", type=Path, metavar="OUT", help="keep the file that was made again")
    add("--overwrite", action="store_true", help="replace OUT if it exists")
    add("--json", action="store_true", help="print one JSON object instead of a sentence")
    parser.set_defaults(run=run)


def found(receipt_file: Path, given: Path | None, names: tuple[str | None, ...], option: str) -> Path:
    """A file of the receipt: as given, or by its name beside the receipt.

    Raises:
        InputError: it is not there.
    """
    from vanisher_core.replay import beside

    if given:
        return given
    path = beside(receipt_file.absolute().parent, *names)
    if path is None:
        known = [name for name in names if name]
        looked = f"{' or '.join(known)} is not" if known else "the receipt names none, and none is"
        raise InputError(f"{looked} beside {receipt_file}: give it with {option}.")
    return path


def run(arguments: argparse.Namespace) -> int:
    """Replays, compares, reports.

    Returns:
        0 if the same came out, 1 if not.

    Raises:
        VanisherError: anything that the user can mend.
    """
    began = time.perf_counter()
    from vanisher_core.codecs import atomic
    from vanisher_core.commands.common import device
    from vanisher_core.replay import load, replay

    receipt, kind = load(arguments.receipt)
    files = receipt.files
    names = (files.original, files.input) if files else ()
    photo = found(arguments.receipt, arguments.photo, names, "--photo")
    mask = found(arguments.receipt, arguments.mask, (files.mask,) if files else (), "--mask")
    if arguments.output:
        check_output(arguments.output, overwrite=arguments.overwrite, inputs=[photo, mask, arguments.receipt])
    if arguments.output and (files is None or receipt.output_file_sha256 is None):
        raise InputError(f"{arguments.receipt} names no file that was written: leave -o out.")
    with Progress() as progress:
        again = replay(
            receipt,
            kind,
            open_photo(photo),
            open_mask(mask),
            device=device(arguments.device) if arguments.device else None,
            progress=progress,
        )
    if arguments.output and again.data is not None:
        atomic.write(arguments.output, again.data, overwrite=arguments.overwrite)
    _report(arguments, receipt, again, time.perf_counter() - began)
    return 0 if again.same else 1


def _report(arguments: argparse.Namespace, receipt: Any, again: Any, seconds: float) -> None:
    if arguments.json:
        values = {
            "same": again.same,
            "pixels": again.pixels,
            "bytes": again.bytes,
            "differences": list(again.differences),
            "output": str(arguments.output) if arguments.output else None,
            "seconds": round(seconds, 3),
        }
        print_json(values)
        return
    if again.same:
        digest = receipt.output_file_sha256 if again.bytes else receipt.output_pixels_sha256
        what = "the same bytes" if again.bytes else "the same pixels (the receipt names no file)"
        if again.bytes and receipt.files.unsigned_sha256:
            what, digest = "the same bytes as before the signature", receipt.files.unsigned_sha256
        print(f"Replayed in {seconds:.1f} s: {what}, SHA-256 {digest}.")
    elif again.pixels:
        print("DIFFERENT: the same pixels, but the file around them is another.")
    else:
        print("DIFFERENT: other pixels came out.")
    if again.differences:
        print("Not as it was when the receipt was written:")
        for difference in again.differences:
            print(f"  {difference}")
    elif not again.same:
        print(
            "Nothing known differs from when the receipt was written: result or receipt were changed since."
        )
