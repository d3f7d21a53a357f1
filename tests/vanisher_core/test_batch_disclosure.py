"""Disclosure in a batch: the same files as `vanisher erase --disclose`, complete wherever a result stands."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.vanisher_core.batch_torture import blob
from tests.vanisher_core.test_batch import ONE_THREAD, QUICK
from vanisher_core import cli
from vanisher_core.batch.disclosing import PARTS, plain, wish_of
from vanisher_core.batch.stores import FolderStore
from vanisher_core.disclosure import Credentials, Label, Wish

LABEL = ("--disclose", "--label", "Altered", "--label-size", "12")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a.png", "rooms/b.jpg"):
        array = rng.normal(120, 20, (120, 200, 3)).clip(0, 255).astype(np.uint8)
        for path in (tmp_path / "in" / name, tmp_path / "masks" / f"{name}.png"):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(tmp_path / "in" / name)
        Image.fromarray(blob(array.shape)).save(tmp_path / "masks" / f"{name}.png")
    return tmp_path


def batch(folder: Path, *more: str) -> int:
    places = [str(folder / name) for name in ("in", "out")]
    return cli.main(["batch", *places, "--masks", str(folder / "masks"), *QUICK, *LABEL, *more])


def test_each_result_gets_the_pack_that_erase_writes(folder: Path) -> None:
    assert batch(folder) == 0
    alone = folder / "alone"
    alone.mkdir()
    words = ["erase", "in/rooms/b.jpg", "--mask", "masks/rooms/b.jpg.png", "-o", "alone/b.jpg", *LABEL,
             "--model", "exemplar", "--device", "cpu"]  # fmt: skip
    subprocess.run([sys.executable, "-m", "vanisher_core", *words], cwd=folder, env=ONE_THREAD, check=True)
    names = sorted(path.name for path in alone.iterdir())
    assert len(names) == 1 + len(PARTS)
    for name in names:
        assert (folder / "out" / "rooms" / name).read_bytes() == (alone / name).read_bytes(), name
    for result in ("out/a.png", "out/rooms/b.jpg"):
        assert cli.main(["verify", str(folder / result)]) == 0


@pytest.mark.parametrize("named", [0, 1, 4, 5])
def test_a_pack_that_was_cut_off_is_completed(
    folder: Path, named: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run ends after so many files have got their names."""
    commit, count = FolderStore.commit, iter(range(1000))

    def cut(self: FolderStore, key: str, name: str, *, replace: bool) -> None:
        if next(count) == named:
            raise KeyboardInterrupt
        commit(self, key, name, replace=replace)

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "commit", cut)
        assert batch(folder) == 130
    assert not {"a.png", "rooms/b.jpg"} <= {
        path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*")
    }
    assert batch(folder, "--resume") == 0
    for result in ("out/a.png", "out/rooms/b.jpg"):
        assert cli.main(["verify", str(folder / result)]) == 0


def test_pictures_whose_packs_would_collide_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, suffix in (("in", ""), ("masks", ".png")):
        (folder / part / f"a.tif{suffix}").write_bytes((folder / part / f"a.png{suffix}").read_bytes())
    assert batch(folder) == 1
    assert "a.png: would write to the same file as a.tif" in capsys.readouterr().err
    assert (folder / "out" / "rooms" / "b.jpg").exists() and not (folder / "out" / "a.png").exists()


def test_a_stranger_beside_a_result_is_not_overwritten(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "a.mask.png").write_bytes(b"mine")
    assert batch(folder) == 1
    assert (folder / "out" / "a.mask.png").read_bytes() == b"mine"
    assert not (folder / "out" / "a.png").exists()


@pytest.mark.parametrize(
    "wish",
    [
        None,
        Wish(),
        Wish(Label("Altered", "ahead", 0.1)),
        Wish(None, Credentials(Path("/a.pem"), Path("/k.pem"))),
    ],
)
def test_a_wish_goes_to_other_machines_and_back(wish: Wish | None) -> None:
    assert wish_of(plain(wish)) == wish
