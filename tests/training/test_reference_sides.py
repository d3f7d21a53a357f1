"""The side-switching rule: ten losses, two thresholds, never both sides."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.reference.sides import WINDOW, Side, SideSwitch

LOW, HIGH = 0.4, 0.6
LOSSES = st.lists(st.floats(0, 2), max_size=80)


def played(losses: list[float]) -> list[Side]:
    """The side after each loss."""
    switch = SideSwitch(LOW, HIGH)
    return [switch.update(loss) for loss in losses]


@given(LOSSES)
def test_the_discriminator_starts_and_keeps_its_turn_for_ten_losses(losses: list[float]) -> None:
    assert SideSwitch(LOW, HIGH).side == "discriminator"
    assert set(played(losses)[: WINDOW - 1]) <= {"discriminator"}


@given(LOSSES)
def test_a_side_changes_exactly_when_the_mean_of_ten_crosses_its_own_threshold(losses: list[float]) -> None:
    sides: list[Side] = ["discriminator", *played(losses)]
    for index, (before, after) in enumerate(pairwise(sides)):
        last = losses[max(0, index - 9) : index + 1]
        mean = sum(last) / 10 if len(last) == 10 else (LOW + HIGH) / 2
        wanted = mean < LOW if before == "discriminator" else mean > HIGH
        assert (before != after) == wanted


@given(
    st.sampled_from(("discriminator", "generator")),
    st.lists(st.floats(LOW + 1e-6, HIGH - 1e-6), min_size=WINDOW, max_size=60),
)
def test_nothing_changes_between_the_thresholds(side: Side, losses: list[float]) -> None:
    switch = SideSwitch(LOW, HIGH, side=side)
    assert {switch.update(loss) for loss in losses} == {side}


@given(LOSSES)
def test_always_one_side_and_never_both(losses: list[float]) -> None:
    assert set(played(losses)) <= {"discriminator", "generator"}


@given(LOSSES, st.integers(0, 80))
def test_a_restored_switch_goes_on_as_if_nothing_had_happened(losses: list[float], cut: int) -> None:
    first = SideSwitch(LOW, HIGH)
    begun = [first.update(loss) for loss in losses[:cut]]
    second = SideSwitch(LOW, HIGH, first.losses, first.side)
    assert begun + [second.update(loss) for loss in losses[cut:]] == played(losses)


def test_there_and_back() -> None:
    sides = played([0.0] * 10 + [1.0] * 7)
    assert sides == ["discriminator"] * 9 + ["generator"] * 7 + ["discriminator"]


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.4), (0.5, 0.5), (0.0, 0.5), (0.1, float("nan"))])
def test_thresholds_must_leave_a_gap(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="0 < low < high"):
        SideSwitch(low, high)
