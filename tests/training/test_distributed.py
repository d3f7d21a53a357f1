"""Two real processes over gloo train as one: the same weights on both, and the step of a double batch."""

from pathlib import Path

import pytest
import torch
from torch.multiprocessing.spawn import spawn

from tests.training import distributed_worker
from tests.training.shard_writer import write_shard
from training import distributed, inpaint
from training.distributed import ALONE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that two processes left behind; they are started once for all tests."""
    folder = tmp_path_factory.mktemp("two")
    data = folder / "data"
    data.mkdir()
    crowd = {f"voc-{i}": (48, 40, True) for i in range(4)} | {f"coco-{i}": (40, 48, True) for i in range(2)}
    write_shard(data / "people-000.tar", crowd)
    write_shard(data / "scenes-000.tar", {f"places_{i}": (64, 64, False) for i in range(4)})
    write_shard(data / "scenes-val-000.tar", {f"drew_{i}": (64, 64, False) for i in range(2)})
    torch.manual_seed(0)
    hole = torch.zeros(4, 1, 64, 64)
    hole[:, :, 20:40, 16:44] = 1
    torch.save({"truth": torch.rand(4, 3, 64, 64), "hole": hole}, folder / "batch.pt")
    spawn(distributed_worker.work, (folder, data, configs(folder, data)), nprocs=2)
    return folder


def configs(folder: Path, data: Path) -> dict[str, inpaint.Config]:
    loop = inpaint.Config(
        data=data, out=folder / "run", steps=3, sizes=(32, 64), pixels=2 * 32 * 32, size=64, validate=2,
        bank=12, every=2, warmup=1, device="cpu", adversarial=0.01, rate=5e-3,
    )  # fmt: skip
    return {"loop": loop, "step": inpaint.Config(adversarial=0.01, r1_every=1)}


def both(folder: Path, name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    first, second = (torch.load(folder / f"{name}.{rank}") for rank in range(2))
    assert first.keys() == second.keys()
    return first, second


@pytest.mark.parametrize("name", ["step", "inpaint", "whole", "parts"])
def test_both_processes_end_with_equal_weights(folder: Path, name: str) -> None:
    first, second = both(folder, name)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_step_of_two_is_the_step_of_one_with_both_batches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inpaint, "build_inpaint_small", distributed_worker.tiny_generator)
    batch = torch.load(folder / "batch.pt")
    config = configs(folder, folder)["step"]
    alone = distributed_worker.one_step(config, batch["truth"], batch["hole"], ALONE)
    half = distributed_worker.one_step(config, batch["truth"][:2], batch["hole"][:2], ALONE)
    together, _ = both(folder, "step")
    gap = {key: float((together[key] - alone[key]).abs().max()) for key in alone}
    # Adam divides by the gradient's own size: where that is rounding noise the step is noise as well
    assert sum(value > 2e-5 for value in gap.values()) <= 2, {k: v for k, v in gap.items() if v > 2e-5}
    moved = max(float((half[key] - alone[key]).abs().max()) for key in alone)
    assert moved > 1e-4  # half the pictures alone make another step


def test_stopped_and_resumed_equals_uninterrupted(folder: Path) -> None:
    whole, parts = both(folder, "whole")[0], both(folder, "parts")[0]
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


def test_only_the_first_process_writes(folder: Path) -> None:
    lines = (folder / "run" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert len(list((folder / "run").glob("step-*"))) == 2


def test_drifted_processes_are_stopped_on_both(folder: Path) -> None:
    assert all("drifted apart" in (folder / f"drift.{rank}").read_text() for rank in range(2))


def test_processes_have_seeds_of_their_own() -> None:
    seeds = {
        distributed.seed_of(seed, rank, step) for seed in (0, 1) for rank in range(8) for step in (0, 300)
    }
    assert len(seeds) == 32
    assert distributed.seed_of(5, 0) == 5


def test_one_process_needs_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    world = distributed.start("cpu")
    assert world.leads and world.size == 1
    module = torch.nn.Linear(2, 2)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    distributed.average(world, module)
    distributed.share(world, [module])
    distributed.check_equal(world, module)
    assert distributed.agreed(world, 1.5) == 1.5
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    distributed.stop(world)
