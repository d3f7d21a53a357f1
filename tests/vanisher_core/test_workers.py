"""The thread pool: every band once, errors come out, and tasks may use it themselves."""

import pytest

from vanisher_core.exemplar.workers import row_bands, run_bands


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setenv("VANISHER_THREADS", "2")


def test_tasks_that_run_bands_themselves_do_not_wait_for_each_other():
    done = set()

    def inner(outer, band):
        done.add((outer, band))

    def outer(band):
        run_bands(lambda other: inner(band, other), list(range(5)))

    run_bands(outer, list(range(8)))
    assert done == {(i, j) for i in range(8) for j in range(5)}


def test_the_first_error_is_raised():
    def task(band):
        if band == 3:
            raise ValueError("third")

    with pytest.raises(ValueError, match="third"):
        run_bands(task, list(range(6)))


def test_bands_cover_every_row_once():
    bands = row_bands(3, 250, 12)
    assert [row for top, bottom in bands for row in range(top, bottom)] == list(range(3, 250))
    assert row_bands(5, 5, 12) == []
