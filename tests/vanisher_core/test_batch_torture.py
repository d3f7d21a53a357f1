"""A small part of the bar that `batch_torture` holds in full: odd files, kills, equal results."""

from pathlib import Path

from tests.vanisher_core.batch_torture import torture


def test_odd_files_and_kills_change_nothing(tmp_path: Path) -> None:
    told = torture(tmp_path, files=40, kills=3, seed=1)
    assert isinstance(told["kills"], int) and told["kills"] >= 1
