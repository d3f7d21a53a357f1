"""Dependencies point one way: read from the sources, so that a wrong import fails before it runs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("vanisher_core", "local_server", "panorama", "gimp_plugin", "training")
MAY_IMPORT = {
    "vanisher_core": set(),
    "panorama": {"vanisher_core"},
    "local_server": {"panorama", "vanisher_core"},
    "gimp_plugin": set(),
    "training": {"panorama", "vanisher_core"},
}
"""Package -> packages of this project it may import, itself apart; the plug-in speaks HTTP."""
FOREIGN_TO = {
    "vanisher_core": {
        "fastapi",
        "uvicorn",
        "starlette",
        "gi",
        "gimpfu",
        "requests",
        "httpx",
        "urllib",
        "http",
    },
    "panorama": {"fastapi", "uvicorn", "starlette", "gi", "requests", "httpx"},
    "gimp_plugin": {"numpy", "torch", "PIL", "cv2", "requests", "httpx", "fastapi"},
}
"""Package -> outside modules it must not know: no HTTP in the core, no packages in the plug-in."""
HEAVY = {"torch", "numba", "numpy", "cv2", "scipy"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of all imports of a file, those inside functions included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(path.relative_to(ROOT).parts[0] if node.level else (node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_arrows_point_one_way(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imported(path) & set(PACKAGES) - allowed
    }
    assert not wrong


@pytest.mark.parametrize("package", sorted(FOREIGN_TO))
def test_packages_stay_out_of_each_others_trade(package: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imported(path) & FOREIGN_TO[package]
    }
    assert not wrong


def test_the_rule_bites() -> None:
    """The reader sees imports inside functions and `from` imports, or the tests above could not fail."""
    planted = ROOT / "vanisher_core" / "cli.py"
    assert {"argparse", "vanisher_core", "warnings"} <= imported(planted)


def test_importing_the_library_loads_nothing_heavy() -> None:
    code = "import sys, vanisher_core, vanisher_core.cli as c; c.build_parser(); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not HEAVY & set(shown.stdout.split())


def test_no_pickle_and_no_shell_in_the_product() -> None:
    """Weights are safetensors, and no command line is ever built out of text."""
    forbidden = (
        "import pickle",
        "torch.load(",
        "shell=True",
        "os.system(",
        " eval(",
        " exec(",
        "allow_pickle=True",
    )
    wrong = {
        f"{path.relative_to(ROOT)}: {text}"
        for package in PACKAGES
        for path in sources(package)
        for text in forbidden
        if text in path.read_text(encoding="utf-8")
    }
    assert not wrong


def test_no_path_of_a_developers_machine_in_any_file() -> None:
    """Files name no folder, user or registry of the machine they were written on."""
    homes = tuple(
        "/" + "/".join(parts)
        for parts in (("work", "main"), ("work", "shared"), ("root", ""), ("opt", "pypi"))
    )
    wrong = {
        f"{path.relative_to(ROOT)}: {home}"
        for path in tracked_text()
        for home in homes
        if home in path.read_text(encoding="utf-8", errors="replace")
    }
    assert not wrong


def tracked_text() -> list[Path]:
    """Every text file of the project, without what is built or downloaded."""
    suffixes = {".py", ".md", ".toml", ".txt", ".json", ".yml", ".html", ".js", ".css", ""}
    built = {"node_modules", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache"}
    hidden = built | {".venv", ".git", "runs", "carry"}
    found = [path for path in ROOT.rglob("*") if not hidden & set(path.relative_to(ROOT).parts)]
    return [path for path in found if path.is_file() and path.suffix in suffixes]
