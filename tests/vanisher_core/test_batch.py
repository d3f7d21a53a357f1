"""`vanisher batch` from the command line: what it writes, what it goes on with, and what it refuses."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.vanisher_core.batch_torture import blob, picture
from vanisher_core import Photo, cli
from vanisher_core.batch.local import LocalEngine
from vanisher_core.batch.manifest import Manifest
from vanisher_core.batch.task import Job, Settings, Task
from vanisher_core.receipt import Receipt, file_digest

ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1", "VANISHER_THREADS": "1"}
QUICK = ("--model", "exemplar", "--device", "cpu", "--workers", "1")


class Desk:
    """A folder of pictures with masks, and the means to run a batch on it."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capture = folder, capture
        self.source, self.masks, self.target = (folder / name for name in ("in", "masks", "out"))
        self.rng = np.random.default_rng(0)
        for name in ("a.png", "rooms/b.jpg", "rooms/c.png"):
            self.add(name)

    def add(self, name: str) -> None:
        array = picture(self.rng)
        for path in (self.source / name, self.masks / f"{name}.png"):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(self.source / name)
        Image.fromarray(blob(array.shape)).save(self.masks / f"{name}.png")

    def words(self, *more: object) -> list[str]:
        return ["batch", *map(str, (self.source, self.target, "--masks", self.masks, *QUICK, *more))]

    def run(self, *more: object) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        status = cli.main(self.words(*more))
        out, err = self.capture.readouterr()
        return status, out, err

    def told(self, *more: object) -> tuple[int, dict[str, Any]]:
        status, out, _ = self.run("--json", *more)
        return status, json.loads(out)

    def lines(self) -> list[dict[str, Any]]:
        text = (self.target / "vanisher-batch" / "manifest.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def test_writes_results_record_receipts_and_contact_sheet(desk: Desk) -> None:
    status, out, err = desk.run("--receipts")
    assert (status, err) == (0, "")
    assert "done                           3" in out and "index.html" in out
    state = desk.target / "vanisher-batch"
    lines = {line["input"]: line for line in desk.lines()}
    assert set(lines) == {"a.png", "rooms/b.jpg", "rooms/c.png"}
    for name, line in lines.items():
        receipt = Receipt.from_json((state / "receipts" / f"{name}.json").read_text(encoding="utf-8"))
        assert line["status"] == "done" and line["error"] is None
        assert line["input_sha256"] == file_digest(desk.source / name) == receipt.input_file_sha256
        assert line["output_sha256"] == file_digest(desk.target / name) == receipt.output_file_sha256
        assert line["mask_sha256"] == receipt.mask_sha256
        assert isinstance(line["scores"], dict) and set(line["scores"]) == {"sharpness", "seam", "residue"}
        assert line["reencoded"] is name.endswith(".jpg")
        before, after = Photo.open(desk.source / name).array, Photo.open(desk.target / name).array
        assert np.array_equal(before[:4], after[:4]) or name.endswith(".jpg")
        assert after[blob(before.shape)].mean() < before[blob(before.shape)].mean() - 20
    page = (state / "index.html").read_text(encoding="utf-8")
    pictures = [part.split("'")[0] for part in page.split("src='")[1:]]
    assert len(pictures) == 3 and all(Photo.open(state / one).format == "JPEG" for one in pictures)
    by_badness = sorted(
        lines.values(), key=lambda line: (not line["look_at_it"], -float(str(line["badness"])), line["input"])
    )
    shown = [part.split("<")[0] for part in page.split("<h3>")[1:]]
    assert shown == [line["input"] for line in by_badness]


def test_bytes_are_those_of_vanisher_erase_with_one_thread(desk: Desk) -> None:
    """With the network, whose sums depend on the number of threads."""
    words = [word for word in desk.words("--include", "rooms/*", "--model", "auto", "--seed", "3") if word]
    assert cli.main(words) == 0
    for name in ("rooms/b.jpg", "rooms/c.png"):
        alone = desk.folder / Path(name).name
        subprocess.run(
            [sys.executable, "-m", "vanisher_core", "erase", desk.source / name, "--mask", desk.masks / f"{name}.png",
             "-o", alone, "--device", "cpu", "--seed", "3"],
            env=ONE_THREAD, check=True, capture_output=True,
        )  # fmt: skip
        assert alone.read_bytes() == (desk.target / name).read_bytes()


@pytest.mark.parametrize("more", [(), ("--relight",)])
def test_panoramas_are_those_of_vanisher_panorama(desk: Desk, more: tuple[str, ...]) -> None:
    room = desk.folder / "tour" / "room.png"
    room.parent.mkdir()
    Image.fromarray(np.clip(desk.rng.normal(140, 9, (64, 128, 3)), 0, 255).astype(np.uint8)).save(room)
    alone = desk.folder / "alone.png"
    words = ["--nadir", "25", "--model", "exemplar", "--device", "cpu", *more]
    target = desk.folder / "clean"
    assert cli.main(["batch", str(room.parent), str(target), "--panorama", *words, "--workers", "1"]) == 0
    subprocess.run(
        [sys.executable, "-m", "vanisher_core", "panorama", room, "-o", alone, *words],
        env=ONE_THREAD, check=True, capture_output=True,
    )  # fmt: skip
    assert alone.read_bytes() == (target / "room.png").read_bytes()
    assert alone.read_bytes() != room.read_bytes()


def test_goes_on_where_it_stopped_and_does_nothing_twice(desk: Desk) -> None:
    status, told = desk.told("--limit", 1)
    assert (status, told["done"], told["left"]) == (0, 1, 2)
    status, _, err = desk.run()
    assert status == 2 and "--resume" in err
    status, _, err = desk.run("--resume", "--seed", 5)
    assert status == 2 and "seed 0 is now 5" in err
    status, told = desk.told("--resume")
    assert (status, told["done"], told["done_before"]) == (0, 2, 1)
    assert [line["input"] for line in desk.lines()] == ["a.png", "rooms/b.jpg", "rooms/c.png"]
    times = {path: path.stat().st_mtime_ns for path in desk.target.rglob("*.png")}
    status, told = desk.told("--resume")
    assert (status, told["done"], told["done_before"]) == (0, 0, 3)
    assert {path: path.stat().st_mtime_ns for path in desk.target.rglob("*.png")} == times


def test_a_changed_or_lost_picture_is_done_again_and_a_changed_result_is_kept(desk: Desk) -> None:
    assert desk.run()[0] == 0
    desk.add("a.png")  # another picture of the same name
    (desk.target / "rooms" / "c.png").unlink()
    os.utime(desk.source / "rooms" / "b.jpg")  # only its time
    status, told = desk.told("--resume")
    assert (status, told["done"], told["done_before"]) == (0, 2, 1)
    mine = b"retouched by hand"
    (desk.target / "a.png").write_bytes(mine)
    desk.add("a.png")
    status, told = desk.told("--resume")
    assert status == 1 and "exists already" in str(told["errors"])
    assert (desk.target / "a.png").read_bytes() == mine


def test_failures_are_reported_and_tried_again_on_request(desk: Desk) -> None:
    good = (desk.source / "a.png").read_bytes()
    (desk.source / "a.png").write_bytes(good[:200])
    status, _, err = desk.run()
    assert status == 1 and "a.png: " in err and "truncated" in err
    assert desk.told("--resume")[1]["failed"] == 1
    assert len(desk.lines()) == 3
    (desk.source / "a.png").write_bytes(good)
    status, told = desk.told("--only-failed")
    assert (status, told["done"], told["failed"], told["done_before"]) == (0, 1, 0, 2)
    page = (desk.target / "vanisher-batch" / "index.html").read_text(encoding="utf-8")
    assert "Not done" not in page


def test_existing_outputs_are_refused_unless_they_may_go(desk: Desk) -> None:
    desk.target.mkdir()
    (desk.target / "a.webp").write_bytes(b"mine")
    status, told = desk.told("--format", "webp")
    assert status == 1 and "exists already" in str(told["errors"])
    assert (desk.target / "a.webp").read_bytes() == b"mine"
    assert Photo.open(desk.target / "rooms" / "b.webp").format == "WEBP"
    status, told = desk.told("--format", "webp", "--overwrite")
    assert (status, told["done"]) == (0, 3)
    assert Photo.open(desk.target / "a.webp").format == "WEBP"


def test_a_second_batch_is_kept_out(desk: Desk) -> None:
    with Manifest(desk.target / "vanisher-batch", write=True):
        status, _, err = desk.run()
    assert status == 2 and "Another batch" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--remove", "dragon"), "nothing here finds 'dragon'"),
        (("--remove", "person", "--nadir", "20"), "without --panorama"),
        (("--remove", "person", "--relight"), "--relight is given without --panorama"),
        (("--panorama", "--relight"), "Nothing says what to erase"),
        (("--remove", "person", "--model", "magic"), "'magic' is unknown"),
        (("--remove", "person", "--format", "gif"), "cannot write '.gif'"),
        ((), "Nothing says what to erase"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(desk: Desk, words: tuple[str, ...], sentence: str) -> None:
    status = cli.main(
        ["batch", str(desk.source), str(desk.target), "--device", "cpu", "--workers", "1", *words]
    )
    assert status == 2 and sentence in desk.capture.readouterr().err
    assert not (desk.target / "a.png").exists()


def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(desk: Desk) -> None:
    large = np.tile(picture(desk.rng)[:48, :48], (24, 24, 1))
    for name in ("x.png", "y.png"):
        Image.fromarray(large).save(desk.source / name)
        Image.fromarray(blob(large.shape)).save(desk.masks / name)
    process = subprocess.Popen(
        [sys.executable, "-m", "vanisher_core", *desk.words()],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    record = desk.target / "vanisher-batch" / "manifest.jsonl"
    while not (record.exists() and record.read_bytes()):
        time.sleep(0.01)
    workers = psutil.Process(process.pid).children()
    assert workers
    process.send_signal(signal.SIGINT)
    assert "go on with --resume" in process.communicate()[1]
    assert process.returncode == 130
    assert not [
        worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE
    ]


def test_a_watched_folder_is_taken_when_its_files_have_settled(desk: Desk) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "vanisher_core", *desk.words("--watch", "--limit", 4, "--json")],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not (desk.target / "rooms" / "c.png").exists() and process.poll() is None:
        time.sleep(0.05)
    desk.add("later/d.png")
    out, _ = process.communicate()
    assert process.returncode == 0 and json.loads(out)["done"] == 4
    assert (desk.target / "later" / "d.png").exists()


def task(desk: Desk) -> Task:
    settings = Settings(model="exemplar", device="cpu", masks="named")
    return Task(settings, str(desk.source), str(desk.target), str(desk.masks), 10**8, 10**8)


def job(name: str) -> Job:
    return Job(name, name, f"{name}.png")


def test_a_picture_that_kills_its_workers_is_reported_and_the_rest_goes_on(desk: Desk) -> None:
    with LocalEngine(task(desk), 1) as engine:
        deadly = threading.Event()
        over = threading.Event()

        def kill() -> None:
            """Kills every worker as long as the deadly picture is its work."""
            while not over.wait(0.002):
                for pid in engine.pids if deadly.is_set() else ():
                    with contextlib.suppress(ProcessLookupError):  # reaped since it was listed
                        os.kill(pid, signal.SIGKILL)

        def jobs() -> Iterator[Job]:
            yield job("a.png")
            deadly.set()
            yield job("rooms/b.jpg")
            deadly.clear()
            yield job("rooms/c.png")

        killer = threading.Thread(target=kill)
        killer.start()
        reports = {one.name: report for one, report in engine.run(jobs())}
        over.set()
        killer.join()
    assert reports["a.png"]["status"] == reports["rooms/c.png"]["status"] == "done"
    assert reports["rooms/b.jpg"]["status"] == "failed"
    assert "SIGKILL" in reports["rooms/b.jpg"]["error"]["message"]


def test_a_picture_whose_worker_dies_once_is_done_by_another(desk: Desk) -> None:
    with LocalEngine(task(desk), 1) as engine:

        def jobs() -> Iterator[Job]:
            yield job("a.png")
            os.kill(engine.pids[0], signal.SIGKILL)
            yield job("rooms/c.png")

        assert [report["status"] for _, report in engine.run(jobs())] == ["done", "done"]
