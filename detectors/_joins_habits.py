"""Habits of an encoder and of the program that writes the file, and where they change or break once."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors._joins import Ground, Numbers, at, usual
from pipeline.model import Table

_NEAR_S = 0.05
_EVEN_SHARE = 0.98
"""Where this share of all intervals is the same to the tick, the writer keeps an exact cadence."""
_MOST_SEAMS = 3
_FEWEST_GROUPS = 6
_MOST_ODD = 5
_OPEN_SLACK = 8
_FEWEST_PACKETS = 50
_SMALL_STEP_S = 0.1
"""Longer holes in the sound are told by `timestamp-gap`."""
_NAMED_EVERY = 256
"""Packets from one name to the next, as FFmpeg 4 to 8 write them."""


def changed_sets(pictures: Table, parameters: Table) -> Iterator[Ground]:
    """Yield where the parameter set of the sequence changes for good: at most three times in a clip.

    A set that comes back is an encoder that uses several in turn.
    """
    name = dict(zip(parameters["params"].tolist(), parameters["sequence_sha256"].tolist(), strict=True))
    known = np.flatnonzero(np.isfinite(pictures["params"]))
    sets = [name.get(int(number)) for number in pictures["params"][known]]
    size = {
        row: (width, height)
        for row, width, height in zip(parameters["params"], parameters["width"], parameters["height"], strict=True)
    }
    changes = [i for i in range(1, len(sets)) if sets[i] != sets[i - 1] and None not in sets[i - 1 : i + 1]]
    if len(changes) > 3 or len(set(sets)) != len(changes) + 1:
        return
    for i in changes:
        width, height = size.get(int(pictures["params"][known[i]]), (np.nan, np.nan))
        facts = {"width": int(width), "height": int(height)} if np.isfinite(width) and np.isfinite(height) else {}
        yield at("parameter-set", pictures, int(known[i]), **facts)


def texts_again(pictures: Table, texts: Table, stream: int) -> Iterator[Ground]:
    """Yield where an encoder that names itself once, when it starts, names itself in the middle, or another one does.

    An encoder that repeats its name with its key frames says nothing by it, as long as it is the same name; and a
    program may hand on the name of the encoder before it, beside its own.
    """
    own = texts.where((texts["stream"] == stream) & np.isfinite(texts["time_s"]))
    own = own.where(np.isin(own["place"], ("sei", "user data")))
    own = own.where(np.array([is_encoder(text) for text in own["text"]], dtype=bool))
    if not own.rows or not pictures.rows:
        return
    times_s = np.unique(own["time_s"])
    habit = len(times_s) >= max(3, 0.5 * int(pictures["key"].sum()))
    met: set[str] = set()
    for time_s in times_s:
        said = set(own["text"][own["time_s"] == time_s].tolist())
        text = min(said)[:80]
        if met and not said & met:
            yield _near("other-encoder", pictures, float(time_s), text=text)
        elif met and not habit and any("options:" in text for text in said) and len(times_s) <= 1 + _MOST_SEAMS:
            yield _near("encoder-restart", pictures, float(time_s), text=text)
        met |= said


def is_encoder(text: str | None) -> bool:
    """Tell whether a text is the name of an encoder that writes it once for each run, or with its key frames."""
    return bool(text) and str(text).startswith(("x264", "x265", "Lavc", "XviD", "DivX"))


def sound_restarts(pictures: Table, sound: Table, texts: Table, stream: int) -> Iterator[Ground]:
    """Yield where FFmpeg's AAC encoder, which names itself in every 256th packet, does so out of step.

    What it writes from its 257th packet on may come from the middle of a run; only the distances count.
    """
    own = texts.where((texts["stream"] == stream) & np.isfinite(texts["time_s"]) & (texts["place"] == "fill element"))
    if not sound.rows or own.rows < 2:
        return
    own = Table({name: column[np.argsort(own["time_s"], kind="stable")] for name, column in own.items()})
    order = np.argsort(sound["time_s"], kind="stable")
    number = np.searchsorted(sound["time_s"][order], own["time_s"] - 1e-6)
    odd = np.flatnonzero(np.diff(number) != _NAMED_EVERY)
    if len(odd) <= _MOST_SEAMS:
        for place in odd:
            start_s, stop_s = own["time_s"][place : place + 2].tolist()  # it fell out of step somewhere in between
            yield Ground("sound-encoder-restart", start_s, stop_s)


def _near(name: str, pictures: Table, time_s: float, **facts: str) -> Ground:
    """Return a ground at the picture nearest to a time; at the time itself where there are no pictures."""
    if not pictures.rows:
        return Ground(name, time_s, time_s, facts)
    row = int(np.argmin(np.abs(pictures["time_s"] - time_s)))
    return at(name, pictures, row, **facts)


def marks_of_keys(pictures: Table) -> Iterator[Ground]:
    """Yield where `nal_ref_idc` of the IDR pictures of H.264 changes once and for good: another encoder writes on."""
    rows = np.flatnonzero((pictures["nal_type"] == 5) & np.isfinite(pictures["reference"]))
    marks = pictures["reference"][rows]
    changes = np.flatnonzero(np.diff(marks) != 0)
    if len(changes) == 1:
        yield at("reference-mark", pictures, int(rows[changes[0] + 1]), found=int(marks[-1]))


@dataclass(frozen=True, slots=True)
class Stated:
    """What x264 or x265 says of its key frames."""

    most: int
    """Pictures from one to the next at most (keyint)."""
    fewest: int
    """At least (keyint_min, min-keyint)."""
    by_content: bool
    """It sets more of them at scene cuts."""


def stated_keys(texts: list[str]) -> Stated | None:
    """Return what the encoder's own words say of its key frames, None if they say nothing or do not agree."""
    found = set()
    for text in texts:
        most, fewest = re.search(r"(?<![-_])keyint=(\d+)", text), re.search(r"(?:keyint_min|min-keyint)=(\d+)", text)
        cuts = re.search(r"scenecut=(\d+)", text)
        if most and cuts:
            found.add((int(most[1]), int(fewest[1]) if fewest else 1, cuts[1] != "0"))
    return Stated(*found.pop()) if len(found) == 1 else None


