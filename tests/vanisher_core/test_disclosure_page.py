"""docs/disclosure.md: every command on it runs, in its order, in one folder."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.vanisher_core.disclosure_files import disc, pixels, signing_chain
from vanisher_core import cli

PAGE = Path(__file__).parents[2] / "docs" / "disclosure.md"


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pytest.importorskip("c2pa")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VANISHER_MODEL", "exemplar")
    size = (240, 360)
    Image.fromarray(pixels(*size)).save("listing.jpg", quality=95)
    Image.fromarray(disc(*size)).save("sofa.png")
    Image.fromarray(np.tile(pixels(128, 64), (1, 4, 1))).save("room.jpg", quality=95)
    signing_chain(tmp_path)
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
        for line in block.splitlines()
    ]
    assert len(lines) == 11
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "vanisher"
        assert cli.main(words) == 0, (line, capsys.readouterr().err)
    assert Path("again.jpg").read_bytes() == Path("labelled.jpg").read_bytes()
