"""The light of an emptied room: in full where something went, fading out round it, nowhere else."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panorama import Frame, Panorama, erase_panorama, light
from panorama.objects import Part, grown_objects
from panorama.sphere import Region
from vanisher_core import Mask, Vanisher, errors
from vanisher_core.models import registry

FRAME = Frame.full(512, 256)
SIZE = 256, 512


def parts(mask: np.ndarray) -> list[Part]:
    """What a mask covers, not grown."""
    return grown_objects(mask, Frame.full(mask.shape[1], mask.shape[0]), 0, 0)


def box(top: int, left: int, height: int, width: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A mask of one rectangle, across the seam where it reaches it; uint8 HxW."""
    mask = np.zeros(size, np.uint8)
    mask[top : top + height, np.arange(left, left + width) % size[1]] = 255
    return mask


def away(mask: np.ndarray) -> np.ndarray:
    """Degrees from every texel to the mask; what is farther than 40 may be infinite."""
    height, width = mask.shape
    found = Frame.full(width, height).distance(mask > 0, Region(0, 0, width, height), math.radians(40))
    return np.degrees(found)


def random_light(seed: int, spread: float = 0.4) -> np.ndarray:
    """Logarithms as the network gives them: 128x256x3."""
    return np.random.default_rng(seed).normal(0, spread, (128, 256, 3)).astype(np.float32)


