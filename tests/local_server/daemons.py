"""Real daemons for the tests: a process of its own for each, with its own state folder and port."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from local_server.client import Client, DaemonError, wait_for

ROOT = Path(__file__).parents[2]

START_SECONDS = 60.0
"""A busy machine takes its time; no test measures it."""


@dataclass(frozen=True)
class Daemon:
    """A running daemon."""

    client: Client
    process: subprocess.Popen[bytes]
    state: Path
    log: Path


@contextmanager
def running(folder: Path, *options: str, **variables: object) -> Iterator[Daemon]:
    """A daemon that ends with the block; `variables` become `VANISHER_*`."""
    state, log = folder / "state", folder / "daemon.log"
    process = start(state, log, *options, **variables)
    try:
        yield Daemon(answering(state, process, log), process, state, log)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start(state: Path, log: Path, *options: str, **variables: object) -> subprocess.Popen[bytes]:
    """Starts a daemon; it may not answer yet."""
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": str(ROOT)}
    environment |= {f"VANISHER_{name.upper()}": str(value) for name, value in variables.items()}
    command = [sys.executable, "-m", "local_server", "--port", "0", "--state", str(state), *options]
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env=environment, cwd=log.parent)


def answering(state: Path, process: subprocess.Popen[bytes], log: Path) -> Client:
    """The client of a daemon that was just started."""
    try:
        return wait_for(state, START_SECONDS)
    except DaemonError:
        process.kill()
        raise AssertionError(f"the daemon did not start:\n{log.read_text(errors='replace')}") from None


def emptied(daemon: Daemon) -> bool:
    """Whether nothing of any job is left: its folder goes a moment after the last byte of its answer has."""
    deadline = time.monotonic() + START_SECONDS
    while left := any((daemon.state / "spool").iterdir()):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return not left


def picture(width: int = 160, height: int = 120, seed: int = 0) -> np.ndarray:
    """A gradient with grain and a dark object in the middle: HxWx3 uint8."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 200, width)[None, :, None] * np.ones((height, 1, 3))
    samples = (ramp + rng.normal(0, 5, ramp.shape)).clip(0, 255).astype(np.uint8)
    samples[height // 2 - 8 : height // 2 + 8, width // 2 - 8 : width // 2 + 8] = 20
    return samples


def hole(width: int = 160, height: int = 120) -> np.ndarray:
    """A mask of that object: HxW uint8."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 2 - 10 : height // 2 + 10, width // 2 - 10 : width // 2 + 10] = 255
    return mask


def encoded(array: np.ndarray, format: str = "PNG", **options: object) -> bytes:
    """A picture's file."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format, **options)
    return stream.getvalue()


def decoded(data: bytes) -> np.ndarray:
    """The samples of a picture's file."""
    with Image.open(io.BytesIO(data)) as opened:
        return np.array(opened)
