"""The page of a recording session: which clips it shows, where, and what it keeps from whom."""

from __future__ import annotations

import re

import pytest

from pipeline.batch.ledger import Ledger
from pipeline.review import audit
from tests.pipeline.recorded import client, clip, keys, name, served

GAP = ("recording-gap", "violation", {"before": name(2), "after": name(3), "gap_s": 120.0})
LOST = ("sequence-missing", "violation", {"before": name(3), "after": name(6), "gap_s": 60.0, "numbers": 3})
TO_HIDDEN = ("recording-gap", "suspect", {"before": name(6), "after": name(7), "gap_s": 30.0})
UNREAD = ("recording-gap", "suspect", {"before": name(1), "after": name(2), "gap_s": 9.0, "unread": name(7)})
DOCUMENTS = [
    clip(1, 0),
    clip(2, 60, between=(GAP, UNREAD)),
    clip(3, 240, verdict="fail", between=(GAP, LOST)),
    clip(6, 360, length_s=90, between=(LOST, TO_HIDDEN)),
    clip(7, 480, access="restricted", between=(TO_HIDDEN,)),
    clip(8, 420, length_s=30),  # while 6 runs
    clip(20, 4 * 3600, case_number="2026-13"),
    clip(21, 200, device="M9B4455", name="M9B4455_0001.mp4"),
    clip(22, 300, place="二号仓库", case_number="2026-14", name="elsewhere.mp4", device="another"),
    clip(9, 540, device=None, name="nameless/one.mp4"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions")
    with Ledger(str(folder / "a.ledger")) as ledger:
        app, index = served(folder, ledger, DOCUMENTS)
        yield ledger, app, keys(index)
        index.close()


def listed(text: str) -> list[str]:
    table = text.split('<table class="sheet"')[1].split("</table>")[0]
    return re.findall(r"<bdi>([^<]+)</bdi>", table)


def boxes(text: str) -> list[tuple[float, float]]:
    """Return start and width of each clip in the picture, in per cent."""
    found = re.findall(r'clip-bar[^>]* x="([\d.]+)%" y="\d+" width="([\d.]+)%"', text)
    return [(float(x), float(width)) for x, width in found]


def test_the_clips_of_one_recorder_and_case_stand_in_order_of_time(pages):
    _, app, known = pages
    who = client(app, "boss")
    answer = who.get(f"/sessions/{known[name(3)]}")
    assert answer.status_code == 200
    assert listed(answer.text) == [name(number) for number in (1, 2, 3, 6, 8, 7)]
    for number in (1, 2, 6, 7, 8):
        assert listed(who.get(f"/sessions/{known[name(number)]}").text) == listed(answer.text)
    assert listed(who.get(f"/sessions/{known[name(20)]}").text) == [name(20)], "another case, hours later"
    assert listed(who.get(f"/sessions/{known['M9B4455_0001.mp4']}").text) == ["M9B4455_0001.mp4"]


def test_the_picture_is_on_one_line_of_real_time(pages):
    _, app, known = pages
    text = client(app, "boss").get(f"/sessions/{known[name(1)]}").text
    found = boxes(text)
    per_s = 98 / 540  # from 0 s to 540 s, 1 % free at either side
    begun = [0, 60, 240, 360, 420, 480]
    assert [x for x, _ in found] == pytest.approx([1 + per_s * at for at in begun], abs=0.01)
    assert [width for _, width in found] == pytest.approx([per_s * s for s in (60, 60, 60, 90, 30, 60)], abs=0.01)
    (gap,) = re.findall(r'class="gap violation" x="([\d.]+)%" y="\d+" width="([\d.]+)%"', text)
    assert [float(one) for one in gap] == pytest.approx([1 + per_s * 120, per_s * 120], abs=0.01)
    assert len(re.findall(r'class="missing-number violation"', text)) == 1
    assert len(re.findall(r'class="overlap"', text)) == 1
    rows = re.findall(r'clip-bar[^>]* y="(\d+)"', text)
    assert rows[4] != rows[3], "two clips at once lie over each other"


def test_what_lies_between_clips_is_told_once_in_words(pages):
    _, app, known = pages
    text = client(app, "boss").get(f"/sessions/{known[name(1)]}").text
    told = text.split('<ul class="across">')[1].split("</ul>")[0]
    assert told.count("<li>") == 4
    assert told.count(f"Between {name(2)} and {name(3)}, at one place, nothing was recorded for 120.0 s") == 1
    assert "Clips no. 2, 3" in told


def test_a_clip_that_may_not_be_seen_is_neither_shown_nor_named_nor_counted(pages):
    _, app, known = pages
    who = client(app, "narrow")
    text = who.get(f"/sessions/{known[name(6)]}").text
    assert listed(text) == [name(number) for number in (1, 2, 3, 6, 8)]
    assert name(7) not in text, "a finding names it"
    assert "only clips that this account may see" in text
    assert text.split('<ul class="across">')[1].count("<li>") == 2
    assert who.get(f"/sessions/{known[name(7)]}").status_code == 404
    assert "only clips that this account may see" in who.get(f"/sessions/{known[name(20)]}").text, "it tells of some"
    assert "only clips that this account may see" not in client(app, "boss").get(f"/sessions/{known[name(6)]}").text
    assert client(app, "blind").get(f"/sessions/{known[name(6)]}").status_code == 404


def test_the_page_of_a_clip_leads_to_its_session_and_views_are_noted(pages):
    ledger, app, known = pages
    who, key = client(app, "boss"), known[name(1)]
    assert f'href="/sessions/{key}"' in who.get(f"/clips/{key}").text
    who.get(f"/sessions/{key}")
    event = audit.page(ledger, actor="boss", action="session-viewed").events[0]
    assert event.subject == key and len(event.details["clips"]) == 6
    assert who.get("/sessions/" + "0" * 64).status_code == 404


def test_a_clip_without_recorder_goes_to_the_only_one_of_its_folder(tmp_path):
    told = [
        clip(1, 0, name="a/K7A0123_0001.mp4"),
        clip(2, 60, name="a/copy of two.mp4", device=None),
        clip(3, 120, name="b/three.mp4", device=None),
        clip(4, None, name="a/no time.mp4", device=None),
    ]
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        app, index = served(tmp_path, ledger, told)
        who, known = client(app, "boss"), keys(index)
        for one in ("a/K7A0123_0001.mp4", "a/copy of two.mp4", "a/no time.mp4"):
            assert listed(who.get(f"/sessions/{known[one]}").text) == [
                "K7A0123_0001.mp4",
                "copy of two.mp4",
                "no time.mp4",
            ]
        assert listed(who.get(f"/sessions/{known['b/three.mp4']}").text) == ["three.mp4"]
        index.close()


def test_hours_without_a_recording_do_not_part_one_case_on_one_day(tmp_path):
    told = [clip(1, 0), clip(2, 3 * 3600), clip(3, 6 * 3600, case_number=None), clip(4, 30 * 3600)]
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        app, index = served(tmp_path, ledger, told)
        who, known = client(app, "boss"), keys(index)
        assert listed(who.get(f"/sessions/{known[name(2)]}").text) == [name(1), name(2)]
        assert listed(who.get(f"/sessions/{known[name(3)]}").text) == [name(3)]
        assert listed(who.get(f"/sessions/{known[name(4)]}").text) == [name(4)]
        index.close()


def test_a_clip_without_time_and_kin_has_a_page_without_a_picture(tmp_path):
    with Ledger(str(tmp_path / "a.ledger")) as ledger:
        app, index = served(tmp_path, ledger, [clip(1, None, unreadable="broken", verdict="undecided")])
        text = client(app, "boss").get(f"/sessions/{keys(index)[name(1)]}").text
        assert listed(text) == [name(1)] and "<svg" not in text
        assert "Nothing says when these clips were recorded." in text
        index.close()
