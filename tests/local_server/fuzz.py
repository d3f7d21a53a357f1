"""Fuzzes the whole OpenAPI document with schemathesis: `python -m tests.local_server.fuzz --cases 2000`.

Requests are made from the document alone, fitting and not fitting; every answer must be one that the document
has, of the kind and shape it says, and none may be a 5xx (a 503 for a full queue is documented and counted apart).
"""

from __future__ import annotations

import argparse
import collections
import sys
import tempfile
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local_server.client import Client
from tests.local_server.daemons import running


def fuzz(client: Client, cases: int, random_seed: int = 0) -> tuple[collections.Counter[int], list[str]]:
    """Sends generated requests to a running daemon.

    Args:
        client: of the daemon.
        cases: requests in all, spread evenly over the operations.
        random_seed: the same seed gives the same requests.

    Returns:
        How often each status came, and what was wrong.
    """
    document = client.get_json("/openapi.json")
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=client.address.url)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert operations
    each = max(2, -(-cases // len(operations)))
    statuses: collections.Counter[int] = collections.Counter()
    wrong: list[str] = []
    for operation in operations:
        for mode, count in (
            (GenerationMode.POSITIVE, each - each // 2),
            (GenerationMode.NEGATIVE, each // 2),
        ):
            _fuzz_one(client, operation, mode, count, random_seed, statuses, wrong)
    return statuses, wrong


def _fuzz_one(
    client: Client, operation: Any, mode: GenerationMode, count: int, random_seed: int,
    statuses: collections.Counter[int], wrong: list[str],
) -> None:  # fmt: skip
    """`count` requests for one operation."""
    headers = {"Authorization": f"Bearer {client.address.token}"}

    @seed(random_seed)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
    def send(case: Any) -> None:
        response = case.call(headers=headers, timeout=300)
        statuses[response.status_code] += 1
        if response.status_code >= 500:
            wrong.append(f"{operation.label}: {response.status_code} {response.text[:200]}")
        try:
            case.validate_response(response, headers=headers, checks=CHECKS)
        except Exception as error:  # schemathesis raises groups of its own
            wrong.append(f"{operation.label}: {str(error)[:400]}")

    from hypothesis import given
    from hypothesis.errors import Unsatisfiable

    try:
        given(case=operation.as_strategy(generation_mode=mode))(send)()
    except Unsatisfiable:
        if mode is GenerationMode.POSITIVE:
            raise


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def main() -> int:
    """Starts a daemon of its own, fuzzes it, prints the statuses and everything that was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--cases", type=int, default=3200
    )  # of which some 2,250 can be made: operations without parameters run dry
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as daemon:
        statuses, wrong = fuzz(daemon.client, arguments.cases, arguments.seed)
    for status, count in sorted(statuses.items()):
        print(f"{status}: {count}")
    print(f"{sum(statuses.values())} cases, {len(wrong)} wrong")
    for line in dict.fromkeys(wrong):
        print(f"  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
