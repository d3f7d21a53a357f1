"""The plug-in in a real GIMP 3.0 and 3.2, with a real daemon: one GIMP start runs all cases, each is a test here."""

from __future__ import annotations

import json
import re
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from tests.gimp_plugin.conftest import Job
from tests.gimp_plugin.inside.cases import CASES, HEIGHT, LAST, Case
from tests.local_server.daemons import Daemon
from vanisher_core import Mask, Photo, Vanisher

DTYPES = {"u8": np.uint8, "u16": np.uint16, "float": np.float32}


@pytest.fixture(scope="session")
def results(job: Job, daemon: Daemon) -> dict[str, Any]:
    """Faults of every case, by its name."""
    job.know(daemon)
    job.settings(state=f"{job.inside}/state", last=LAST)
    portrait = cv2.resize(astronaut(), (HEIGHT, HEIGHT), interpolation=cv2.INTER_AREA)
    (job.folder / "person.rgb").write_bytes(portrait.tobytes())
    (job.folder / "wanted.json").write_text(json.dumps(list(CASES)))
    status = job.run("suite.py")
    log = job.log.read_text(errors="replace")
    assert status == 0, log[-4000:]
    return {"log": log, **json.loads((job.folder / "results.json").read_text())}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, results: dict[str, Any]) -> None:
    assert results[name]["faults"] == []
    if note := CASES[name].notes:
        assert note in said_during(name, results["log"])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.library])
def test_the_result_is_the_librarys_for_the_whole_layer(name: str, results: dict[str, Any], job: Job) -> None:
    """Though only a part was sent: bit for bit, outside and inside the mask."""
    assert results[name]["faults"] == []
    case = CASES[name]
    photo, result = (samples(job, case, part) for part in ("photo", "result"))
    selection, mask = (plane(job, case, part) for part in ("selection", "mask"))
    options = LAST if case.procedure.endswith("-now") else case.options
    wanted = {key: options[key] for key in ("grow", "feather", "model", "seed") if key in options}
    made = Vanisher().erase(Photo.from_array(photo), Mask.from_array(selection), **wanted)
    shown = np.where((mask == 255).reshape(mask.shape + (1,) * (photo.ndim - 2)), result, photo)
    assert set(np.unique(mask)) <= {0, 255}
    np.testing.assert_array_equal(shown, made.photo.array)
    assert ((made.mask_used.array > 0) <= (mask == 255)).all()


def test_gimp_closed_no_undo_group_and_met_no_bug(results: dict[str, Any]) -> None:
    """GIMP says so on stderr when a plug-in leaves a group open; a traceback is a bug of the plug-in."""
    assert "inconsistent state" not in results["log"]
    assert "Traceback" not in results["log"]


def test_it_is_the_version_that_the_root_is_for(job: Job, results: dict[str, Any]) -> None:
    found = re.search(r"Welcome to GIMP (\d+\.\d+)", results["log"])
    assert found is None or found[1] == job.gimp.version


def said_during(name: str, log: str) -> str:
    """What GIMP printed while a case ran."""
    return log.split(f"CASE {name}\n", 1)[1].split("CASE ", 1)[0]


def samples(job: Job, case: Case, part: str) -> np.ndarray:
    kind = "float" if "FLOAT" in case.precision else "u16" if "16" in case.precision else "u8"
    values = np.frombuffer((job.folder / f"{case.name}.{part}").read_bytes(), DTYPES[kind])
    count = (1 if case.base == "GRAY" else 3) + case.alpha
    width, height = case.size
    return values.reshape((height, width) if count == 1 else (height, width, count))


def plane(job: Job, case: Case, part: str) -> np.ndarray:
    values = np.frombuffer((job.folder / f"{case.name}.{part}").read_bytes(), np.uint8)
    return values.reshape(case.size[1], case.size[0])
