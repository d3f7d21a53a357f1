"""Averages weights of one run: `python -m training.mean OUT.safetensors EARLIER.safetensors LATER.safetensors`.

The mean of weights along a run lies in a flatter place than its end and carries over better to what was not learnt
from (Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018). So does the mean
of a network and of what it became on few other pictures: it keeps what it knew (Wortsman et al., "Robust Fine-Tuning
of Zero-Shot Models", CVPR 2022, section 3). Use it where validation agrees. The header is the last file's, with the
steps of all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from training import common


def mean(paths: Sequence[Path]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Mean tensors, and the header for them.

    Raises:
        ValueError: fewer than two files, or files of different networks.
    """
    if len(paths) < 2:
        raise ValueError(f"{len(paths)} file of weights has no mean: give two or more")
    headers = []
    for path in paths:
        with safe_open(path, framework="pt") as file:
            headers.append(file.metadata() or {})
    weights = [load_file(path) for path in paths]
    first = {name: tensor.shape for name, tensor in weights[0].items()}
    for path, one, header in zip(paths, weights, headers, strict=True):
        alike = {name: tensor.shape for name, tensor in one.items()} == first
        if not alike or header.get("classes") != headers[0].get("classes"):
            raise ValueError(
                f"{path} and {paths[0]} hold different networks; only weights of one run can be averaged"
            )
    tensors = {
        name: torch.stack([one[name].double() for one in weights]).mean(0).to(last.dtype)
        if last.is_floating_point()
        else last
        for name, last in weights[-1].items()
    }
    notes = [json.loads(header.get("training", "{}")) for header in headers]
    steps = {"steps": [note.get("step", note.get("steps")) for note in notes]}
    steps |= {key: notes[-1][key] for key in ("rooms", "others", "split") if key in notes[-1]}
    return tensors, headers[-1] | {"training": json.dumps(steps)}


def main(argv: list[str] | None = None) -> int:
    """Command line entry; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m training.mean", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("out", type=Path, help="file to write, OUT/NAME.safetensors")
    parser.add_argument("weights", type=Path, nargs="+", help="files to average, the last step last")
    parser.add_argument("--version", help="of the result; default: the last file's")
    options = parser.parse_args(argv)
    try:
        tensors, header = mean(options.weights)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    common.write_weights(
        tensors, options.out, header | ({"version": options.version} if options.version else {})
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
