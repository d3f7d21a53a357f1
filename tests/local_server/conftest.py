"""One daemon for all tests that only ask it something; those that hurt one start their own (`daemons.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_server.client import Client
from tests.local_server.daemons import Daemon, running


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A real daemon with small limits and short patience, so that attacks on them take no minutes."""
    folder: Path = tmp_path_factory.mktemp("daemon")
    with running(folder, max_bytes=8 * 1024**2, head_seconds=2, stall_seconds=2) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def client(daemon: Daemon) -> Client:
    """A client of that daemon."""
    return daemon.client
