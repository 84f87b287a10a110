"""An examination built by hand, over a clip made at test time: findings of several kinds, and every table."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from pipeline.features.schema import table
from pipeline.model import (
    Curve,
    Examination,
    Examined,
    Features,
    Finding,
    Footage,
    Level,
    Message,
    Outcome,
    RuleResult,
    Skipped,
    Span,
)
from tests.footage import make_clip, murmur, view

FPS, FRAMES, CUT = 25, 250, 100
CLOCK_S, PHASE, MISSING_S = 1_772_352_000, 0.3, 3.0
"""What the clock shows first (2026-03-01 08:00:00), how far into that second, and what is missing at the cut."""
UNREAD = slice(170, 200)
"""Pictures whose clock was not read."""
OVERLAY = {
    "clock": ("2026-03-01 08:00:00", 0.03, 0.03, 0.61, 0.10),
    "device": ("A1234567", 0.03, 0.87, 0.32, 0.94),
}
"""Field of the recorder's overlay: its text, and left, top, right and bottom of its box."""
SAID = "为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。请配合我们的工作。"
HOSTILE = "<script>alert(1)</script>&\"'"


def example(folder: Path, name: str = "现场 01.mp4", **changes: object) -> Examination:
    """Return the examination of a clip of ten seconds with a cut after picture 99, lying in `folder`."""
    clip = make_clip(folder / name, frames=FRAMES, fps=FPS, picture=picture)
    opening = folder / "opening.flac"
    soundfile.write(opening, murmur(0, 10 * 16000, rate_hz=16000), 16000)
    content = clip.read_bytes()
    values: dict[str, object] = {
        "footage": Footage(clip, hashlib.sha256(content).hexdigest(), len(content), clip.stat().st_mtime_ns),
        "profile": "shijiazhuang-safety",
        "features": Features(tables()),
        "examined": Examined(
            packets=719,
            frames_in_header=FRAMES + 1,
            frames_decoded=FRAMES,
            audio_s=10.0,
            speech_s=5.0,
            pictures_read=6,
            gaps=(Message("{failed} pictures could not be decoded.", {"failed": 1}),),
        ),
        "findings": findings(),
        "rules": rules(),
        "verdict": Outcome.FAIL,
        "skipped": (Skipped("edit-list", ("edits.rate", "edits.entry")),),
        "versions": {"unbroken": "0.1.0", "av": "18.1.0"},
        "settings": {"speech": {"model": "base", "speech_s": 5.0}, "detectors.picture-cut": {"min_residual": 8.0}},
        "sound": opening,
    }
    return Examination(**{**values, **changes})  # type: ignore[arg-type]


def shown_s(number: int) -> int:
    """Return what the burned-in clock of a picture shows, in seconds since 1970."""
    return CLOCK_S + int(PHASE + number / FPS + (MISSING_S if number >= CUT else 0.0) + 1e-9)


def picture(number: int) -> NDArray[np.uint8]:
    """Return a picture of the clip, with its overlay."""
    pixels = np.ascontiguousarray(view(number, seed=int(number >= CUT)))
    height, width = pixels.shape[:2]
    seconds = shown_s(number) - CLOCK_S
    texts = {"clock": f"2026-03-01 08:00:{seconds:02d}", "device": OVERLAY["device"][0]}
    for field, text in texts.items():
        left, _, _, bottom = OVERLAY[field][1:]
        place = (int(left * width), int(bottom * height) - 3)
        for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(pixels, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness, cv2.LINE_AA)
    return pixels


def overlay() -> object:
    """Return what was found of the overlay."""
    sides = ("left", "top", "right", "bottom")
    found = {
        field: {"field": field, "text": text, **dict(zip(sides, box, strict=True)), "height_px": 16.0}
        for field, (text, *box) in OVERLAY.items()
    }
    return table(
        "overlay",
        [
            {**found["clock"], "form": "0000-00-00 00:00:00", "agreement": 1.0, "readings": 6, "pictures": 6},
            {**found["device"], "agreement": 0.8, "readings": 5, "pictures": 6},
        ],
    )