def cadence(pictures: Table, stated: Stated | None, fixed_groups: int) -> Iterator[Ground]:
    """Yield where a group of pictures is shorter or longer than others; `by_rule`: no honest group is.

    The last group ends with the recording and the first may begin before it: neither counts. By rule is what the
    encoder says of itself, or a distance that at least `fixed_groups` groups keep of which no encoder has said that it
    goes by the content, and all but one.
    """
    rows = np.flatnonzero(pictures["key"].astype(bool))
    time_s = pictures["time_s"]
    length, span_s = np.diff(rows).astype(np.float64), np.diff(time_s[rows])
    # In open groups pictures that are shown before a key frame lie behind it, and groups may differ by a few.
    is_open = any(bool(np.any(time_s[row + 1 : row + 8] < time_s[row])) for row in rows)
    one = usual(length) if stated is None else float(stated.most)
    odd = np.flatnonzero(length != one)
    alike = int((length == one).sum())
    if len(odd) > max(1, 0.1 * len(length)) and (stated is None or stated.by_content):
        odd = np.flatnonzero((length > one) | (length < (stated.fewest if stated else 0)))
    if not len(odd) or len(odd) > _MOST_ODD:
        return
    usual_s = float(np.median(span_s[length == one])) if alike else math.nan
    for place in odd:
        if abs(span_s[place] - usual_s) < 0.5 * usual_s / one:
            continue  # pictures lack in it, and their time is left empty
        pictures_in = int(length[place])
        if stated is None:
            by_rule = alike >= fixed_groups and len(odd) == 1
        else:
            by_rule = not stated.by_content or pictures_in > stated.most or pictures_in < stated.fewest
        if is_open and abs(pictures_in - one) <= _OPEN_SLACK:
            continue
        if not by_rule and alike < _FEWEST_GROUPS:
            continue
        facts = {
            "pictures_in_group": pictures_in,
            "usual": int(one),
            "by_rule": by_rule,
            "group_s": round(float(span_s[place]), 3),
        }
        yield at("key-frame-cadence", pictures, int(rows[place + 1]), **facts)


def seams(packets: Table, keys_s: Numbers, tick_s: float, name: str) -> list[Ground]:
    """Return where the decoding times of a stream step aside once in an otherwise exact cadence.

    Programs that join recordings put the second where the longer of the first one's tracks ends, and those that take a
    piece out move the rest by the length of the pictures: which is not where the next packet is due. `keys_s` are the
    times of the key frames; `tick_s` is the length of a tick of the stream's clock, to which times are rounded. Steps
    that a viewer would notice are the business of `timestamp-gap`.
    """
    known = np.isfinite(packets["dts_s"]) & ~packets["discard"].astype(bool)
    rows = np.flatnonzero(known)
    dts_s = packets["dts_s"][rows]
    if len(rows) < _FEWEST_PACKETS:
        return []
    interval_s: Numbers = np.diff(dts_s)
    usual_s = float(np.median(interval_s))
    off_s = np.abs(interval_s - usual_s)
    exact = off_s <= (1.1 * tick_s if np.isfinite(tick_s) else 0.0011) + 1e-6
    inner = np.ones(len(off_s), dtype=bool)
    inner[:3] = inner[-3:] = False
    small = (interval_s > 0) & (interval_s < np.maximum(1.6 * usual_s, _SMALL_STEP_S if name == "sound-seam" else 0.0))
    places = np.flatnonzero(~exact & inner & small)
    if exact.mean() < _EVEN_SHARE or not 0 < len(places) <= _MOST_SEAMS:
        return []
    time_s = packets["time_s"][rows]
    found = []
    for i in places:
        start_s, stop_s = float(min(time_s[i : i + 2])), float(max(time_s[i : i + 2]))
        at_key = bool(np.any((keys_s >= start_s - usual_s) & (keys_s <= stop_s + usual_s)))
        facts = {"step_s": round(float(interval_s[i]), 6), "usual_step_s": round(usual_s, 6), "at_key_frame": at_key}
        found.append(Ground(name, start_s, stop_s, facts))
    return found


def together(one: Ground, other: Ground, reach_s: float = _NEAR_S) -> bool:
    """Tell whether two grounds lie at one instant."""
    return one.start_s <= other.stop_s + reach_s and other.start_s <= one.stop_s + reach_s
