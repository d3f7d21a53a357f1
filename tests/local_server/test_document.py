"""The OpenAPI document against the running daemon, the docs page, soak and fuzz in small, the recipes of the docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from local_server import docs_page
from local_server.client import Client
from local_server.engine import Engine, warm_engine
from tests.local_server.daemons import ROOT, Daemon, encoded, hole, picture
from tests.local_server.fuzz import fuzz
from tests.local_server.soak import soak
from vanisher_core import HopelessFill, Mask, Photo, Vanisher

RECIPES = ROOT / "docs" / "scripting.md"


def test_the_document_names_every_route_and_every_route_its_refusals(client: Client) -> None:
    document = client.get_json("/openapi.json")
    for path in (
        "/v1/erase", "/v1/segment", "/v1/panorama/erase", "/v1/jobs", "/v1/jobs/{name}/events", "/healthz", "/readyz",
        "/metrics", "/v1/models", "/v2/models/{name}/infer", "/api/v1/inpaint", "/v1/sessions",
    ):  # fmt: skip
        assert path in document["paths"], path
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            assert about.get("description"), (method, path)
            assert "application/problem+json" in about["responses"]["401"]["content"], (method, path)


def test_the_docs_page_is_complete_and_needs_nothing_from_elsewhere(client: Client) -> None:
    headers, data = client.request("GET", "/docs")
    text = data.decode()
    for path in client.get_json("/openapi.json")["paths"]:
        assert path in text
    assert "<script" not in text and not re.search(r"(src|href)=.?https?:", text)
    assert headers["content-security-policy"] == docs_page.POLICY


def test_no_generated_request_breaks_it(client: Client) -> None:
    """Two of each kind for each operation; `python -m tests.local_server.fuzz` sends thousands."""
    statuses, wrong = fuzz(client, cases=1)
    assert not wrong
    assert sum(statuses.values()) >= 50


def test_a_small_soak_loses_nothing(daemon: Daemon) -> None:
    report = soak(daemon, jobs=24, clients=4)
    assert not report.wrong
    assert sum(report.ends.values()) == 24


def test_metrics_count_what_happened(client: Client) -> None:
    before = _counted(client)
    client.erase(encoded(picture()), mask=encoded(hole()), model="exemplar")
    while _counted(client) == before:  # counted after the last byte, which the client has seen first
        time.sleep(0.05)
    assert _counted(client) == before + 1
    assert "vanisher_memory_bytes" in client.request("GET", "/metrics")[1].decode()


def _counted(client: Client) -> float:
    text = client.request("GET", "/metrics")[1].decode()
    lines = re.findall(r'vanisher_requests_total\{method="POST",route="/v1/erase",status="200"\} (\S+)', text)
    return float(lines[0]) if lines else 0.0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_engine_gives_what_the_library_gives(client: Client, dtype: str) -> None:
    samples = picture()
    if dtype == "uint16":
        samples = samples.astype(np.uint16) * 257
    if dtype == "float32":
        samples = (samples / np.float32(255)).astype(np.float32)
    photo, mask = Photo.from_array(samples), Mask(hole())
    done = Engine(client).erase(photo, mask, seed=2, grow=3)
    # the daemon runs on one thread here, and a network's sums differ in the last bit with the number of threads
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        own = Vanisher().erase(photo, mask, seed=2, grow=3)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(done.photo.array, own.photo.array)
    assert done.receipt.replay() == own.receipt.replay()
    assert done.receipt.input_pixels_sha256 == own.receipt.input_pixels_sha256
    assert done.mask_used == own.mask_used
    assert done.scores is not None and own.scores is not None
    found, expected = Engine(client).segment(photo), Vanisher().segment(photo)
    assert found == expected


def test_the_command_line_works_through_a_warm_daemon(daemon: Daemon, client: Client, tmp_path: Path) -> None:
    """The same bytes, and the daemon's worker has made them: torch is never loaded by the command itself."""
    source, mask = tmp_path / "a.png", tmp_path / "mask.png"
    source.write_bytes(encoded(picture()))
    mask.write_bytes(encoded(hole()))
    client.erase(encoded(picture()), mask=encoded(hole()))
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "vanisher_core.cli",
        "erase",
        str(source),
        "--mask",
        str(mask),
    ]
    outputs = []
    for state, loads in ((daemon.state, False), (tmp_path / "nobody", True)):
        target = tmp_path / f"{loads}.png"
        done = subprocess.run(
            [*command, "-o", str(target)], env={**os.environ, "VANISHER_STATE": str(state)},
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        assert bool(re.search(r"\| +torch$", done.stderr, re.MULTILINE)) is loads
        outputs.append(target.read_bytes())
    assert outputs[0] == outputs[1]


def test_the_engine_raises_what_the_library_raises(client: Client) -> None:
    with pytest.raises(HopelessFill):
        Engine(client).erase(Photo.from_array(picture()), Mask(np.full((120, 160), 255, np.uint8)))


def test_an_engine_is_found_only_while_one_is_warm(
    daemon: Daemon, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANISHER_STATE", str(tmp_path))
    assert warm_engine() is None
    client.erase(encoded(picture()), mask=encoded(hole()))
    monkeypatch.setenv("VANISHER_STATE", str(daemon.state))
    assert warm_engine() is not None
    monkeypatch.setenv("VANISHER_ENGINE", "local")
    assert warm_engine() is None


@pytest.mark.parametrize(("index", "language"), [
    (index, language) for index, (language, _) in enumerate(
        re.findall(r"```(sh|python)\n(.*?)```", RECIPES.read_text(encoding="utf-8"), re.S))
])  # fmt: skip
def test_a_recipe_of_the_docs_runs(daemon: Daemon, tmp_path: Path, index: int, language: str) -> None:
    """Each block runs as it stands, in a folder with the files that the page says are there."""
    text = re.findall(r"```(?:sh|python)\n(.*?)```", RECIPES.read_text(encoding="utf-8"), re.S)[index]
    (tmp_path / "beach.jpg").write_bytes(encoded(picture(), "JPEG", quality=95))
    (tmp_path / "mask.png").write_bytes(encoded(hole()))
    (tmp_path / "room.jpg").write_bytes(encoded(picture(256, 128), "JPEG", quality=95))
    (tmp_path / "sofa.png").write_bytes(encoded(hole(256, 128)))
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "python3").symlink_to(sys.executable)
    environment = {
        **os.environ, "VANISHER_STATE": str(daemon.state), "PYTHONPATH": str(ROOT),
        "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    shell = shutil.which("bash")
    assert shell
    command = [shell, "-euo", "pipefail", "-c", text] if language == "sh" else [sys.executable, "-c", text]
    before = set(tmp_path.iterdir())
    shown = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert set(tmp_path.iterdir()) - before or shown.stdout
