"""Pictures that are black, covered or of one colour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors._timeline import runs, span_of
from pipeline.detector import detector
from pipeline.model import Curve, Features, Finding, Level, Message


@detector(
    "blank-picture",
    version=1,
    needs=(
        "frames.time_s",
        "frames.duration_s",
        "frames.luma_mean",
        "frames.luma_std",
        "frames.luma_p01",
        "frames.luma_p99",
    ),
    emits=("blank-picture",),
)
def blank_picture(
    features: Features,
    *,
    min_blank_s: float = 0.3,
    max_black: float = 32.0,
    max_black_std: float = 4.0,
    max_uniform_std: float = 2.0,
    max_uniform_range: float = 6.0,
    max_overlaid_mean: float = 20.0,
) -> Iterator[Finding]:
    """Yield one finding per run of pictures that show nothing and that lasts `min_blank_s` or longer.

    Three ways of showing nothing: all but the brightest hundredth is black and without contrast; the picture is of
    one brightness, dark or bright (a hand, a cap, a test colour); or the mean is black although the overlay's letters
    are bright. A night scene has lights or contrast and is not blank.

    Parameters
    ----------
    min_blank_s : float
        Shortest run that is told (seconds).
    max_black : float
        99th percentile of brightness up to which a picture is black (0 to 255; black is 16 in video range).
    max_black_std : float
        Contrast up to which a black picture is blank (0 to 255).
    max_uniform_std : float
        Contrast up to which a picture of any brightness is blank (0 to 255).
    max_uniform_range : float
        1st to 99th percentile of such a picture (0 to 255).
    max_overlaid_mean : float
        Mean brightness up to which a picture is black in spite of a burned-in overlay (0 to 255).

    References
    ----------
    ITU-R Rec. BT.709-6 (2015): black level 16, white level 235; FFmpeg documentation, filter "blackdetect".
    """
    frames = features["frames"]
    time_s = frames["time_s"]
    mean, std = frames["luma_mean"], frames["luma_std"]
    low, high = frames["luma_p01"], frames["luma_p99"]
    black = ((high <= max_black) & (std <= max_black_std)) | (mean <= max_overlaid_mean)
    uniform = (std <= max_uniform_std) & (high - low <= max_uniform_range)
    for first, stop in runs((black | uniform) & np.isfinite(time_s)):
        end_s = time_s[stop] if stop < frames.rows else time_s[-1] + np.nan_to_num(frames["duration_s"][-1])
        length_s = float(end_s - time_s[first])
        if not length_s >= min_blank_s:
            continue
        dark = bool(np.median(mean[first:stop]) <= max_black)
        yield Finding(
            kind="blank-picture",
            level=Level.SUSPECT,
            span=span_of(features, float(time_s[first]), float(end_s)),
            message=Message(
                "The picture is black for {seconds:.2f} s."
                if dark
                else "The picture shows one brightness and nothing else for {seconds:.2f} s.",
                {"seconds": length_s},
            ),
            evidence={
                "pictures": stop - first,
                "luma_mean": float(np.median(mean[first:stop])),
                "luma_p99": float(np.median(high[first:stop])),
                "luma_std": float(np.median(std[first:stop])),
            },
            curves=(Curve("frames.luma_p99", max_black), Curve("frames.luma_std", max_black_std)),
        )
