"""How forgeries are written: the same bytes each time, in every encoder and container, under a running clock."""

import itertools
import random
from datetime import datetime
from fractions import Fraction

import av
import numpy as np
import pytest

from pipeline.errors import SettingsError
from pipeline.forge import drawing, overlay
from pipeline.forge.cases import case
from pipeline.forge.encoding import CONTAINERS, Encoding, chosen
from pipeline.forge.forgery import Wish, plan, read_take, render
from pipeline.forge.layouts import layout
from tests.pipeline.forging import forged, heard, numbered_clip, seen

PAIRS = [(codec, container) for container, (_, codecs) in CONTAINERS.items() for codec in codecs]


@pytest.fixture(scope="module")
def takes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("takes")
    return [
        read_take(numbered_clip(folder / "mine.mp4", 0, frames=100)),
        read_take(numbered_clip(folder / "other.mp4", 1, frames=80)),
    ]


@pytest.mark.parametrize(("codec", "container"), PAIRS)
def test_every_encoder_and_container(takes, tmp_path, codec, container):
    path = tmp_path / f"forged.{container}"
    truth = forged(case("removed-10"), takes, path, codec=(codec,), container=(container,), crf=(20,), gop=(30,))
    at = truth.events[0].span.stop_frame
    assert seen(path) == [(0, number) for number in range(100) if not at <= number < at + 10]
    with av.open(str(path)) as made:
        wanted = {"libx264": "h264", "libx265": "hevc", "mpeg4": "mpeg4", "mjpeg": "mjpeg"}
        assert made.streams.video[0].codec_context.codec.canonical_name == wanted[codec]
        assert made.streams.audio[0].codec_context.name == ("pcm_s16le" if container == "avi" else "aac")
    assert heard(path, at / 25 + 0.2)[1] == pytest.approx((at + 10) / 25 + 0.2, abs=0.08)


def test_settings_reach_the_encoder(takes, tmp_path):
    def types(**wish):
        path = tmp_path / "forged.mp4"
        forged(case("re-encoded"), takes, path, **wish)
        with av.open(str(path)) as made:
            packets = [packet for packet in made.demux(video=0) if packet.size]
        reordered = any(packet.pts != packet.dts + packets[0].pts - packets[0].dts for packet in packets)
        return [n for n, packet in enumerate(packets) if packet.is_keyframe], reordered, sum(p.size for p in packets)

    fine, coarse = types(crf=(20,), gop=(20,), bframes=(0,)), types(crf=(35,), gop=(50,), bframes=(3,))
    assert {20, 40, 60, 80} <= set(fine[0]) and not fine[1]
    assert 20 not in coarse[0] and coarse[1] and coarse[2] < fine[2]


@pytest.mark.parametrize("wish", [{}, {"container": ("mkv",)}, {"codec": ("libx265",)}, {"overlay": ("dots-5x7",)}])
@pytest.mark.parametrize("name", ["inserted-5", "joined-copied"])
def test_the_same_wish_gives_the_same_bytes(takes, tmp_path, name, wish):
    one, two = tmp_path / "one", tmp_path / "two"
    assert forged(case(name), takes, one, **wish) == forged(case(name), takes, two, **wish)
    assert one.read_bytes() == two.read_bytes()


def test_another_seed_gives_another_forgery(takes):
    wish = Wish(crf=(20, 23, 26), gop=(25, 50), codec=("libx264", "mpeg4"))
    forgeries = [plan(case("inserted-5"), takes, seed, wish) for seed in range(12)]
    assert len({str(forgery.plan.events) for forgery in forgeries}) > 6
    assert {forgery.plan.encoding.crf for forgery in forgeries} == {20, 23, 26}
    assert {forgery.plan.encoding.codec for forgery in forgeries} == {"libx264", "mpeg4"}


def test_places_do_not_depend_on_encoding_and_overlay(takes):
    wishes = (Wish(), Wish(crf=(20, 28), container=("mkv", "mov")), Wish(overlay=("dots-5x7",), height=96))
    assert len({str(plan(case("removed-3"), takes, 4, wish).plan.pictures) for wish in wishes}) == 1


def test_pictures_are_brought_to_a_height_and_a_shape(takes, tmp_path):
    wide = read_take(numbered_clip(tmp_path / "wide.mp4", 1, frames=60, size=(240, 128)))
    path = tmp_path / "forged.mp4"
    truth = forged(case("inserted-5"), [takes[0], wide], path, height=64)
    with av.open(str(path)) as made:
        assert {(frame.width, frame.height) for frame in made.decode(video=0)} == {(80, 64)}
    assert (truth.recipe["width"], truth.recipe["height"]) == (80, 64)