def tables() -> dict[str, object]:
    """Return tables as the stages would measure them."""
    random = np.random.default_rng(7)
    residual = 3 + random.random(FRAMES)
    residual[CUT] = 61.0
    frames = [
        {
            "pts": n,
            "time_s": n / FPS,
            "duration_s": 1 / FPS,
            "width": 320,
            "height": 240,
            "residual": float(residual[n]) if n else float("nan"),
            "luma_diff": float(residual[n] * 1.5),
            "key": n % 12 == 0,
            "interlaced": False,
            "damaged": False,
            "clock_s": float(shown_s(n)),
            "clock_score": 0.95,
        }
        for n in range(FRAMES)
    ]
    for row in frames[UNREAD]:
        row |= {"clock_s": float("nan"), "clock_score": 0.1}
    sound = [
        {"time_s": n / 50, "duration_s": 0.02, "rms_dbfs": -30.0 + 6 * float(np.sin(n / 20)), "peak_dbfs": -20.0}
        for n in range(500)
    ]
    words = [
        {"start_s": 1.0 + 0.09 * n, "stop_s": 1.08 + 0.09 * n, "text": said, "probability": 0.3 if n == 8 else 0.9}
        for n, said in enumerate(SAID)
    ]
    box = {"left": 0.3, "top": 0.2, "right": 0.7, "bottom": 0.3, "height_px": 30.0, "sharpness": 90.0}
    texts = [
        {
            "frame": 50,
            "time_s": 2.0,
            "text": "平安化工有限公司",
            "confidence": 0.97,
            "overlay": False,
            "document": False,
            **box,
        },
        {
            "frame": 50,
            "time_s": 2.0,
            "text": "2026-03-01 08:00:02",
            "confidence": 0.99,
            "overlay": True,
            "document": False,
            **box,
        },
        {"frame": 75, "time_s": 3.0, "text": HOSTILE, "confidence": 0.7, "overlay": False, "document": False, **box},
        {
            "frame": 75,
            "time_s": 3.0,
            "text": "检查记录表",
            "confidence": 0.6,
            "overlay": False,
            "document": True,
            **box,
        },
    ]
    streams = [
        {"stream": 0, "kind": "video", "codec": "h264", "width": 320, "height": 240, "rate_in_header_hz": 25.0},
        {"stream": 1, "kind": "audio", "codec": "aac", "sample_rate_hz": 48000, "channels": 1},
    ]
    return {
        "container": table("container", [{"format": "mp4", "brand": "isom", "bytes": 1, "index_found": True}]),
        "streams": table("streams", [{**row, "rotation_deg": 0.0, "default": True} for row in streams]),
        "frames": table("frames", frames),
        "sound": table("sound", sound),
        "voice": table("voice", [{"start_s": 0.9, "stop_s": 4.8, "probability": 0.9}]),
        "words": table("words", words),
        "texts": table("texts", texts),
        "overlay": overlay(),
        "examined": table("examined", [{"stage": "texts", "measure": "pictures_read", "value": 6.0}]),
        "case": table("case", [{"field": "place.names", "value": "平安化工有限公司"}]),
    }


def findings() -> tuple[Finding, ...]:
    """Return a cut, a frozen stretch, a jump of the clock, the notice and the place."""
    stamped = {"version": 1, "params": {"min_residual": 8.0}}
    return (
        Finding(
            "place-shown",
            Level.NOTE,
            Span(2.0, 2.04, 50, 51),
            Message("The sign {text} is legible.", {"text": "平安化工有限公司"}),
            evidence={
                "text": "平安化工有限公司",
                "score": 100.0,
                "confidence": 0.97,
                "height_px": 30.0,
                "time_s": 2.0,
                "left": 0.3,
                "top": 0.2,
                "right": 0.7,
                "bottom": 0.3,
            },
            id="f1",
            detector="place",
            **stamped,
        ),
        Finding(
            "notice-heard",
            Level.NOTE,
            Span(1.0, 3.7),
            Message("The standard notice was spoken from {start_s:.1f} s on.", {"start_s": 1.0}),
            evidence={"share": 1.0, "words": list(SAID[:20])},
            id="f2",
            detector="notice",
            **stamped,
        ),
        Finding(
            "picture-cut",
            Level.VIOLATION,
            Span((CUT - 1) / FPS, CUT / FPS, CUT - 1, CUT),
            Message("The picture changes {ratio:.1f} times as much as around it.", {"ratio": 15.3}),
            evidence={"residual": 61.0, "unknown": float("nan"), "note": HOSTILE},
            curves=(Curve("frames.residual", 8.0), Curve("frames.luma_diff")),
            id="f3",
            detector="picture-cut",
            **stamped,
        ),
        Finding(
            "frozen-picture",
            Level.SUSPECT,
            Span(6.0, 8.0, 150, 200),
            Message("The picture stands still for {seconds:.1f} s.", {"seconds": 2.0}),
            score=0.8123,
            curves=(Curve("frames.luma_diff", 0.2), Curve("frames.not_measured", 1.0)),
            id="f4",
            detector="frozen-picture",
            **stamped,
        ),
        Finding(
            "clock-jump",
            Level.SUSPECT,
            Span((CUT - 1) / FPS, CUT / FPS, CUT - 1, CUT),
            Message("The clock leaves out {seconds:.0f} s.", {"seconds": MISSING_S}),
            evidence={"step_s": MISSING_S},
            curves=(Curve("frames.clock_s"),),
            id="f5",
            detector="clock-jump",
            **stamped,
        ),
    )


def rules() -> tuple[RuleResult, ...]:
    """Return a rule that failed, one that passed and one that does not apply."""
    whole = "开始摄录后，在同一执法地点不得断续记录，不得任意选择取舍或事后补录，不得插入其他画面。"
    return (
        RuleResult(
            "CONT-1",
            "第十二条（五）",
            whole,
            "The recording must not be interrupted.",
            Outcome.FAIL,
            Message("{count} findings speak against it ({ids}).", {"count": 2, "ids": "f3, f4"}),
            ("f3", "f4"),
        ),
        RuleResult("PLACE-1", "第十二条（四）", "明显标志", "A sign.", Outcome.PASS, Message("Seen."), ("f1",)),
        RuleResult("X-1", "", "", "None.", Outcome.NOT_APPLICABLE, Message("Not here.")),
    )
