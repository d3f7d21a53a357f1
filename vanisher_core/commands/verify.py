"""`vanisher verify`: is a result what its receipt says, and was anything changed outside the mask?"""

import argparse
from pathlib import Path
from typing import Any

from vanisher_core.commands.common import Progress, open_mask, open_photo, print_json
from vanisher_core.commands.replay import found
from vanisher_core.errors import InputError

_EXAMPLES = """\
examples:
  vanisher verify listing.vanished.jpg
  vanisher verify out.png --receipt out.json --original in.png --mask mask.png
  vanisher verify out.webp --replay"""
_WORDS = {True: "ok", False: "WRONG", None: "not proved"}


def register(commands: Any) -> None:
    """Adds `verify` and its options."""
    parser = commands.add_parser(
        "verify",
        help="check a result against its receipt and original",
        description="Checks hashes, and that nothing changed outside the mask; exit status 1 if anything is wrong.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("result", type=Path, metavar="OUT", help="a picture that Vanisher wrote")
    add("--receipt", type=Path, metavar="FILE", help="its receipt (NAME.receipt.json beside it)")
    add("--original", type=Path, metavar="PHOTO", help="the original (found beside the receipt)")
    add("--mask", type=Path, metavar="MASK", help="the mask as given (found beside the receipt)")
    add("--replay", action="store_true", help="do the erasure again, too, and compare every byte")
    add("--json", action="store_true", help="print one JSON object instead of a table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Checks and reports.

    Returns:
        0 if nothing is wrong, 1 if something is.

    Raises:
        VanisherError: a file is missing or cannot be read.
    """
    from vanisher_core.disclosure.keep import receipt_of
    from vanisher_core.replay import load
    from vanisher_core.verify import verdict, verify

    receipt_file: Path = arguments.receipt or receipt_of(arguments.result)
    if not receipt_file.is_file():
        raise InputError(f"The receipt {receipt_file} is not there: give it with --receipt.")
    receipt, kind = load(receipt_file)
    files = receipt.files
    names = (files.original, files.input) if files else ()
    original = found(receipt_file, arguments.original, names, "--original")
    mask = open_mask(found(receipt_file, arguments.mask, (files.mask,) if files else (), "--mask"))
    data = _bytes(arguments.result)
    checks = list(verify(data, receipt, kind, _bytes(original), mask, str(arguments.result)))
    if arguments.replay:
        checks.append(_replayed(receipt, kind, original, mask))
    right = verdict(checks)
    if arguments.json:
        shown = [{"name": check.name, "ok": check.ok, "found": check.found} for check in checks]
        print_json({"ok": right, "checks": shown})
        return 0 if right else 1
    for check in checks:
        print(f"{_WORDS[check.ok]:11} {check.name:9} {check.found}")
    print(f"{arguments.result}: {'nothing is wrong' if right else 'NOT as its receipt says'}.")
    return 0 if right else 1


def _bytes(path: Path) -> bytes:
    """The file, read within the limits that hold for photographs."""
    return open_photo(path).to_bytes()


def _replayed(receipt: Any, kind: Any, original: Path, mask: Any) -> Any:
    """The check that makes the result again."""
    from vanisher_core.replay import replay
    from vanisher_core.verify import Check

    with Progress() as progress:
        again = replay(receipt, kind, open_photo(original), mask, progress=progress)
    if again.same:
        return Check("replay", True, "done again, the same bytes came out, inside the mask as well")
    why = "; ".join(again.differences) or "nothing known differs from then"
    return Check(
        "replay", False, f"done again, other {'bytes' if again.pixels else 'pixels'} came out ({why})"
    )
