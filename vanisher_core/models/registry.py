"""The shipped weights by name: what they are, whether they are whole, and the network they fill.

    weights/NAME.safetensors    tensors; the header says architecture, config, task, classes, version
    weights/manifest.json       NAME.safetensors -> {"sha256", "bytes"}
    cards/NAME.md               what it was trained on, how good it is, what it cannot do

No pickle, no download: a file that is not there, not listed or not what the manifest says is a ModelError
with what to do. `VANISHER_WEIGHTS` names another folder of the same shape, for weights of one's own. After
training, the manifest is written by `python -m vanisher_core.models.registry`.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vanisher_core.errors import ModelError, OutputError, UsageError
from vanisher_core.models.build import BUILDERS
from vanisher_core.models.header import ADVICE, Header, read_header
from vanisher_core.receipt import file_digest

if TYPE_CHECKING:
    import torch
    from torch import nn

SUFFIX = ".safetensors"
TASKS = ("inpaint", "segment", "layout", "light", "furniture")


@dataclass(frozen=True)
class WeightInfo:
    """What a weight file says about itself, checked.

    Attributes:
        name: as used by `load` and `vanisher models show`.
        path: the file.
        architecture: key of `build.BUILDERS`.
        config: keyword arguments of that builder.
        task: one of TASKS.
        classes: what a segmenter finds, in the order of its channels; empty for an inpainter.
        version: of these weights.
        sha256: of the file, as the manifest lists it.
        bytes: size of the file.
        parameters: numbers in its tensors.
    """

    name: str
    path: Path
    architecture: str
    config: dict[str, Any]
    task: str
    classes: tuple[str, ...]
    version: str
    sha256: str
    bytes: int
    parameters: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the path as text."""
        return {**self.__dict__, "path": str(self.path), "classes": list(self.classes)}


@dataclass(frozen=True)
class Verdict:
    """Whether one weight file is what the manifest says; `problem` is empty if it is."""

    name: str
    problem: str

    @property
    def ok(self) -> bool:
        """True for a whole file."""
        return not self.problem


def folder() -> Path:
    """Where the weights lie: `VANISHER_WEIGHTS` if set, else the folder inside the package."""
    return Path(os.environ.get("VANISHER_WEIGHTS") or Path(__file__).parent / "weights")


def names() -> tuple[str, ...]:
    """Names of all weights that are listed or present, sorted."""
    present = {path.name.removesuffix(SUFFIX) for path in folder().glob(f"*{SUFFIX}")}
    return tuple(sorted(present | {file.removesuffix(SUFFIX) for file in _manifest()}))


def info(name: str) -> WeightInfo:
    """Reads and checks what a weight file says about itself, without loading it.

    Raises:
        UsageError: there are no weights of this name.
        ModelError: the file is missing, damaged, not listed, or names something unknown.
    """
    if name not in names():
        known = ", ".join(names()) or "none are installed"
        raise UsageError(f"There are no weights named {name!r}: choose one of these ({known}).")
    path = folder() / f"{name}{SUFFIX}"
    header = read_header(path)
    listed = _manifest().get(path.name)
    if listed is None:
        raise ModelError(
            f"The weight file {path.name} is not listed in {path.parent / 'manifest.json'}: {_RELIST}."
        )
    if listed["bytes"] != path.stat().st_size:
        raise ModelError(
            f"{path.name} has {path.stat().st_size} bytes and should have {listed['bytes']}: {ADVICE}."
        )
    return _describe(name, path, header, listed)


def load(name: str, device: "str | torch.device" = "cpu") -> "nn.Module":
    """Builds the network of a weight file, fills it and checks it.

    Args:
        name: one of `names()`.
        device: where its tensors go.

    Returns:
        The network in evaluation mode, float32, no gradients.

    Raises:
        UsageError: unknown name.
        ModelError: missing, damaged (SHA-256, sizes), for another architecture, or holding NaN or infinity.
    """
    import torch
    from safetensors.torch import load as parse

    about = info(name)
    data = about.path.read_bytes()
    if file_digest(data) != about.sha256:
        raise ModelError(
            f"The weight file {about.path.name} is not the one that was shipped (SHA-256 differs): {ADVICE}."
        )
    tensors = parse(data)
    bad = [
        key for key, value in tensors.items() if value.is_floating_point() and not torch.isfinite(value).all()
    ]
    if bad:
        raise ModelError(f"The weights {name} hold values that are not finite (in {bad[0]}): {ADVICE}.")
    return _filled(about, tensors).to(device).eval().requires_grad_(False)


def verify() -> list[Verdict]:
    """Checks every weight file, listed or present, against manifest and header; never raises for one."""
    return [Verdict(name, _problem(name)) for name in names()]


def write_manifest() -> Path:
    """Lists every weight file of the folder with size and SHA-256, atomically.

    Raises:
        OutputError: the folder cannot be written.
        ModelError: one of the files is damaged.
    """
    files = sorted(folder().glob(f"*{SUFFIX}"))
    for path in files:
        read_header(path)
    listing = {path.name: {"bytes": path.stat().st_size, "sha256": file_digest(path)} for path in files}
    target = folder() / "manifest.json"
    draft = target.with_suffix(".part")
    try:
        draft.write_text(json.dumps(listing, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise OutputError(f"Cannot write {target} ({error.strerror}): make the folder writable.") from None
    return target


_RELIST = "if the file is yours, run 'python -m vanisher_core.models.registry'; if not, remove it"


def _manifest() -> dict[str, dict[str, Any]]:
    path = folder() / "manifest.json"
    try:
        listing = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(file): {"bytes": int(row["bytes"]), "sha256": str(row["sha256"])}
            for file, row in listing.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The list of weights {path} cannot be read ({error}): {ADVICE}.") from None


def _describe(name: str, path: Path, header: Header, listed: dict[str, Any]) -> WeightInfo:
    """Checks what the header says against what this version knows."""
    said = header.metadata
    try:
        config, classes = json.loads(said.get("config", "{}")), json.loads(said.get("classes", "[]"))
    except ValueError:
        raise ModelError(
            f"The header of {path.name} has a config or classes that are not JSON: {ADVICE}."
        ) from None
    architecture, task = said.get("architecture", ""), said.get("task", "")
    if (
        architecture not in BUILDERS
        or task not in TASKS
        or not isinstance(config, dict)
        or not isinstance(classes, list)
    ):
        raise ModelError(
            f"{path.name} is for architecture {architecture!r} and task {task!r}, which this version does not"
            " know: update Vanisher, or remove the file."
        )
    parameters = sum(_product(shape) for shape in header.shapes.values())
    version = said.get("version", "")
    return WeightInfo(
        name,
        path,
        architecture,
        config,
        task,
        tuple(classes),
        version,
        listed["sha256"],
        listed["bytes"],
        parameters,
    )


def _product(shape: tuple[int, ...]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


def _filled(about: WeightInfo, tensors: "dict[str, torch.Tensor]") -> "nn.Module":
    try:
        network = BUILDERS[about.architecture](**about.config)
        network.load_state_dict(tensors, strict=True)
    except (RuntimeError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(
            f"The weights {about.name} do not fit {about.architecture!r} ({first}): {ADVICE}."
        ) from None
    return network


def _problem(name: str) -> str:
    try:
        about = info(name)
        return (
            "" if file_digest(about.path) == about.sha256 else f"SHA-256 differs from the manifest: {ADVICE}."
        )
    except ModelError as error:
        return str(error)


if __name__ == "__main__":
    print(f"wrote {write_manifest()}")
