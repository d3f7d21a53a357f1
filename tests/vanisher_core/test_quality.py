import json
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vanisher_core.quality import Scores, badness, better, misguided, score, verdict

SIZE = 160


def photograph(seed: int) -> np.ndarray:
    """A picture with texture at all scales (1/f noise), grain and an edge, like a photograph."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None, :]
    slope = 1 / np.maximum(np.hypot(fy, fx), 1 / SIZE) ** rng.uniform(1.1, 1.5)
    planes = [np.fft.ifft2(np.fft.fft2(rng.standard_normal((SIZE, SIZE))) * slope).real for _ in range(2)]
    planes = [plane / plane.std() for plane in planes]
    rgb = np.stack([planes[0], planes[0] + 0.2 * planes[1], planes[0] - 0.2 * planes[1]], axis=2)
    rgb = 0.5 + 0.12 * rgb + rng.standard_normal(rgb.shape) * 0.004
    rgb[:, rng.integers(20, SIZE - 20) :] += rng.uniform(-0.2, 0.2)
    return np.clip(rgb, 0, 1).astype(np.float32)


def places(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grown hole and core: an ellipse that may touch the border."""
    rng = np.random.default_rng(seed + 1000)
    y, x = np.mgrid[:SIZE, :SIZE]
    middle, radii = rng.uniform(20, SIZE - 20, 2), rng.uniform(18, 36, 2)
    away = np.hypot((y - middle[0]) / radii[0], (x - middle[1]) / radii[1])
    core = away <= 1
    return cv2.dilate(core.view(np.uint8), np.ones((9, 9), np.uint8)) > 0, core


def spoiled(rgb: np.ndarray, core: np.ndarray, fault: str) -> np.ndarray:
    """One deliberate fault."""
    if fault == "blur":
        return cv2.GaussianBlur(rgb, (0, 0), 1.5)
    if fault == "shift":
        return np.roll(rgb, (9, -7), (0, 1))
    if fault == "mean":
        return np.broadcast_to(rgb.mean(axis=(0, 1)), rgb.shape).astype(np.float32)
    if fault == "offset":
        return np.clip(rgb + np.float32(25 / 255), 0, 1)
    weight = np.float32(0.4) * cv2.GaussianBlur(core.astype(np.float32), (0, 0), 1.2)[..., None]
    return (rgb * (1 - weight) + np.float32(0.9) * weight).astype(np.float32)


def area_under_curve(bad: list[float], good: list[float]) -> float:
    """Probability that a bad value exceeds a good one."""
    return float(np.mean([(b > g) + 0.5 * (b == g) for b in bad for g in good]))


def complaint(scores: Scores, fault: str) -> float:
    """The score that is meant for the fault, larger = worse."""
    named = {"blur": -scores.sharpness, "mean": -scores.sharpness, "ghost": scores.residue}
    return named.get(fault, scores.seam)


@pytest.mark.parametrize("fault", ["blur", "shift", "mean", "offset", "ghost"])
def test_spoiled_fills_are_told_from_true_ones(fault):
    good, bad, joint_good, joint_bad = [], [], [], []
    for seed in range(16):
        rgb, (hole, core) = photograph(seed), places(seed)
        true, wrong = score(rgb, rgb, hole, core), score(rgb, spoiled(rgb, core, fault), hole, core)
        good.append(complaint(true, fault))
        bad.append(complaint(wrong, fault))
        joint_good.append(badness(true))
        joint_bad.append(badness(wrong))
    assert area_under_curve(bad, good) >= 0.9
    assert area_under_curve(joint_bad, joint_good) >= 0.9


def test_true_fills_pass_and_plainly_spoiled_ones_do_not():
    passed = [verdict(score(p, p, *places(s))).ok for s, p in ((s, photograph(s)) for s in range(16))]
    assert np.mean(passed) >= 0.9
    for seed in range(6):
        rgb, (hole, core) = photograph(seed), places(seed)
        assert not verdict(score(rgb, spoiled(rgb, core, "mean"), hole, core)).ok
        blurred = score(rgb, cv2.GaussianBlur(rgb, (0, 0), 3), hole, core)
        assert any("blurred" in reason for reason in verdict(blurred).reasons)


@st.composite
def fills(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    height, width = draw(st.integers(1, 50)), draw(st.integers(1, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    flat = draw(st.booleans())
    rgb, fill = (rng.random((height, width, 3), dtype=np.float32) * (0 if flat else 1) for _ in range(2))
    hole = np.zeros((height, width), bool)
    top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    hole[top : top + draw(st.integers(0, 50)), left : left + draw(st.integers(0, 50))] = True
    core = hole & (rng.random(hole.shape) < draw(st.sampled_from([0.0, 0.5, 1.0])))
    return rgb, fill, hole, core


@given(fills())
@settings(max_examples=80)
def test_scores_are_finite_positive_and_repeatable(case):
    rgb, fill, hole, core = case
    scores = score(rgb, fill, hole, core)
    assert all(math.isfinite(value) and value > 0 for value in scores.as_dict().values())
    assert score(rgb, fill, hole, core) == scores
    hidden = rgb.copy()
    hidden[hole] = np.nan
    shown = fill.copy()
    shown[~hole] = np.nan
    assert score(hidden, shown, hole, core) == scores, "only known pixels and the fill are looked at"
    assert 0 <= badness(scores) < math.inf
    if not hole.any() or hole.all():
        assert scores == Scores(1.0, 1.0, 1.0)


def test_scores_do_not_follow_brightness_or_contrast():
    rgb, (hole, core) = photograph(3), places(3)
    plain = score(rgb, rgb, hole, core)
    dark = score(rgb * 0.5 + 0.2, rgb * 0.5 + 0.2, hole, core)
    for name, value in plain.as_dict().items():
        assert dark.as_dict()[name] == pytest.approx(value, rel=0.15)


def test_verdict_names_value_and_limit():
    result = verdict(Scores(sharpness=0.31, seam=2.5, residue=3.0))
    assert not result.ok
    assert [text.split(":")[0] for text in result.reasons] == [
        "blurred", "a seam shows", "the object's outline shows",
    ]  # fmt: skip
    assert "0.31" in result.reasons[0] and "2.50" in result.reasons[1] and "3.00" in result.reasons[2]
    assert verdict(Scores(1, 1, 1)).reasons == ()
    assert json.loads(json.dumps(result.as_dict()))["ok"] is False


def test_better_answers_only_when_the_difference_is_plain():
    fine, fair = Scores(1.0, 1.0, 1.0), Scores(0.8, 1.3, 1.1)
    blurred, seamed = Scores(0.3, 1.1, 1.0), Scores(0.9, 3.0, 1.0)
    assert better(fine, blurred)
    assert better(fair, seamed)
    assert not better(fine, fair), "both pass: no ranking of honest fills"
    assert not better(blurred, fine)
    assert not better(blurred, blurred)
    assert badness(fine) == 0 < badness(fair) < badness(blurred)


def test_a_residue_alone_is_no_reason_for_another_guide() -> None:
    assert not misguided(Scores(sharpness=1.0, seam=1.0, residue=9.0))
    assert misguided(Scores(sharpness=0.1, seam=1.0, residue=1.0))
    assert misguided(Scores(sharpness=1.0, seam=9.0, residue=1.0))
