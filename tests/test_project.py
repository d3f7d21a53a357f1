"""The project's own files: metadata, set-up, documents and the public names hold together."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import vanisher_core

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_public_names_are_pinned() -> None:
    assert vanisher_core.__all__ == [
        "Cancelled",
        "DamagedPhoto",
        "HopelessFill",
        "InputError",
        "LimitExceeded",
        "Mask",
        "MaskError",
        "ModelError",
        "OutputError",
        "Photo",
        "PhotoError",
        "Receipt",
        "Result",
        "UnsupportedPhoto",
        "UsageError",
        "Vanisher",
        "VanisherError",
        "__version__",
    ]


@pytest.mark.parametrize("name", vanisher_core.__all__)
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(vanisher_core, name) is not None
    assert name in dir(vanisher_core)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Vanishr"):
        vanisher_core.Vanishr  # type: ignore[attr-defined]  # noqa: B018


def test_dependencies_have_floors_and_no_ceilings() -> None:
    for requirement in PROJECT["dependencies"]:
        assert re.fullmatch(r"[A-Za-z0-9-]+>=[0-9.]+", requirement), requirement


def test_the_six_chosen_packages_are_there() -> None:
    names = {re.split(r"[><=]", requirement)[0] for requirement in PROJECT["dependencies"]}
    assert {"torch", "numpy", "pillow", "py360convert", "fastapi", "uvicorn"} <= names


def test_only_torch_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["torch==2.13.0"]


def test_set_up_installs_torch_before_anything_else() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert recipe.index("install --constraint constraints.txt torch") < recipe.index("--editable")


@pytest.mark.parametrize("target", ["venv", "demo", "test", "lint", "gallery", "evaluate", "clean"])
def test_make_knows_its_targets(target: str) -> None:
    make = shutil.which("make")
    assert make, "make is part of the set-up"
    shown = subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr


def test_continuous_integration_forbids_skips_and_is_executable() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "VANISHER_FORBID_SKIPS=1" in script.read_text(encoding="utf-8")


def test_the_changelog_names_this_version_or_is_ahead_of_it() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text or f"## [{vanisher_core.__version__}]" in text


def test_the_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


def test_every_weight_file_has_a_card_and_a_listing() -> None:
    models = ROOT / "vanisher_core" / "models"
    weights = {path.stem for path in (models / "weights").glob("*.safetensors")}
    manifest = models / "weights" / "manifest.json"
    listed = set(json.loads(manifest.read_text(encoding="utf-8"))) if manifest.exists() else set()
    assert {f"{name}.safetensors" for name in weights} == listed
    cards = {path.stem: path.read_text(encoding="utf-8") for path in (models / "cards").glob("*.md")}
    assert weights <= cards.keys()
    assert [name for name, text in cards.items() if "@@" in text] == []  # places to be filled in


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "samples").glob("*.md")]
    broken = [
        f"{path.relative_to(ROOT)} -> {target}"
        for path in documents
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken


def test_modules_start_with_a_docstring_and_stay_short() -> None:
    packages = ("vanisher_core", "training", "samples")
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    assert [
        str(path) for path, text in texts.items() if text.strip() and not text.startswith(('"""', 'r"""'))
    ] == []
    assert [str(path) for path, text in texts.items() if text.count("\n") > 400] == []