@settings(max_examples=15)
@given(
    top=st.integers(0, 250), left=st.integers(0, 511), height=st.integers(1, 60), width=st.integers(1, 140),
    high=st.sampled_from([64, 128, 150, 256, 400]),
)  # fmt: skip
def test_it_is_full_in_the_hole_and_ends_within_reach(
    top: int, left: int, height: int, width: int, high: int
) -> None:
    mask = box(top * high // 256, left, height, width, (high, 2 * high))
    share = light.fading(Frame.full(2 * high, high), parts(mask))
    assert share.shape == (128, 256) and share.dtype == np.float32
    assert share.min() >= 0 and share.max() == 1
    reach = light.reached(share, mask.shape)
    assert reach[mask > 0].min() >= 245
    assert not reach[away(mask) > math.degrees(light.REACH)].any()
    assert reach[away(mask) < 8].all()


def test_it_fades_as_one_goes_away() -> None:
    mask = box(100, 240, 30, 30)
    reach = light.reached(light.fading(FRAME, parts(mask)), SIZE)[115, 270:310].astype(int)
    assert reach[0] >= 250 and reach[-1] == 0
    assert (np.diff(reach) <= 0).all() and np.diff(reach).min() > -25, "no step"


def test_it_goes_round_the_seam() -> None:
    middle, seam = box(150, 240, 20, 32), box(150, 496, 20, 32)
    assert np.array_equal(np.roll(middle, 256, axis=1), seam)
    shares = [light.fading(FRAME, parts(mask)) for mask in (middle, seam)]
    assert np.array_equal(np.roll(shares[0], 128, axis=1), shares[1])
    assert shares[1][80, 0] == shares[1][80, -1] == 1


@pytest.mark.parametrize(("top", "row"), [(4, 0), (244, -1)])
def test_it_goes_over_the_poles(top: int, row: int) -> None:
    reach = light.reached(light.fading(FRAME, parts(box(top, 100, 8, 12))), SIZE)
    assert reach[row].all(), "all round the pole, which is near"


def test_only_a_whole_sphere_can_be_looked_at() -> None:
    assert light.sees_all(FRAME)
    assert not light.sees_all(Frame(512, 200, 512, 256))
    assert not light.sees_all(Frame(512, 200, 512, 256, 0, 56))
    assert not light.sees_all(Frame(400, 256, 512, 256))


def samples(dtype: str, channels: tuple[int, ...], seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Random samples; not too bright, so that gains can be seen."""
    random = np.random.default_rng(seed)
    if dtype == "float32":
        return random.normal(0.1, 0.1, (*size, *channels)).clip(-1, 0.4).astype(np.float32)
    return random.integers(0, np.iinfo(dtype).max // 3, (*size, *channels)).astype(dtype)


KINDS = [(dtype, channels) for dtype in ("uint8", "uint16", "float32") for channels in ((), (2,), (3,), (4,))]


@pytest.mark.parametrize(("dtype", "channels"), KINDS)
def test_samples_are_scaled_and_alpha_is_not(dtype: str, channels: tuple[int, ...]) -> None:
    before = samples(dtype, channels)
    work = before.copy()
    log = np.tile(np.log(np.array([1.5, 1.25, 0.5], np.float32)), (128, 256, 1))
    light.apply(FRAME, work, log)
    colour = before.ndim == 3 and before.shape[2] >= 3
    gain = np.exp(log[0, 0] if colour else log[0, 0].mean())
    own, planes = (array.reshape(*SIZE, -1) for array in (work, before))
    count = 3 if colour else 1
    wanted = planes[..., :count] * gain
    assert np.abs(own[..., :count] - wanted).max() <= (1e-5 if dtype == "float32" else 0.51)
    assert np.array_equal(own[..., count:], planes[..., count:])


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("float32", 1)])
@pytest.mark.parametrize("gain", [0.4, 0.9, 1.1, 1.4, 1.65, 2.5, 8])
def test_nothing_burns_out_and_brighter_stays_brighter(dtype: str, white: float, gain: float) -> None:
    dark_to_white = np.linspace(0, white, SIZE[1])
    work = np.tile(np.rint(dark_to_white) if white > 1 else dark_to_white, (SIZE[0], 1)).astype(dtype)
    before = work[0].astype(float)
    light.apply(FRAME, work, np.full((128, 256, 3), math.log(gain), np.float32))
    after = work[0].astype(float)
    assert (np.diff(after) >= 0).all()
    assert after[-1] == white and (after[before < 0.98 * white] < white).all()
    full = before < white * (1 - max(light.SHOULDER, math.log(gain) / (1 - light.CONTRAST)) - 1e-3)
    assert np.abs(after - gain * before)[full].max(initial=0) <= (0.51 if white > 1 else 1e-6)
    assert ((after >= before) if gain > 1 else (after <= before)).all()


@pytest.mark.parametrize("gain", [0.7, 1.3, 3])
def test_bright_colours_keep_their_hue(gain: float) -> None:
    before = np.random.default_rng(0).uniform(0.3, 1, (*SIZE, 3)).astype(np.float32)
    work = before.copy()
    light.apply(FRAME, work, np.full((128, 256, 3), math.log(gain), np.float32))
    ratio = work / before
    assert np.ptp(ratio, axis=2).max() < 1e-5 and work.max() <= 1


def test_floats_brighter_than_white_stay() -> None:
    before = np.random.default_rng(0).uniform(0, 4, (*SIZE, 3)).astype(np.float32)
    work = before.copy()
    light.apply(FRAME, work, random_light(0))
    beyond = before.max(axis=2) >= 1
    assert np.array_equal(work[beyond], before[beyond]) and (work[~beyond] != before[~beyond]).mean() > 0.9


@settings(max_examples=12)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_where_the_logarithm_is_0_samples_stay(
    kind: tuple[str, tuple[int, ...]], seed: int, share: float
) -> None:
    before = samples(*kind, seed, (90, 181))
    log = random_light(seed) * (np.random.default_rng(seed).random((128, 256, 1)) < share)
    work = before.copy()
    light.apply(Frame.full(181, 90), work, log)
    near = light.reached(np.abs(log).max(axis=2), (90, 181)) > 0
    assert np.array_equal(work[~near], before[~near])


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**16), density=st.floats(0, 0.2), power=st.floats(0, 12),
    width=st.sampled_from([100, 256, 301, 700]),
)  # fmt: skip
def test_all_that_may_change_is_reached(seed: int, density: float, power: float, width: int) -> None:
    """However little of the new light a direction gets: floats show it all."""
    random = np.random.default_rng(seed)
    share = np.where(random.random((128, 256)) < density, random.random((128, 256)) ** power, 0)
    share = share.astype(np.float32)
    size = (width // 2, width)
    before = np.full((*size, 3), 0.5, np.float32)
    work = before.copy()
    light.apply(Frame.full(width, width // 2), work, 30 * random_light(seed) * share[..., None])
    changed = (work != before).any(axis=2)
    assert (light.reached(share, size)[changed] > 0).all()


# All of it, with the trained network


@pytest.fixture(scope="module")
def vanisher() -> Vanisher:
    return Vanisher(device="cpu", model="exemplar")


def room(width: int = 512) -> tuple[np.ndarray, np.ndarray]:
    """A room with a dark thing before a wall and its shadow round it; and the thing's mask. HxWx3 and HxW, uint8."""
    frame = Frame.full(width, width // 2)
    yaw, pitch = frame.yaw(np.arange(width)), frame.pitch(np.arange(width // 2))[:, None]
    value = np.where(pitch < -0.35, 120, np.where(pitch > 0.5, 225, 180)) + 0 * yaw
    thing = (np.abs(yaw - 0.4) < 0.3) & (np.abs(pitch + 0.45) < 0.2)
    shadow = np.exp(-np.square(np.radians(away(np.where(thing, 255, 0))) / 0.15))
    grain = np.random.default_rng(0).normal(0, 2, (width // 2, width, 1))
    picture = (value * (1 - 0.4 * shadow))[..., None] * np.array([1.0, 0.96, 0.9]) + grain
    picture[thing] = (60, 40, 30)
    return np.clip(picture, 0, 255).astype(np.uint8), np.where(thing, 255, 0).astype(np.uint8)


def test_what_is_near_gets_new_light_and_what_is_far_stays(vanisher: Vanisher) -> None:
    picture, mask = room()
    panorama, given_mask = Panorama.from_array(picture), Mask.from_array(mask)
    lit = erase_panorama(panorama, given_mask, vanisher=vanisher, grow=0, relight=True)
    plain = erase_panorama(panorama, given_mask, vanisher=vanisher, grow=0)
    degrees, used = away(mask), lit.mask_used.array
    after = lit.photo.array
    assert np.array_equal(after[degrees > 20], picture[degrees > 20])
    assert np.array_equal(after[used == 0], picture[used == 0])
    assert (used >= plain.mask_used.array).all() and (used[degrees > 20] == 0).all()
    ring = (degrees > 0) & (degrees < 6)
    assert (after[ring].astype(int) != picture[ring]).any(axis=1).mean() > 0.5
    assert lit.receipt.relight and not plain.receipt.relight
    assert lit.receipt.weights == {light.MODEL: registry.info(light.MODEL).sha256}
    assert not plain.receipt.weights


@pytest.mark.parametrize("by", [1, 200, -77])
def test_a_rolled_panorama_gives_the_rolled_light(vanisher: Vanisher, by: int) -> None:
    picture, mask = room()

    def done(turn: int) -> np.ndarray:
        rolled = Mask.from_array(np.roll(mask, turn, axis=1))
        panorama = Panorama.from_array(np.roll(picture, turn, axis=1))
        result = erase_panorama(panorama, rolled, vanisher=vanisher, relight=True)
        return np.dstack([result.photo.array, result.mask_used.array])

    assert np.array_equal(np.roll(done(0), by, axis=1), done(by))


def test_a_crop_keeps_its_light_and_says_so(vanisher: Vanisher) -> None:
    picture, mask = room()
    frame = Frame(512, 200, 512, 256, 0, 56)
    panorama, given_mask = Panorama.from_array(picture[56:], frame), Mask.from_array(mask[56:])
    asked = erase_panorama(panorama, given_mask, vanisher=vanisher, relight=True)
    plain = erase_panorama(panorama, given_mask, vanisher=vanisher)
    assert np.array_equal(asked.photo.array, plain.photo.array) and asked.mask_used == plain.mask_used
    assert "light was left" in " ".join(asked.notes) and not asked.receipt.relight


def test_with_nothing_to_erase_there_is_no_new_light(vanisher: Vanisher) -> None:
    picture, mask = room(64)
    result = erase_panorama(
        Panorama.from_array(picture), Mask.from_array(0 * mask), vanisher=vanisher, relight=True
    )
    assert np.array_equal(result.photo.array, picture) and not result.receipt.relight


def test_missing_weights_are_named(vanisher: Vanisher, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANISHER_WEIGHTS", str(tmp_path))
    light._network.cache_clear()
    picture, mask = room(64)
    try:
        with pytest.raises(errors.VanisherError, match=light.MODEL):
            erase_panorama(
                Panorama.from_array(picture), Mask.from_array(mask), vanisher=vanisher, relight=True
            )
    finally:
        light._network.cache_clear()
