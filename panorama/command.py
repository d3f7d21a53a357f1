"""`vanisher panorama`: one 360-degree photograph, what to erase, one new file; the original is only read."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from panorama.erase import PanoramaResult
    from panorama.files import Panorama

_EXAMPLES = """\
examples:
  vanisher panorama room.jpg --nadir 18
  vanisher panorama room.jpg --mask sofa.png -o room-without-sofa.jpg --view room.html
  vanisher panorama room.jpg --remove furniture --relight
  vanisher panorama hall.tif --remove person --receipt hall.json"""


def register(commands: Any) -> None:
    """Adds `panorama` and its options."""
    parser = commands.add_parser(
        "panorama",
        help="erase from a 360-degree photograph, across its seam and poles",
        description="Erases on the sphere: objects by mask or class, the tripod below; every other sample stays as "
        "it was. The picture is equirectangular: 2:1, or cropped with GPano data.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("panorama", type=Path, metavar="PANO", help="PNG, JPEG, TIFF or WebP; never changed")
    add("--mask", type=Path, metavar="MASK", help="picture of the same size, white where to erase")
    add(
        "--remove",
        type=class_names,
        metavar="CLASS[,CLASS]",
        help="what to find and erase: person, furniture, or a kind of it (bed, chair, sofa, table, rug, lamp, ...)",
    )
    add(
        "--nadir",
        type=degrees,
        metavar="DEGREES",
        help="erase the cap of this radius straight below (tripod)",
    )
    add("-o", "--output", type=Path, metavar="OUT", help="where to write (NAME.vanished.EXT)")
    add(
        "--overwrite",
        action="store_true",
        default=None,
        help="replace OUT and the other outputs if they exist",
    )
    add(
        "--grow",
        type=whole,
        metavar="PX",
        help="pixels, at the horizon, to grow the mask by (automatic, by size)",
    )
    add(
        "--feather",
        type=length,
        metavar="PX",
        help="width of the soft edge inside the grown ring (automatic)",
    )
    add(
        "--relight",
        action="store_true",
        help="also take away the shadows that the erased things left within 20 degrees of them",
    )
    add("--model", metavar="NAME", help="auto (default), exemplar, network")
    add("--device", metavar="DEVICE", help="auto (default), cpu, cuda or mps")
    add("--seed", type=whole, metavar="N", help="another seed gives another texture (0)")
    add("--receipt", type=Path, metavar="FILE", help="write what was done, view by view, as JSON")
    add("--preview", type=Path, metavar="FILE", help="write a small picture, before above after")
    add("--view", type=Path, metavar="FILE.html", help="write a page to look round in, before and after")
    add("--json", action="store_true", help="print one JSON object instead of a sentence")
    disclosure.add_options(parser)
    parser.set_defaults(run=run)


def degrees(text: str) -> float:
    """An angle above 0 and up to 60 degrees."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError(f"takes degrees above 0 and up to 60, not {text!r}")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Erases, writes, reports.

    Raises:
        VanisherError: anything that the user can mend.
    """
    began = time.perf_counter()
    if not (arguments.mask or arguments.remove or arguments.nadir):
        raise UsageError(
            "Nothing says what to erase: give --mask, --remove or --nadir (several may be combined)."
        )
    options = {
        "seed": setting(arguments.seed, "VANISHER_SEED", whole, 0),
        "grow": setting(arguments.grow, "VANISHER_GROW", whole, None),
        "feather": setting(arguments.feather, "VANISHER_FEATHER", length, None),
    }
    model = setting(arguments.model, "VANISHER_MODEL", str, "auto")
    overwrite = setting(arguments.overwrite, "VANISHER_OVERWRITE", switch, False)
    wish = disclosure.wish_of(arguments, place="ahead")

    from panorama.erase import erase_panorama
    from panorama.files import Panorama
    from vanisher_core.commands.erase import check_disclosure, default_output
    from vanisher_core.vanish import Vanisher

    vanisher = Vanisher(device=device(arguments.device), model=model)
    panorama = Panorama.from_photo(open_photo(arguments.panorama))
    target: Path = arguments.output or default_output(arguments.panorama, panorama.photo.format)
    inputs = _check_outputs(arguments, target, overwrite)
    panorama.photo.check_savable(target)
    if wish:
        arguments.receipt = check_disclosure(
            wish, panorama.photo, arguments.panorama, target, arguments.receipt, inputs, overwrite
        )
    mask = open_mask(arguments.mask) if arguments.mask else None
    with Progress() as progress:
        result = erase_panorama(
            panorama, mask, remove=arguments.remove or (), nadir=arguments.nadir, vanisher=vanisher,
            relight=arguments.relight, progress=progress, **options,
        )  # fmt: skip
    notes = _write(arguments, panorama, result, target, overwrite, wish)
    _report(arguments, result, target, notes, time.perf_counter() - began)
    return 0


def _check_outputs(arguments: argparse.Namespace, target: Path, overwrite: bool) -> list[Path]:
    """Refuses outputs that could not be written, or that are one file, before any work is done.

    Returns:
        The inputs.
    """
    inputs = [arguments.panorama, *([arguments.mask] if arguments.mask else [])]
    outputs = [target, *(path for path in (arguments.receipt, arguments.preview, arguments.view) if path)]
    if arguments.view:
        from panorama.viewer import check_name

        check_name(arguments.view)
    for path in outputs:
        check_output(path, overwrite=overwrite, inputs=inputs)
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise UsageError(
            "Two outputs have the same name: give -o, --receipt, --preview and --view different ones."
        )
    return inputs


def _write(
    arguments: argparse.Namespace,
    panorama: "Panorama",
    result: "PanoramaResult",
    target: Path,
    overwrite: bool,
    wish: "disclosure.Wish | None",
) -> list[str]:
    """Writes the picture and what else was asked for.

    Returns:
        Notes of the fill and the saving, each once.
    """
    if wish:
        notes = disclosure.disclose(
            wish, photo=panorama.photo, result=result, mask=result.mask, source=arguments.panorama, target=target,
            receipt=arguments.receipt, overwrite=overwrite,
        ).notes  # fmt: skip
    else:
        notes = _save(arguments, result, target, overwrite)
    if arguments.preview:
        from panorama.viewer import preview

        preview(panorama.photo, result.photo).save(arguments.preview, overwrite=overwrite)
    if arguments.view:
        from panorama.viewer import write_viewer

        write_viewer(
            arguments.view,
            panorama.frame,
            panorama.photo,
            result.photo,
            title=target.name,
            overwrite=overwrite,
        )
    return list(notes)


def _save(
    arguments: argparse.Namespace, result: "PanoramaResult", target: Path, overwrite: bool
) -> tuple[str, ...]:
    """Writes the picture and the receipt without a disclosure; the notes of fill and saving, each once."""
    from vanisher_core.codecs import atomic
    from vanisher_core.receipt import Files, file_digest, file_name

    report = result.photo.save(target, overwrite=overwrite)
    notes = tuple(dict.fromkeys((*result.notes, *report.notes)))
    if arguments.receipt:
        alone = arguments.mask and not (arguments.remove or arguments.nadir)
        full = result.receipt.with_files(
            input_file_sha256=file_digest(arguments.panorama),
            output_file_sha256=file_digest(target),
            reencoded=f"saved as {report.format}, which is lossy" if report.reencoded else "",
            notes=notes,
            files=Files(
                file_name(arguments.panorama),
                file_name(target),
                report.format,
                file_name(arguments.mask) if alone else None,
            ),
        )
        atomic.write(arguments.receipt, full.to_json().encode(), overwrite=overwrite)
    return notes


def _report(
    arguments: argparse.Namespace, result: "PanoramaResult", target: Path, notes: list[str], seconds: float
) -> None:
    share = float((result.mask_used.array > 0).mean())
    views = result.receipt.as_dict()["views"]
    if arguments.json:
        others = {name: getattr(arguments, name) for name in ("receipt", "preview", "view")}
        found = {
            "output": str(target),
            **{name: str(path) if path else None for name, path in others.items()},
            "size": list(result.photo.size),
            "erased_share": round(share, 6),
            "views": views,
            "notes": notes,
            "seconds": round(seconds, 3),
        }
        print_json(found)
        return
    print_notes(notes)
    if not views:
        print(f"Nothing to erase. {target} equals the original.")
        return
    plural, done = "s" if len(views) > 1 else "", "filled and relit" if result.receipt.relight else "filled"
    print(
        f"Wrote {target}: {share:.1%} of the panorama {done} in {len(views)} view{plural} in {seconds:.1f} s."
    )
