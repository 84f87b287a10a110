import pytest

from detectors.blank_picture import blank_picture
from tests.packets import mark, stream

CLIP = stream("IPPPPPPPPPPPPPPPPPPP")


def clip(start, stop, mean, std, low, high):
    values = {"luma_mean": (110.0, mean), "luma_std": (45.0, std), "luma_p01": (20.0, low), "luma_p99": (220.0, high)}
    return CLIP.features(
        **{name: [there if start <= i < stop else rest for i in range(20)] for name, (rest, there) in values.items()}
    )


def test_a_bright_scene_is_not_blank():
    assert list(blank_picture(CLIP.features())) == []


@pytest.mark.parametrize(
    ("mean", "std", "low", "high"),
    [(16.0, 0.2, 16.0, 17.0), (24.0, 3.0, 18.0, 31.0), (128.0, 0.5, 127.0, 129.0), (18.5, 22.0, 16.0, 160.0)],
    ids=["black", "covered", "one colour", "black under an overlay"],
)
def test_pictures_that_show_nothing_are_marked(mean, std, low, high):
    (finding,) = blank_picture(clip(5, 15, mean, std, low, high))
    assert finding.level == "suspect"
    assert mark(CLIP, [finding]) == ".....xxxxxxxxxx....."


def test_a_night_scene_with_lights_is_not_blank():
    assert list(blank_picture(clip(0, 20, 27.0, 14.0, 16.0, 120.0))) == []


def test_a_dim_room_is_not_blank():
    assert list(blank_picture(clip(0, 20, 30.0, 6.0, 18.0, 52.0))) == []


@pytest.mark.parametrize(("stop", "count"), [(12, 0), (13, 1)])
def test_the_shortest_run(stop, count):
    assert len(list(blank_picture(clip(5, stop, 16.0, 0.2, 16.0, 17.0)))) == count


def test_a_run_at_the_end_reaches_to_the_end():
    (finding,) = blank_picture(clip(10, 20, 16.0, 0.2, 16.0, 17.0))
    assert finding.span.stop_s == pytest.approx(0.8)