def test_uneven_times_are_kept(tmp_path):
    times = np.concatenate(([0.0], np.cumsum(np.tile([0.02, 0.04, 0.09, 0.05], 30))))
    take = read_take(numbered_clip(tmp_path / "a.mp4", 0, frames=121, timestamps=list(times)))
    path = tmp_path / "forged.mp4"
    truth = forged(case("removed-10"), [take], path)
    (event,) = truth.events
    at = event.span.stop_frame
    closed = np.concatenate((times[:at], times[at + 10 :] - times[at + 10] + times[at]))
    assert read_take(path).times_s[:-1] == pytest.approx(closed, abs=0.0003)
    assert event.seconds == pytest.approx(times[at + 10] - times[at], abs=0.0003)
    assert heard(path, event.span.stop_s + 0.2)[1] == pytest.approx(times[at + 10] + 0.2, abs=0.06)
    frozen = forged(case("frozen-0.5s"), [take], path)
    assert read_take(path).times_s[:-1] == pytest.approx(times, abs=0.0003)
    assert frozen.duration_s == pytest.approx(float(take.times_s[-1]), abs=0.001)


def test_foreign_pictures_of_another_rate_run_at_their_own_speed(takes, tmp_path):
    fast = read_take(numbered_clip(tmp_path / "fast.mp4", 1, frames=150, fps=50))
    path = tmp_path / "forged.mp4"
    truth = forged(case("inserted-5"), [takes[0], fast], path)
    first = truth.events[0].span.first_frame
    start = seen(path)[first][1]
    assert seen(path)[first : first + 5] == [(1, start + 2 * step) for step in range(5)]


def test_the_mark_is_written_unless_it_is_not_wanted(takes, tmp_path):
    for container, marked in itertools.product(("mp4", "mov", "mkv", "avi"), (True, False)):
        path = tmp_path / f"forged.{container}"
        forged(case("removed-3"), takes, path, container=(container,), marked=marked)
        with av.open(str(path)) as made:
            told = {key.lower(): value for key, value in made.metadata.items()}
        assert ("forged by unbroken forge: mine-removed-3" in told.get("comment", "")) == marked


def test_the_clock_runs_with_the_take_and_jumps_with_the_cut(tmp_path):
    """The burned-in frame counter is compared with stamps drawn here for the time that each picture was taken at."""
    path = tmp_path / "plain.mp4"
    take = read_take(numbered_clip(path, 0, frames=100, size=(640, 360), options={"preset": "ultrafast", "crf": "14"}))
    forgery = plan(case("removed-30"), [take], 3, Wish(overlay=("dots-5x7",), crf=(14,)))
    truth = render(forgery, tmp_path / "forged.mp4")
    clock = forgery.plan.clocks[0]
    at = truth.events[0].span.stop_frame
    burner = overlay.Burner(clock, take.rate, (640, 360))
    with av.open(str(tmp_path / "forged.mp4")) as made:
        for number, frame in enumerate(made.decode(video=0)):
            source = number if number < at else number + 30
            expected = np.full((540, 640), 128, np.uint8)
            burner.burn(expected, Fraction(source, 25))
            figures = expected[:360] > 200
            assert figures.sum() > 300
            assert frame.to_ndarray(format="gray8")[figures].mean() > 175
    said = overlay.clock_of(layout("dots-5x7"), clock.start, 0, Fraction(25))
    assert said == clock.start.strftime("%Y-%m-%d %H:%M:%S")


def test_clocks_of_two_takes_are_of_one_recorder_at_different_times():
    chance = random.Random(1)
    first = overlay.random_clock(chance, "dots-5x7")
    second = overlay.later(chance, first)
    assert (first.device, first.style) == (second.device, second.style)
    assert second.start > first.start and isinstance(first.start, datetime)


def test_a_missing_font_names_its_package(monkeypatch):
    monkeypatch.setattr(drawing, "font_file", lambda family: None)
    with pytest.raises(SettingsError, match="fonts-dejavu-core"):
        overlay.check_fonts("frame-counter")
    overlay.check_fonts("dots-5x7")
    with pytest.raises(SettingsError, match="Known: iso-outline-sans"):
        overlay.check_fonts("sundial")


@pytest.mark.parametrize(
    "settings",
    [{"codec": "vp9"}, {"container": "flv"}, {"codec": "libx265", "container": "avi"}, {"crf": 99}, {"gop": 0}],
)
def test_an_encoding_that_cannot_be_written_is_refused(settings):
    with pytest.raises(SettingsError):
        Encoding(**settings)
    with pytest.raises(SettingsError):
        Wish(**{name: (value,) for name, value in settings.items()}).checked()


def test_choosing_draws_from_what_is_given():
    drawn = {chosen(random.Random(seed), {"crf": (20, 28), "gop": ()}) for seed in range(20)}
    assert {entry.crf for entry in drawn} == {20, 28} and {entry.gop for entry in drawn} == {Encoding().gop}
