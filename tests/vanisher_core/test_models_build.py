"""Every architecture a weight file may name can be built, and torch waits until one is."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from vanisher_core.models.build import BUILDERS


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_builder_builds_a_network(name: str) -> None:
    with torch.device("meta"):
        network = BUILDERS[name]()
    assert isinstance(network, nn.Module)
    assert any(True for _ in network.parameters())


def test_config_reaches_the_builder() -> None:
    network = BUILDERS["glcic"](mean=(0.25, 0.5, 0.75))
    assert network.state_dict()["mean"].flatten().tolist() == [0.25, 0.5, 0.75]


def test_a_wrong_config_is_an_error_not_a_guess() -> None:
    with pytest.raises(TypeError):
        BUILDERS["glcic"](widht=3)


def test_listing_builders_imports_no_torch() -> None:
    code = "import sys, vanisher_core.models.build; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert shown.stdout.strip() == "False"
