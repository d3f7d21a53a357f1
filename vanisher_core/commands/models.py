"""`vanisher models`: which weights are installed, what each one is, and whether they are whole."""

import argparse
from pathlib import Path
from typing import Any

from vanisher_core.commands.common import print_json
from vanisher_core.errors import ModelError


def register(commands: Any) -> None:
    """Adds `models` with `list`, `show` and `verify`; without one of them it lists."""
    parser = commands.add_parser("models", help="list, describe and verify the networks' weights")
    parser.set_defaults(run=run_list, json=False)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    for name, action, text in (
        ("list", run_list, "all weights, one a line"),
        ("show", run_show, "one of them, with its card"),
        ("verify", run_verify, "compare every file with its SHA-256"),
    ):
        one = actions.add_parser(name, help=text, description=text)
        if name == "show":
            one.add_argument("name", metavar="NAME", help="as 'vanisher models list' says")
        one.add_argument("--json", action="store_true", help="print one JSON object")
        one.set_defaults(run=action)


def run_list(arguments: argparse.Namespace) -> int:
    """Prints a line for each weight file; a damaged one is said to be so."""
    from vanisher_core.models import registry

    rows: list[dict[str, Any]] = []
    for name in registry.names():
        try:
            rows.append(registry.info(name).as_dict())
        except ModelError as error:
            rows.append({"name": name, "problem": str(error)})
    if arguments.json:
        print_json({"models": rows})
        return 0
    for row in rows:
        print(_line(row))
    if not rows:
        print("No weights are installed; 'vanisher erase --model exemplar' works without.")
    return 0


def run_show(arguments: argparse.Namespace) -> int:
    """Prints what one weight file says of itself, then its card.

    Raises:
        UsageError: unknown name.
        ModelError: missing or damaged.
    """
    from vanisher_core.models import registry

    about = registry.info(arguments.name)
    path = Path(registry.__file__).parent / "cards" / f"{about.name}.md"
    card = path.read_text(encoding="utf-8") if path.is_file() else ""
    if arguments.json:
        print_json({**about.as_dict(), "card": card})
        return 0
    for key, value in about.as_dict().items():
        print(f"{key + ':':14}{', '.join(value) if isinstance(value, list) else value}")
    print(f"\n{card}" if card else "\n(no card)")
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Checks every weight file.

    Returns:
        0 if all are whole, 1 if one is not or there is none.
    """
    from vanisher_core.models import registry

    verdicts = registry.verify()
    ok = bool(verdicts) and all(verdict.ok for verdict in verdicts)
    if arguments.json:
        rows = [{"name": verdict.name, "ok": verdict.ok, "problem": verdict.problem} for verdict in verdicts]
        print_json({"ok": ok, "models": rows})
        return 0 if ok else 1
    for verdict in verdicts:
        print(f"ok       {verdict.name}" if verdict.ok else f"NOT OK   {verdict.name}: {verdict.problem}")
    if not verdicts:
        print(f"No weights in {registry.folder()}: install Vanisher again, they come with it.")
    return 0 if ok else 1


def _line(row: dict[str, Any]) -> str:
    if "problem" in row:
        return f"{row['name']:18} NOT OK: {row['problem']}"
    size = f"{row['parameters'] / 1e6:.1f} M parameters, {row['bytes'] / 1e6:.1f} MB"
    classes = f" ({', '.join(row['classes'])})" if row["classes"] else ""
    return f"{row['name']:18} {row['task']}{classes}, {size}, version {row['version']}"
