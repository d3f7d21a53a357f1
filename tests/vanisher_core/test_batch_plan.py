"""What a batch takes from a folder, what it refuses, and what its record remembers."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vanisher_core import cli
from vanisher_core.batch.manifest import Manifest
from vanisher_core.batch.places import places
from vanisher_core.batch.plan import Choice, Plan, Planner
from vanisher_core.batch.stores import FolderStore
from vanisher_core.batch.task import Job, Settings, Task, key, shown
from vanisher_core.errors import InputError, OutputError, UsageError


def line(name: str, **more: object) -> dict[str, object]:
    return {"input": name, "status": "done", "settings": Settings().as_dict(), "output": name, **more}


def plan(folder: Path, settings: Settings | None = None, **choice: object) -> Plan:
    planner = Planner(
        settings or Settings(remove=("person",)),
        Choice(**choice),  # pyright: ignore[reportArgumentType]
        FolderStore(str(folder / "in")),
        FolderStore(str(folder / "out")),
        FolderStore(str(folder / "masks")),
        "",
    )
    with Manifest(folder / "state", write=True) as manifest:
        return planner.plan(manifest)


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode("utf-8", "surrogateescape"))


def taken(found: Plan) -> list[str]:
    return [job.name for job in found.jobs]


def test_takes_pictures_by_suffix_in_the_order_of_names(tmp_path: Path) -> None:
    put(tmp_path / "in", "b.JPG", "a.tiff", "x/y/z.webp", "notes.txt", ".hidden.png", ".git/a.png", "noext")
    assert taken(plan(tmp_path)) == ["a.tiff", "b.JPG", "x/y/z.webp"]


def test_globs_choose_by_whole_name_or_last_part(tmp_path: Path) -> None:
    put(tmp_path / "in", "a.jpg", "rooms/a.jpg", "rooms/b.JPG", "rooms/raw/c.jpg", "odd.bin")
    assert taken(plan(tmp_path, include=("*.jpg",))) == [
        "a.jpg",
        "rooms/a.jpg",
        "rooms/b.JPG",
        "rooms/raw/c.jpg",
    ]
    assert taken(plan(tmp_path, include=("rooms/*",), exclude=("*/raw/*",))) == ["rooms/a.jpg", "rooms/b.JPG"]
    assert taken(plan(tmp_path, include=("*.bin",))) == ["odd.bin"]


@pytest.mark.parametrize(
    ("first", "second", "format"),
    [
        ("a.jpg", "a.JPG", ""),
        ("a.jpg", "a.png", ".png"),
        ("é.png", "e\u0301.png", ""),
        ("A/b.png", "a/b.png", ""),
    ],
)
def test_two_pictures_for_one_output_are_both_refused(
    tmp_path: Path, first: str, second: str, format: str
) -> None:
    put(tmp_path / "in", first, second, "other.jpg")
    found = plan(tmp_path, Settings(remove=("person",), format=format))
    assert set(found.refused) == {first, second} and len(found.jobs) == 1
    assert shown(first) in found.refused[second]


def test_masks_are_found_by_name(tmp_path: Path) -> None:
    put(tmp_path / "in", "a.jpg", "s/b.jpg", "s/c.jpg", "s/c.tif", "d.jpg", "e.jpg")
    put(tmp_path / "masks", "a.png", "s/b.jpg.png", "s/c.tif.png", "s/c.png", "d.png", "d.webp")
    found = plan(tmp_path, Settings(masks="named"))
    assert {job.name: job.mask for job in found.jobs} == {
        "a.jpg": "a.png", "s/b.jpg": "s/b.jpg.png", "s/c.jpg": "s/c.png", "s/c.tif": "s/c.tif.png",
    }  # fmt: skip
    assert "2 masks" in found.refused["d.jpg"] and "no mask" in found.refused["e.jpg"]


def test_links_are_never_followed(tmp_path: Path) -> None:
    put(tmp_path / "in", "s/a.jpg")
    put(tmp_path, "elsewhere/b.jpg")
    (tmp_path / "in" / "s" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "away").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "again.jpg").symlink_to(tmp_path / "in" / "s" / "a.jpg")
    found = plan(tmp_path)
    assert taken(found) == ["s/a.jpg"]
    assert set(found.skipped) == {"s/loop", "again.jpg"} and set(found.refused) == {"away"}


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    put(tmp_path, "originals/a.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "s").symlink_to(tmp_path / "originals")
    target = FolderStore(str(tmp_path / "out"))
    target.stage("k", b"new")
    with pytest.raises(OutputError, match="leads out of"):
        target.commit("k", "s/a.jpg", replace=True)
    assert (tmp_path / "originals" / "a.jpg").read_bytes() == b"originals/a.jpg"


def test_a_name_that_is_taken_is_not_taken_away(tmp_path: Path) -> None:
    put(tmp_path / "out", "a.jpg")
    target = FolderStore(str(tmp_path / "out"))
    target.stage("k", b"new")
    with pytest.raises(UsageError, match="exists already"):
        target.commit("k", "a.jpg", replace=False)
    target.commit("k", "a.jpg", replace=True)
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"new" and target.staged("k") == ""


def test_a_recorded_result_gets_its_name_after_a_kill(tmp_path: Path) -> None:
    """Killed between the record's line and the name: nothing is done again."""
    put(tmp_path / "in", "a.jpg", "b.jpg")
    source, target = FolderStore(str(tmp_path / "in")), FolderStore(str(tmp_path / "out"))
    target.stage(key("a.jpg"), b"result")
    with Manifest(tmp_path / "state", write=True) as manifest:
        more = {
            "stamp": f"{source.stamp('a.jpg')}|",
            "output_bytes": 6,
            "output_sha256": target.staged(key("a.jpg")),
        }
        manifest.append(line("a.jpg", **more))
    found = plan(tmp_path)
    assert [job.name for job in found.unfinished] == ["a.jpg"] and taken(found) == ["b.jpg"]


