"""Person segmenters of others, run on the same photographs: for measuring, never shipped.

Their files stand in ../shared/peers (README there: inputs and licences). Their runtimes are no dependency
of the project: `pip install onnxruntime openvino`. Without one the table says so in place of figures.

Every peer takes HxWx3 uint8 and gives HxW bool, True = person. Photographs are fed as each network's own
example does: DeepLabV3 whole, long side at 513 and the rest padded with mid grey; the two MediaPipe
networks squeezed to their input.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from training.peers import PeerMissing

FOLDER = Path("../shared/peers")
VOC_PERSON = 15
DEEPLAB_SIDE = 513

Finder = Callable[[np.ndarray], np.ndarray]
"""HxWx3 uint8 -> HxW bool."""


def deeplab(folder: Path) -> Finder:
    """DeepLabV3 with MobileNetV2, Pascal VOC classes (OpenVINO)."""
    core = runtime("openvino").Core()
    model = core.compile_model(core.read_model(there(folder / "seg_deeplabv3_ov.xml")), "CPU")

    def find(rgb: np.ndarray) -> np.ndarray:
        padded, size = deeplab_input(rgb)
        labels = model(padded)[0][0]
        person = (labels[: size[1], : size[0]] == VOC_PERSON).astype(np.float32)
        return cv2.resize(person, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR) > 0.5

    return find


def deeplab_input(rgb: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """HxWx3 uint8 -> 1x513x513x3 float32, the photograph in its corner, and that corner's (width, height)."""
    height, width = rgb.shape[:2]
    scale = DEEPLAB_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    padded = np.full((1, DEEPLAB_SIDE, DEEPLAB_SIDE, 3), 127.5, np.float32)
    padded[0, : size[1], : size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)
    return padded, size


def selfie(folder: Path) -> Finder:
    """MediaPipe selfie segmentation, 256x256 (ONNX)."""
    return _squeezed(folder / "seg_selfie_segmentation.onnx", 256, 256, lambda out: out[0, ..., 0] > 0.5)


def meet(folder: Path) -> Finder:
    """MediaPipe Meet segmentation, 256x144, two logits (ONNX)."""
    return _squeezed(folder / "seg_mediapipe.onnx", 256, 144, lambda out: out[0, ..., 1] > out[0, ..., 0])


PEERS: dict[str, Callable[[Path], Finder]] = {
    "DeepLabV3 MobileNetV2": deeplab,
    "MediaPipe selfie": selfie,
    "MediaPipe Meet": meet,
}


def _squeezed(path: Path, width: int, height: int, person: Callable[[np.ndarray], np.ndarray]) -> Finder:
    """A peer that takes 1xHEIGHTxWIDTHx3 float in [0, 1]."""
    session = runtime("onnxruntime").InferenceSession(str(there(path)), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def find(rgb: np.ndarray) -> np.ndarray:
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        found = person(session.run(None, {name: small[None]})[0]).astype(np.float32)
        return cv2.resize(found, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR) > 0.5

    return find


def runtime(name: str) -> Any:
    """A peer's inference library.

    Raises:
        PeerMissing: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise PeerMissing(f"{name} is not installed (pip install {name})") from None


def there(path: Path) -> Path:
    """The path of a peer's file.

    Raises:
        PeerMissing: there is none.
    """
    if not path.is_file():
        raise PeerMissing(f"{path.name} is not in {path.parent}")
    return path
