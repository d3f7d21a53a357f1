"""The plug-in in GIMP's own windows, 3.0 and 3.2: menu, dialog, progress, result, one Ctrl+Z, an error dialog.

One GIMP for each version plays the whole story; the tests look at what it left. Its screenshots stay in
runs/gimp-window, to be looked at.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tests.gimp_plugin.gimp_root import SUITES, NoRoot, gimp
from tests.gimp_plugin.window import Window, configure, job_folder, open_window
from tests.local_server.daemons import Daemon, running

SELECTION = [214, 154, 52, 52]
"""Left, top, width, height: round the dark square of `photo`."""

STATUS_BAR = slice(585, 620), slice(300, 715)
"""Where it is on the screen, rows and columns; GIMP's progress bar lies in it."""


@dataclass
class Story:
    """What was seen.

    Attributes:
        screens: screenshot by step, HxWx3 uint8.
        images: the visible image by step, HxWx4 uint8.
        states: the observer's words by step.
    """

    screens: dict[str, np.ndarray] = field(default_factory=dict)
    images: dict[str, np.ndarray] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)

    def keep(self, window: Window, name: str, number: int) -> None:
        """Notes the moment."""
        window.catch_up()
        self.screens[name] = window.shoot(f"{number}-{name}")
        self.states[name] = window.state
        self.images[name] = window.visible()


def photo() -> np.ndarray:
    """A wall with grain over a floor of boards, and a dark square that stands on it: HxWx3 uint8."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[0:360, 0:480]
    wall = np.stack([186 - rows * 0.12, 178 - rows * 0.1, 160 + columns * 0.02], -1)
    boards = np.stack([150 + 14 * np.sin(columns / 21), 108 + 10 * np.sin(columns / 21), 72 + 0 * rows], -1)
    samples = np.where((rows > 190)[..., None], boards, wall) + rng.normal(0, 5, (360, 480, 1))
    samples[160:200, 220:260] = (38, 44, 60)
    return samples.clip(0, 255).astype(np.uint8)


def choose(window: Window, ups: int) -> None:
    """Filters > Vanisher, then an entry counted from the end of the submenu."""
    window.press_and_see("alt+r")
    window.press_and_see("Up", "Right", *["Up"] * ups)


def shows_progress(window: Window, story: Story) -> bool:
    """Whether something moves where GIMP's progress bar lies."""
    story.screens["progress"] = window.shoot("3-progress")
    return bool((story.screens["progress"] != story.screens["opened"]).any(-1)[STATUS_BAR].any())


def is_done(window: Window) -> bool:
    """Whether the new layer is there."""
    assert not window.has_window("GIMP Message"), "an error; see the screenshots"
    return window.state["layers"][0] == "Vanished"


def play(window: Window, daemon: Daemon) -> Story:
    """The story, step by step; each waits for what the one before brings."""
    story = Story()
    story.keep(window, "opened", 0)
    choose(window, 2)
    story.keep(window, "menu", 1)
    window.press("Return")
    window.until(lambda: window.has_window("^Vanish selection"), "the dialog")
    window.settle()
    story.keep(window, "dialog", 2)
    daemon.process.send_signal(signal.SIGSTOP)  # or it might be done before anybody looks
    try:
        window.press("alt+o")
        window.until(lambda: not window.has_window("^Vanish selection"), "the end of the dialog")
        window.until(lambda: shows_progress(window, story), "the progress bar")
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    window.until(lambda: is_done(window), "a result")
    window.settle()
    story.keep(window, "result", 4)
    window.press("ctrl+z")
    window.until(lambda: window.state["layers"] == story.states["opened"]["layers"], "the undone image")
    window.settle()
    story.keep(window, "undone", 5)
    daemon.process.kill()
    daemon.process.wait()
    configure(window.profile, command=["/nowhere/vanisher", "serve"])
    choose(window, 1)
    window.press("Return")
    window.until(lambda: window.has_window("GIMP Message"), "the error dialog")
    window.settle()
    story.keep(window, "error", 6)
    return story


@pytest.fixture(scope="module", params=SUITES, ids=lambda suite: SUITES[suite])
def story(request: pytest.FixtureRequest) -> Iterator[Story]:
    try:
        root = gimp(request.param)
    except NoRoot as reason:
        pytest.skip(str(reason))
    with (
        job_folder(root) as job,
        running(job) as daemon,
        open_window(root, job, daemon.state, photo(), SELECTION) as window,
    ):
        yield play(window, daemon)


def test_the_menu_and_the_dialog_opened(story: Story) -> None:
    opened, menu, dialog = (story.screens[name] for name in ("opened", "menu", "dialog"))
    assert (opened != menu).any(-1).sum() > 10_000 and (opened != dialog).any(-1).sum() > 10_000
    assert story.states["dialog"]["layers"] == story.states["opened"]["layers"]


def test_gimp_lists_what_the_installer_put_there(story: Story) -> None:
    entry = "<Image>/Filters/Vanisher"
    assert story.states["opened"]["procedures"] == {
        "vanisher-selection": ["Vanish selection...", entry],
        "vanisher-selection-now": ["Vanish selection", entry],
        "vanisher-people": ["Vanish people", entry],
        "vanisher-panorama": ["Vanish in panorama", entry],
    }


def test_progress_was_seen(story: Story) -> None:
    changed = (story.screens["progress"] != story.screens["opened"]).any(-1)
    assert changed[STATUS_BAR].any()


def test_the_result_is_a_masked_layer_above(story: Story) -> None:
    before, after = story.states["opened"], story.states["result"]
    assert after["layers"] == ["Vanished", *before["layers"]] and after["masks"] == [True, False]
    assert after["bottom"] == before["bottom"] and after["selection"] == before["selection"]


def test_the_square_is_gone_and_the_rest_is_as_it_was(story: Story) -> None:
    before, after = story.images["opened"], story.images["result"]
    assert before[165:195, 225:255, :3].max() < 70 < after[165:195, 225:255, :3].mean()
    changed = (before != after).any(-1)
    assert changed.any() and not changed[:120].any() and not changed[240:].any()
    assert not changed[:, :180].any() and not changed[:, 300:].any()


def test_one_ctrl_z_brings_everything_back(story: Story) -> None:
    before, after = story.states["opened"], story.states["undone"]
    numbers = {"look": 0, "round": 0}
    assert {**after, **numbers} == {**before, **numbers}
    assert np.array_equal(story.images["undone"], story.images["opened"])


def test_an_error_is_a_dialog_and_changes_nothing(story: Story) -> None:
    assert (story.screens["error"] != story.screens["undone"]).any(-1).sum() > 5_000
    assert np.array_equal(story.images["error"], story.images["opened"])
    assert story.states["error"]["layers"] == story.states["opened"]["layers"]
