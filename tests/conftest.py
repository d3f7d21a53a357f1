"""What every test shares: an environment of its own, and the rule on skipped tests.

With `VANISHER_FORBID_SKIPS=1` (set in continuous integration) a skipped test is a failed one: a missing
part must not hide behind a skip. Without it, the run ends with a list of what was skipped and why.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No stopwatch in any test: a busy machine is no failure.
settings.register_profile(
    "vanisher", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("vanisher")

# A shell starts what it puts into the background without Ctrl-C, and the commands that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FORBID = os.environ.get("VANISHER_FORBID_SKIPS") == "1"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `VANISHER_*` setting of whoever runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("VANISHER_") and name != "VANISHER_FORBID_SKIPS":
            monkeypatch.delenv(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if FORBID and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} was skipped, and VANISHER_FORBID_SKIPS=1 forbids that: {_reason(report)}"
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if FORBID and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped whole, and VANISHER_FORBID_SKIPS=1 forbids that"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section(f"NOT TESTED HERE: {len(skipped)} skipped", sep="!", yellow=True, bold=True)
    for report in skipped:
        terminalreporter.line(f"{report.nodeid}: {_reason(report)}")


def _reason(report: object) -> str:
    """The sentence a test was skipped with."""
    long = getattr(report, "longrepr", "")
    return str(long[2]) if isinstance(long, tuple) else str(long)
