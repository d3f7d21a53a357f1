"""`vanisher erase`: one photograph, one mask or class, one new file; the original is only read."""

import argparse
import time
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from vanisher_core import disclosure
from vanisher_core.commands.common import (
    Progress,
    check_output,
    class_names,
    device,
    length,
    open_mask,
    open_photo,
    print_json,
    print_notes,
    setting,
    switch,
    whole,
)
from vanisher_core.errors import UsageError

if TYPE_CHECKING:
    from vanisher_core.mask import Mask
    from vanisher_core.outcome import Result
    from vanisher_core.photo import Photo
    from vanisher_core.receipt import Receipt

ENGINE_GROUP = "vanisher.engines"
"""Entry points of other packages: functions that give an `Eraser`, or None where none is warm."""

_EXAMPLES = (
    """\
examples:
  vanisher erase beach.jpg --remove person
  vanisher erase room.tif --mask lamp.png -o room-without-lamp.tif --receipt room.json
  vanisher erase wall.png --mask exact.png --grow 0 --feather 0 --seed 7
  vanisher erase listing.jpg --mask sofa.png --disclose --label "Digitally altered" --seed 7"""
    ""
)


def register(commands: Any) -> None:
    """Adds `erase` and its options."""
    parser = commands.add_parser(
        "erase",
        help="erase what a mask covers, or every person, from a photograph",
        description="Erases what a mask covers, or all of a class; every other sample stays as it was.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("photo", type=Path, metavar="PHOTO", help="PNG, JPEG, TIFF or WebP; never changed")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--mask", type=Path, metavar="MASK", help="picture of the same size, white where to erase"
    )
    what.add_argument(
        "--remove", type=class_names, metavar="CLASS[,CLASS]", help="classes to find and erase: person"
    )
    add("-o", "--output", type=Path, metavar="OUT", help="where to write (NAME.vanished.EXT)")
    add("--overwrite", action="store_true", default=None, help="replace OUT (and the receipt) if they exist")
    add("--fit-mask", action="store_true", help="scale a mask of another size to the photograph")
    add("--grow", type=whole, metavar="PX", help="pixels to grow the mask by (automatic, by size)")
    add(
        "--feather",
        type=length,
        metavar="PX",
        help="width of the soft edge inside the grown ring (automatic)",
    )
    add(
        "--model",
        metavar="NAME",
        help="auto (default: network guide and the photograph's own texture), exemplar, network",
    )
    add("--device", metavar="DEVICE", help="auto (default), cpu, cuda or mps")
    add("--seed", type=whole, metavar="N", help="another seed gives another texture (0)")
    add("--receipt", type=Path, metavar="FILE", help="write what was done, replayable, as JSON")
    add("--json", action="store_true", help="print one JSON object instead of a sentence")
    disclosure.add_options(parser)
    parser.set_defaults(run=run)


def default_output(photo: Path, format: str | None) -> Path:
    """`a.jpg` -> `a.vanished.jpg`, beside it; a suffix that lies about the `format`, or none, becomes its own."""
    from vanisher_core.codecs import ENDINGS, SUFFIXES

    named = SUFFIXES.get(photo.suffix.lower())
    if format is None or named == format:
        return photo.with_name(f"{photo.stem}.vanished{photo.suffix}")
    return photo.with_name(f"{photo.stem if named else photo.name}.vanished{ENDINGS[format]}")


def run(arguments: argparse.Namespace) -> int:
    """Erases, writes, reports.

    Raises:
        VanisherError: anything that the user can mend.
    """
    began = time.perf_counter()
    options = _options(arguments)
    model = setting(arguments.model, "VANISHER_MODEL", str, "auto")
    source: Path = arguments.photo
    inputs = [source, *([arguments.mask] if arguments.mask else [])]
    overwrite = setting(arguments.overwrite, "VANISHER_OVERWRITE", switch, False)
    wish = disclosure.wish_of(arguments)

    vanisher = _eraser(device(arguments.device), model)
    photo = open_photo(source)
    target: Path = arguments.output or default_output(source, photo.format)
    check_output(target, overwrite=overwrite, inputs=inputs)
    photo.check_savable(target)
    if arguments.receipt:
        _check_receipt(arguments.receipt, target, inputs, overwrite)
    if wish:
        arguments.receipt = check_disclosure(
            wish, photo, source, target, arguments.receipt, inputs, overwrite
        )
    mask = _mask(arguments, photo, vanisher)
    with Progress() as progress:
        result = vanisher.erase(
            photo, mask, model=model, fit_mask=arguments.fit_mask, progress=progress, **options
        )
    if wish:
        notes = disclosure.disclose(
            wish, photo=photo, result=result, mask=mask, source=source, target=target, receipt=arguments.receipt,
            overwrite=overwrite, notes=mask.notes,
        ).notes  # fmt: skip
    else:
        notes = _write(result, mask, arguments, target, overwrite)
    _report(arguments, result, mask, target, notes, time.perf_counter() - began)
    return 0


