"""What the guides tell people to type works: `sh` and `python` blocks are run, `console` lines are understood.

Every page gets a folder of its own with what its commands name: photographs, masks, a panorama, folders of them.
`docs/scripting.md` needs a daemon and is run by `tests/local_server/test_document.py`, `docs/disclosure.md` by
`tests/vanisher_core/test_disclosure_page.py`.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vanisher_core.cli import build_parser

ROOT = Path(__file__).parents[1]
PAGES = sorted({ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")} - {
    ROOT / "docs" / name for name in ("log.md", "scripting.md", "disclosure.md", "training.md")
})  # fmt: skip
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return [text for name, text in FENCED.findall(page.read_text(encoding="utf-8")) if name == kind]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with everything that the guides' commands name."""
    person = Image.fromarray(data.astronaut()).resize((192, 192))
    spot = np.zeros((192, 192), np.uint8)
    spot[20:36, 150:170] = 255
    scene = np.random.default_rng(0).normal(0, 4, (128, 256, 3)) + np.linspace(60, 190, 128)[:, None, None]
    panorama = Image.fromarray(scene.clip(0, 255).astype(np.uint8))
    sofa = np.zeros((128, 256), np.uint8)
    sofa[70:86, 40:70] = 255
    for folder, picture, mask in (("", person, spot), ("scans", person, spot), ("tour", panorama, sofa)):
        masks = tmp_path / f"{folder}-masks" if folder else tmp_path
        for place in (tmp_path / folder, masks):
            place.mkdir(exist_ok=True)
        names = ("beach.jpg", "street.png") if picture is person else ("hall.jpg", "kitchen.jpg")
        for name in names:
            picture.save(tmp_path / folder / name, quality=90)
            Image.fromarray(mask).save(masks / f"{Path(name).stem}.png" if folder else masks / "mask.png")
    panorama.save(tmp_path / "room.jpg", quality=90)
    Image.fromarray(sofa).save(tmp_path / "sofa.png")
    Image.fromarray(sofa).save(tmp_path / "furniture.png")
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    """Of somebody who has just installed it: its own home, `vanisher` on the path."""
    tools = Path(sys.executable).parent
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return kept | {
        "HOME": str(home), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1",
        "VANISHER_STATE": str(home / "state"), "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_run(page: Path, desk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    surroundings = environment(tmp_path_factory.mktemp("home"))
    for block in blocks(page, "sh"):
        done = subprocess.run(
            ["bash", "-eu", "-c", block], cwd=desk, env=surroundings, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{page.name}:\n{block}\n{done.stdout}{done.stderr}"
    for block in blocks(page, "python"):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=desk, env=surroundings, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{page.name}:\n{block}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_that_are_not_run_are_understood(page: Path) -> None:
    """`vanisher ...` lines of console blocks: every option and choice exists."""
    for block in blocks(page, "console"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["vanisher"] and not {"--help", "--version"} & set(words):
                build_parser().parse_args(words[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    missing = [target for target in LINK.findall(text) if not (page.parent / target).exists()]
    assert not missing
