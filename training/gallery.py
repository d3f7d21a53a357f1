"""A page of erasures on real photographs, to be looked at: `make gallery`, `python -m training.gallery`.

Figures say whether a change helps on average; only eyes find a dissolved dune edge. Every erasure of
`training.gallery_scenes` goes through `Vanisher.erase` with the user's defaults. The page shows each at full
size with a slider between before and after, and says what the product said of its own fill. `plates/` holds
before, mask and after side by side round the hole. The pictures are research data: the page goes to the
system's temporary folder, never into the repository.
"""

from __future__ import annotations

import argparse
import html
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.gallery_scenes import Scene, scenes
from training.methods import PRODUCT
from training.validation import Picture, data_folder
from vanisher_core.errors import VanisherError

JPEG_QUALITY = 95
PLATE_MARGIN = 0.6  # of the hole's longer side, shown round it
PLATE_SIDE = 900  # pixels, longest side of one of a plate's three parts

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Vanisher: {count} erasures</title><style>
body {{ font: 16px/1.4 sans-serif; margin: 1.5rem; background: #222; color: #ddd }}
a {{ color: #9cf }} section {{ margin: 0 0 4rem }} h2 {{ font-size: 1.1rem }} .bad {{ color: #f96 }}
.pair {{ position: relative; display: inline-block; line-height: 0 }}
.pair img {{ max-width: none }} .pair .over {{ position: absolute; left: 0; top: 0 }}
.pair .mask {{ opacity: .5; mix-blend-mode: screen; display: none }} .marked .mask {{ display: block }}
input[type=range] {{ width: min(100%, 60rem) }}
</style></head><body><h1>Vanisher: {count} erasures, model {model}</h1>
<p>Slider: left is before, right is after. <label><input type="checkbox"
onchange="document.body.classList.toggle('marked', this.checked)"> show masks</label></p>
<p>{index}</p>
{sections}
</body></html>
"""
SECTION = """<section id="{name}"><h2>{title}</h2>
<p{style}>{size}, hole {share:.1f} %, {seconds:.1f} s. {said}</p>
<input type="range" min="0" max="100" value="0"
aria-label="how much of the picture before is shown"
oninput="document.getElementById('{name}-before').style.clipPath =
'inset(0 ' + (100 - this.value) + '% 0 0)'">
<div><div class="pair"><img src="{name}-after.jpg" alt="after" loading="lazy">
<img class="over" id="{name}-before" style="clip-path: inset(0 100% 0 0)" src="{name}-before.jpg" alt="before"
loading="lazy"><img class="over mask" src="{name}-mask.png" alt="" loading="lazy"></div></div></section>"""


class Erased(NamedTuple):
    """A scene after the product had it; `after` is None when it was refused and `said` tells why."""

    scene: Scene
    after: Picture | None
    mask_used: NDArray[np.uint8]
    seconds: float
    said: str


def erase(scene: Scene, model: str, device: str, seed: int = 0) -> Erased:
    """Runs one scene through the product with the user's defaults."""
    from vanisher_core import Mask, Photo, Vanisher
    from vanisher_core.quality import verdict

    vanisher = Vanisher(device=device, model=model)
    start = time.perf_counter()
    given = scene.hole.astype(np.uint8) * 255
    try:
        result = vanisher.erase(Photo.from_array(scene.rgb), Mask.from_array(given), seed=seed)
    except VanisherError as error:
        return Erased(scene, None, given, time.perf_counter() - start, f"refused: {error}")
    seconds = time.perf_counter() - start
    judged = None if result.scores is None else verdict(result.scores)
    said = [] if judged is None or judged.ok else [f"doubtful: {'; '.join(judged.reasons)}"]
    return Erased(
        scene, result.photo.array, result.mask_used.array, seconds, " ".join([*said, *result.notes])
    )


def hole_window(hole: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the hole with a margin, clipped to the picture."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    margin = round(PLATE_MARGIN * max(rows[-1] - rows[0], columns[-1] - columns[0])) + 16
    return (
        slice(max(0, rows[0] - margin), rows[-1] + margin),
        slice(max(0, columns[0] - margin), columns[-1] + margin),
    )


def plate(erased: Erased) -> Image.Image:
    """Before, before with the mask in magenta, after: side by side round the hole."""
    rgb, after = erased.scene.rgb, erased.after
    marked = np.where(erased.mask_used[..., None] > 0, np.array([255, 0, 255], np.uint8), rgb)
    window = hole_window(erased.mask_used > 0)
    parts = [picture[window] for picture in (rgb, marked, rgb if after is None else after)]
    sheet = Image.fromarray(np.hstack(parts))
    factor = min(1.0, PLATE_SIDE / max(parts[0].shape[:2]))
    return sheet.resize((max(1, round(sheet.width * factor)), max(1, round(sheet.height * factor))))


def write_pictures(erased: Erased, folder: Path) -> None:
    """Writes before, mask, after and the plate of one scene."""
    name = erased.scene.name
    Image.fromarray(erased.scene.rgb).save(folder / f"{name}-before.jpg", quality=JPEG_QUALITY)
    Image.fromarray(erased.mask_used).save(folder / f"{name}-mask.png")
    shown = erased.scene.rgb if erased.after is None else erased.after
    Image.fromarray(shown).save(folder / f"{name}-after.jpg", quality=JPEG_QUALITY)
    (folder / "plates").mkdir(exist_ok=True)
    plate(erased).save(folder / "plates" / f"{name}.png")


def section(erased: Erased) -> str:
    """The scene's part of the page."""
    height, width = erased.scene.rgb.shape[:2]
    return SECTION.format(
        name=html.escape(erased.scene.name, quote=True),
        title=html.escape(erased.scene.title),
        style=' class="bad"' if erased.said else "",
        size=f"{width}x{height}",
        share=100 * float(erased.scene.hole.mean()),
        seconds=erased.seconds,
        said=html.escape(erased.said),
    )


def build(found: Iterable[Scene], folder: Path, model: str, device: str) -> tuple[Path, list[Erased]]:
    """Erases every scene and writes the page; gives its path and each outcome (pictures dropped)."""
    folder.mkdir(parents=True, exist_ok=True)
    sections, names, outcomes = [], [], []
    for scene in found:
        erased = erase(scene, model, device)
        write_pictures(erased, folder)
        sections.append(section(erased))
        names.append(html.escape(scene.name))
        outcomes.append(erased._replace(after=None if erased.after is None else erased.after[:1, :1]))
        print(f"{scene.name}: {erased.seconds:.1f} s {erased.said}", file=sys.stderr)
    index = " ".join(f'<a href="#{name}">{name}</a>' for name in names)
    page = folder / "index.html"
    text = PAGE.format(
        count=len(sections), model=html.escape(model), index=index, sections="\n".join(sections)
    )
    page.write_text(text, encoding="utf-8")
    return page, outcomes


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m training.gallery`."""
    made = argparse.ArgumentParser(prog="python -m training.gallery", description=__doc__)
    made.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "vanisher-gallery")
    made.add_argument("--data", type=Path, help="folder of tar shards (VANISHER_DATA, ../shared/data)")
    made.add_argument("--model", choices=PRODUCT, default="auto")
    made.add_argument("--device", default="cpu")
    made.add_argument("--only", nargs="+", metavar="NAME", help="some scenes, by name")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the gallery and prints its path; 0 done, 1 a scene was refused, 2 nothing to show."""
    options = parser().parse_args(argv)
    try:
        found = scenes(data_folder(options.data))
    except FileNotFoundError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    chosen = (scene for scene in found if not options.only or scene.name in options.only)
    page, outcomes = build(chosen, options.out, options.model, options.device)
    if not outcomes:
        print("error: no scene matches: see training/gallery_scenes.py for the names", file=sys.stderr)
        return 2
    refused = [erased.scene.name for erased in outcomes if erased.after is None]
    print(f"{len(outcomes)} erasures, {len(refused)} refused {' '.join(refused)}\n{page}")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
