"""A rendered room for every test that needs one: it takes seconds, so all share it."""

from pathlib import Path

import pytest

from panorama.rooms import render
from panorama.rooms.__main__ import save

SEED, WIDTH = 10_000, 128


@pytest.fixture(scope="session")
def small_room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with validation room 10000, 128 px wide, as the renderer leaves it."""
    folder = tmp_path_factory.mktemp("rooms")
    save(render(SEED, WIDTH, quality="draft"), folder)
    return folder
