"""The recorder's overlay told from the scene: clocks, devices, margins, and what stays while the camera moves."""

import numpy as np
import pytest

from pipeline.signs.overlay import Box, camera_moved, is_clock, is_device, overlay_of

EDGE, SHARE = 0.14, 0.6


@pytest.mark.parametrize(
    "text",
    [
        "2019-07-25 14:03:27",
        "2019-07-2514:03:27",
        "20190725140327",
        "20190725",
        "2019/7/5 9:03",
        "2019.07.25",
        "2019年07月25日 14:03:27 星期四",
        "2019年7月5日14时03分27秒",
        "7/27/2018 4:11:07 PM",
        "27-07-2018 16:11:07",
        "２０１９－０７－２５",
        "2019-07-25 THU 14:03:27",
        "14:03:27",
        "REC 2019-07-25 14:03:27 K7A0123",
    ],
)
def test_clocks(text: str) -> None:
    assert is_clock(text)


@pytest.mark.parametrize(
    "text",
    [
        "15952301928",
        "027-88852022",
        "打浦路15号",
        "24H营业",
        "9:00-21:00",
        "2019",
        "20191399",
        "130100000012",
        "营业至22:30",
        "",
    ],
)
def test_no_clocks(text: str) -> None:
    assert not is_clock(text)


@pytest.mark.parametrize(
    "text", ["DSJ-K7A0123", "N38.04276 E114.51430", "45 km/h", "REC", "ID:100123", "DSJ-K7A0123 013057"]
)
def test_devices(text: str) -> None:
    assert is_device(text)


@pytest.mark.parametrize("text", ["E区25-26号", "金星化工", "NO SMOKING", "TAXI STOP", "027-88852022", "冀A12345", ""])
def test_no_devices(text: str) -> None:
    assert not is_device(text)


def at(text: str, left: float, top: float, frame: int = 0, width: float = 0.2, height: float = 0.04) -> Box:
    return Box(frame, text, left, top, left + width, top + height)


def told(boxes: list[Box], pictures: int = 1, moving: bool = False) -> dict[str, bool]:
    overlay = overlay_of(boxes, pictures, moving, EDGE, SHARE)
    assert overlay.dtype == np.bool_
    return {box.text: bool(burned) for box, burned in zip(boxes, overlay, strict=True)}


def test_a_clock_near_an_edge_is_the_recorders_in_a_single_picture() -> None:
    boxes = [at("2019-07-25 14:03:27", 0.02, 0.03), at("DSJ-K7A0123", 0.8, 0.94), at("金星化工", 0.4, 0.4)]
    assert told(boxes) == {"2019-07-25 14:03:27": True, "DSJ-K7A0123": True, "金星化工": False}


def test_a_date_in_the_middle_belongs_to_the_scene() -> None:
    assert told([at("2019-07-25", 0.4, 0.5)]) == {"2019-07-25": False}


def test_what_stands_in_line_with_the_clock_is_the_recorders() -> None:
    boxes = [
        at("2019-07-25 14:03:27", 0.02, 0.03),
        at("石家庄市安全生产监督管理局", 0.021, 0.08, width=0.3),
        at("金星化工", 0.3, 0.08),
        at("大字", 0.02, 0.02, height=0.2),
    ]
    assert told(boxes) == {
        "2019-07-25 14:03:27": True,
        "石家庄市安全生产监督管理局": True,
        "金星化工": False,
        "大字": False,
    }


def test_what_stays_while_the_camera_moves_is_the_recorders() -> None:
    boxes = [at("某局", 0.7, 0.03, frame) for frame in range(6)]
    boxes += [at("金星化工", 0.1 * frame, 0.05, frame) for frame in range(6)]
    assert told(boxes, 10, moving=True) == {"某局": True, "金星化工": False}


def test_it_must_stay_in_enough_of_the_pictures_that_were_read() -> None:
    boxes = [at("某局", 0.7, 0.03, frame) for frame in range(5)]
    assert told(boxes, 10, moving=True) == {"某局": False}
    assert told(boxes[:3], 3, moving=True) == {"某局": False}


def test_pictures_that_were_not_read_tell_what_stays_too() -> None:
    read = [at("某局", 0.7, 0.03, 0)]
    seen = [at("", 0.7, 0.03, frame) for frame in range(6)]
    assert overlay_of(read, 10, True, EDGE, SHARE, seen).tolist() == [True]
    assert overlay_of(read, 10, True, EDGE, SHARE, seen[:5]).tolist() == [False]
    assert overlay_of(read, 10, False, EDGE, SHARE, seen).tolist() == [False]


def test_the_sign_before_a_fixed_camera_belongs_to_the_scene() -> None:
    boxes = [at("金星化工", 0.4, top, frame) for frame in range(6) for top in (0.03, 0.5)]
    assert told(boxes, 6, moving=False) == {"金星化工": False}


def test_a_sign_in_the_middle_stays_the_scenes_even_if_it_never_moves() -> None:
    boxes = [at("金星化工", 0.4, 0.5, frame) for frame in range(6)]
    assert told(boxes, 6, moving=True) == {"金星化工": False}


def test_no_boxes() -> None:
    assert overlay_of([], 5, True, EDGE, SHARE).shape == (0,)


def test_a_camera_moves_where_most_of_the_picture_changes() -> None:
    random = np.random.default_rng(7)
    scene = random.integers(0, 256, (36, 200), dtype=np.uint8)
    moving = [scene[:, start : start + 64] for start in range(0, 60, 10)]
    noisy = [np.clip(scene[:, :64] + random.normal(0, 2, (36, 64)), 0, 255).astype(np.uint8) for _ in range(6)]
    for number, picture in enumerate(noisy):
        picture[:, number * 8 : number * 8 + 12] = 255  # somebody walks through
    assert camera_moved(moving, 4.0)
    assert not camera_moved(noisy, 4.0)
    assert not camera_moved(moving[:1], 4.0)
    assert not camera_moved([], 4.0)
