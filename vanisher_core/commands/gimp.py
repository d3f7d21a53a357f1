"""`vanisher gimp`: puts the plug-in into GIMP, says whether GIMP will see it, takes it away.

The work is done by whatever module the entry point group `vanisher.gimp` names (the plug-in's own installer,
which imports nothing of this package); here its errors become the product's.
"""

import argparse
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from vanisher_core.commands.common import print_json
from vanisher_core.errors import OutputError, UsageError

GROUP = "vanisher.gimp"
"""Entry points of one module with `install`, `status`, `uninstall` and its errors."""

ACTIONS = {
    "install": "put the plug-in into every GIMP of this user, or upgrade it",
    "status": "say for each GIMP whether it will see the plug-in, and why not",
    "uninstall": "take the plug-in away; settings that you changed stay",
}


def register(commands: Any) -> None:
    """Adds `gimp` with `install`, `status` and `uninstall`."""
    parser = commands.add_parser("gimp", help="install the GIMP plug-in, or see why GIMP does not show it")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, text in ACTIONS.items():
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument(
            "--profile", type=Path, metavar="DIR", help="this GIMP profile folder instead of all"
        )
        one.add_argument("--json", action="store_true", help="print one JSON object")
        one.set_defaults(run=run, action=name)


def run(arguments: argparse.Namespace) -> int:
    """Runs one action.

    Returns:
        0 if every GIMP sees the plug-in (after `uninstall`: if it is gone everywhere), 1 if not.

    Raises:
        UsageError: no GIMP, a folder that is no profile, or no plug-in in this installation.
        OutputError: something could not be written.
    """
    installer = _installer()
    try:
        reports = getattr(installer, arguments.action)(arguments.profile)
    except installer.CannotWrite as error:
        raise OutputError(str(error)) from error
    except installer.InstallerError as error:
        raise UsageError(str(error)) from error
    removed = arguments.action == "uninstall"
    ok = bool(reports or removed) and all(
        not one.failed and (not one.installed if removed else one.seen) for one in reports
    )
    if arguments.json:
        print_json({"ok": ok, "profiles": [one.as_dict() for one in reports]})
        return 0 if ok else 1
    for one in reports:
        _print(one, removed)
    if not reports:
        print(
            "The plug-in is installed nowhere." if removed else "No GIMP 3 and no GIMP 2.10 was found here."
        )
    elif ok and arguments.action == "install":
        print("Start GIMP again: Filters > Vanisher.")
    return 0 if ok else 1


def _installer() -> Any:
    for entry in entry_points(group=GROUP):
        return entry.load()
    raise UsageError("The GIMP plug-in is not part of this installation: install the whole of Vanisher.")


def _print(report: Any, removed: bool) -> None:
    good = not report.installed if removed else report.seen
    verdict = ("gone" if removed else "ok") if good else "NOT OK"
    builds = f" ({', '.join(report.builds)})" if report.builds else ""
    print(f"{verdict:6}  GIMP {report.version}{builds}  {report.plug_in}")
    reasons = [] if removed else report.problems
    for reason in [report.failed] if report.failed else reasons:
        print(f"{'':8}-> {reason}")
    for note in report.notes:
        print(f"{'':8}{note}")