def test_dry_run_says_what_would_be_done_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "in", "a.jpg", "b.jpg", "b.JPG")
    status = cli.main(
        ["batch", str(tmp_path / "in"), str(tmp_path / "out"), "--remove", "person", "--dry-run"]
    )
    out = capsys.readouterr().out
    assert status == 1 and "would erase a.jpg" in out and "would refuse b.JPG" in out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "target", "more", "sentence"),
    [
        ("in", "in", (), "results would lie among"),
        ("in/deep", "in", (), "results would lie among"),
        ("gone", "out", (), "does not exist"),
        ("in/a.jpg", "out", (), "is no folder"),
        ("in", "s3://bucket/x", (), "--state"),
        ("in", "out", ("--masks", "gone"), "does not exist"),
        ("in", "out", ("--masks", "in"), "IN_DIR itself"),
        ("in", "out", ("--mask", "gone.png"), "does not exist"),
        ("in", "out", ("--panorama", "--nadir", "20", "--fit-mask"), "--fit-mask"),
    ],
)
def test_places_that_cannot_work_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    source: str, target: str, more: tuple[str, ...], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "in", "a.jpg", "deep/b.jpg")
    what = more or ("--remove", "person")
    assert cli.main(["batch", source, target, *what, "--dry-run"]) == 2
    assert sentence in capsys.readouterr().err


def test_outputs_and_masks_inside_the_input_are_no_input(tmp_path: Path) -> None:
    put(tmp_path / "in", "a.jpg", "out/old.jpg", "masks/a.png", "vanisher-batch/pictures/x.jpg")
    words = [
        "batch",
        str(tmp_path / "in"),
        str(tmp_path / "in" / "out"),
        "--masks",
        str(tmp_path / "in" / "masks"),
    ]
    where = places(cli.build_parser().parse_args(words))
    names = {one.name for one in where.source.files(where.leave_out)}
    assert names == {"a.jpg"}


# The record


@given(lines=st.integers(0, 4), cut=st.integers(0, 400))
def test_a_torn_last_line_is_dropped_and_the_rest_kept(
    tmp_path_factory: pytest.TempPathFactory, lines: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("record")
    with Manifest(folder, write=True) as manifest:
        for index in range(lines):
            manifest.append(line(f"ü{index}.jpg"))
    whole = manifest.path.read_bytes()
    torn = (json.dumps({"format": 1, **line("torn.jpg")}) + "\n").encode()[:cut]
    manifest.path.write_bytes(whole + torn)
    with Manifest(folder, write=False) as seen:
        assert manifest.path.read_bytes() == whole + torn
        ended = torn.endswith(b"\n")
        assert list(seen.entries) == [f"ü{index}.jpg" for index in range(lines)] + ["torn.jpg"] * ended
    with Manifest(folder, write=True) as again:
        again.append(line("next.jpg"))
        assert [one["input"] for one in again.lines()][-1] == f"ü{lines - 1}.jpg" or lines == 0
    assert all(json.loads(raw) for raw in manifest.path.read_bytes().splitlines())


def test_a_line_damaged_in_the_middle_is_an_error(tmp_path: Path) -> None:
    with Manifest(tmp_path, write=True) as manifest:
        manifest.append(line("a.jpg"))
        manifest.append(line("b.jpg"))
    text = manifest.path.read_bytes()
    manifest.path.write_bytes(b"x" + text)
    with pytest.raises(InputError, match="line 1"):
        Manifest(tmp_path, write=True)
    manifest.path.write_bytes(text.replace(b'"format": 1', b'"format": 9'))
    with pytest.raises(InputError, match="update Vanisher"):
        Manifest(tmp_path, write=True)


@given(st.text(st.characters(exclude_categories=()), min_size=1, max_size=30))
def test_any_name_goes_through_record_and_task(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("names")
    with Manifest(folder, write=True) as manifest:
        manifest.append(line(name))
    with Manifest(folder, write=False) as seen:
        assert list(seen.entries) == [name]
    shown(name).encode()


def test_settings_and_tasks_survive_json() -> None:
    settings = Settings(remove=("person",), grow=3, feather=0.5, extra={"nadir": 20.0})
    task = Task(settings, "in", "out", "", 5, 6)
    assert Task.from_dict(json.loads(json.dumps(task.as_dict()))) == task
    assert Job("a", "ä.png").key == key("ä.png") and len(key("x")) == 32
