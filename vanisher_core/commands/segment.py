"""`vanisher segment`: the mask of named classes, at the photograph's own size, white where they are."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vanisher_core.commands.common import (
    Progress,
    check_output,
    class_names,
    device,
    open_photo,
    print_json,
    print_notes,
    setting,
    switch,
)

if TYPE_CHECKING:
    from vanisher_core.mask import Mask


def register(commands: Any) -> None:
    """Adds `segment` and its options."""
    parser = commands.add_parser(
        "segment",
        help="write the mask of every person in a photograph",
        description="Finds things by class and writes one mask of them all, to mend and to give to erase.",
        epilog="example:\n  vanisher segment beach.jpg --classes person -o people.png",
    )
    add = parser.add_argument
    add("photo", type=Path, metavar="PHOTO", help="PNG, JPEG, TIFF or WebP; never changed")
    add("--classes", type=class_names, required=True, metavar="CLASS[,CLASS]", help="what to find: person")
    add(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="MASK",
        help="where to write the mask; PNG keeps it exact",
    )
    add("--overwrite", action="store_true", default=None, help="replace MASK if it exists")
    add("--device", metavar="DEVICE", help="auto (default), cpu, cuda or mps")
    add("--json", action="store_true", help="print one JSON object instead of a sentence")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Finds, writes, reports.

    Raises:
        VanisherError: anything that the user can mend.
    """
    from vanisher_core.mask import union

    overwrite = setting(arguments.overwrite, "VANISHER_OVERWRITE", switch, False)
    photo = open_photo(arguments.photo)
    check_output(arguments.output, overwrite=overwrite, inputs=[arguments.photo])
    _check_format(arguments.output, photo.size)

    from vanisher_core.vanish import Vanisher

    vanisher = Vanisher(device=device(arguments.device))
    with Progress() as progress:
        progress(0.0, f"looking for {', '.join(arguments.classes)}")
        found = vanisher.segment(photo, arguments.classes)
    union(found.values()).save(arguments.output, overwrite=overwrite)
    rows = {name: _describe(mask) for name, mask in found.items()}
    if arguments.json:
        print_json({"output": str(arguments.output), "size": list(photo.size), "classes": rows})
        return 0
    if arguments.output.suffix.lower() != ".png":
        print_notes([f"{arguments.output.suffix} may not keep the mask exactly; PNG does."])
    parts = (f"{name} {row['share']:.1%}" if row["pixels"] else f"no {name}" for name, row in rows.items())
    print(f"Wrote {arguments.output}: {', '.join(parts)} of the picture.")
    return 0


def _check_format(target: Path, size: tuple[int, int]) -> None:
    """Refuses a name whose format is unknown or cannot hold a mask of this (width, height)."""
    import numpy as np

    from vanisher_core.codecs import codec, format_of
    from vanisher_core.codecs.base import Metadata

    blank = np.broadcast_to(np.uint8(0), size[::-1])  # takes no memory, whatever the size
    codec(format_of(target.suffix) if target.suffix else "PNG").check(blank, Metadata())


def _describe(mask: "Mask") -> dict[str, Any]:
    """Pixels, share and box (left, top, right, bottom; None if nothing) of what was found."""
    import numpy as np

    rows, columns = np.flatnonzero(mask.hole.any(axis=1)), np.flatnonzero(mask.hole.any(axis=0))
    box = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1] if rows.size else None
    return {"pixels": int(mask.hole.sum()), "share": round(float(mask.hole.mean()), 6), "box": box}