class Eraser(Protocol):
    """What erases: the library, or an engine that another package offers and that has its models loaded."""

    @property
    def erase(self) -> "Callable[..., Result]":
        """As `Vanisher.erase`."""
        ...

    @property
    def segment(self) -> "Callable[..., dict[str, Mask]]":
        """As `Vanisher.segment`."""
        ...


def _eraser(where: str, model: str) -> Eraser:
    """A warm engine if there is one and no device was asked for, else the library itself.

    Raises:
        UsageError: an unknown model or device.
    """
    if where == "auto":
        for entry in entry_points(group=ENGINE_GROUP):
            engine = entry.load()()
            if engine is not None:
                return engine
    from vanisher_core.vanish import Vanisher

    return Vanisher(device=where, model=model)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments of `Vanisher.erase` that options and variables decide."""
    return {
        "seed": setting(arguments.seed, "VANISHER_SEED", whole, 0),
        "grow": setting(arguments.grow, "VANISHER_GROW", whole, None),
        "feather": setting(arguments.feather, "VANISHER_FEATHER", length, None),
    }


def _check_receipt(receipt: Path, target: Path, inputs: list[Path], overwrite: bool) -> None:
    if receipt.resolve() == target.resolve():
        raise UsageError(
            f"The receipt and the picture have the same name {target}: name another with --receipt."
        )
    check_output(receipt, overwrite=overwrite, inputs=inputs)


def _mask(arguments: argparse.Namespace, photo: "Photo", vanisher: Eraser) -> "Mask":
    """The mask, read or found."""
    if arguments.mask:
        return open_mask(arguments.mask)
    from vanisher_core.mask import union

    with Progress() as progress:
        progress(0.0, f"looking for {', '.join(arguments.remove)}")
        found = vanisher.segment(photo, arguments.remove)
    return union(found.values())


def check_disclosure(
    wish: "disclosure.Wish", photo: "Photo", source: Path, target: Path, receipt: Path | None, inputs: list[Path],
    overwrite: bool,
) -> Path:  # fmt: skip
    """Refuses a disclosure that could not be written, before any work is done.

    Returns:
        Where the receipt will be.
    """
    names = disclosure.check(wish, photo, source, target, receipt)
    for path in names.replaceable():
        if path.resolve() == target.resolve():
            raise UsageError(
                f"The picture and a part of its disclosure have the same name {path}: name another."
            )
        check_output(path, overwrite=overwrite, inputs=inputs)
    return names.receipt


def _write(
    result: "Result", mask: "Mask", arguments: argparse.Namespace, target: Path, overwrite: bool
) -> tuple[str, ...]:
    """Writes the picture and the receipt.

    Returns:
        Notes of the mask, the fill and the saving, each once.
    """
    from vanisher_core.codecs import atomic
    from vanisher_core.receipt import Files, file_digest, file_name

    report = result.photo.save(target, overwrite=overwrite)
    notes = tuple(dict.fromkeys((*mask.notes, *result.notes, *report.notes)))
    if arguments.receipt:
        given = file_name(arguments.mask) if arguments.mask else None
        full: Receipt = result.receipt.with_files(
            input_file_sha256=file_digest(arguments.photo),
            output_file_sha256=file_digest(target),
            reencoded=f"saved as {report.format}, which is lossy" if report.reencoded else "",
            notes=notes,
            files=Files(file_name(arguments.photo), file_name(target), report.format, given),
        )
        atomic.write(arguments.receipt, full.to_json().encode(), overwrite=overwrite)
    return notes


def _report(
    arguments: argparse.Namespace,
    result: "Result",
    mask: "Mask",
    target: Path,
    notes: tuple[str, ...],
    seconds: float,
) -> None:
    share = float((result.mask_used.array > 0).mean())  # the soft edge is changed, too
    windows = result.receipt.as_dict()["windows"]
    if arguments.json:
        found = {
            "output": str(target),
            "receipt": str(arguments.receipt) if arguments.receipt else None,
            "size": list(result.photo.size),
            "erased_share": round(share, 6),
            "windows": windows,
            "notes": notes,
            "seconds": round(seconds, 3),
        }
        print_json(found)
        return
    print_notes(notes)
    if not result.mask_used.array.any():
        sought = "the mask is empty" if arguments.mask else f"no {' or '.join(arguments.remove)} was found"
        print(f"Nothing to erase: {sought}. {target} equals the original.")
        return
    ways = ", ".join(sorted({window["method"] for window in windows}))
    print(f"Wrote {target}: {share:.1%} of the picture filled ({ways}) in {seconds:.1f} s.")
