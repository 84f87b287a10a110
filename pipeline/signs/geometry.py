"""Whether matched points of two pictures can be views of one scene: pure, over point coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_MATCHES = 8
"""Points that a fundamental matrix takes; fewer agree with anything."""
ERROR_PX = 2.0
"""How far a point may lie off its epipolar line."""
TURN_DEG = 30.0
"""How far the turn of a feature may lie off the most common one; perspective turns the parts of a scene unequally."""
SCALE_OCTAVES = 1.0
"""How far the change of a feature's size may lie off the most common one, in factors of two."""
_CONFIDENCE, _ITERATIONS = 0.9999, 5000


def agreeing(one: NDArray[np.float32], two: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which matches agree with the epipolar geometry that most of them agree with.

    Parameters
    ----------
    one, two : float32, shape (n, 2)
        Matched points of two pictures in px.

    Returns
    -------
    agree : bool, shape (n,)
        None agrees if there are fewer than `LEAST_MATCHES`, or if no geometry is found.

    References
    ----------
    D. Barath, J. Noskova, M. Ivashechkin, J. Matas, "MAGSAC++, a fast, reliable and accurate robust estimator", CVPR
    2020, as OpenCV's USAC framework has it; its random numbers begin anew with each call.
    """
    import cv2

    if len(one) < LEAST_MATCHES:
        return np.zeros(len(one), np.bool_)
    try:
        _, mask = cv2.findFundamentalMat(one, two, cv2.USAC_MAGSAC, ERROR_PX, _CONFIDENCE, _ITERATIONS)
    except cv2.error:  # USAC gives up in this way where every sample is degenerate
        mask = None
    return np.zeros(len(one), np.bool_) if mask is None else np.asarray(mask, np.bool_).ravel()


def alike_in_turn_and_scale(turns_deg: NDArray[np.float32], octaves: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which matches turn and scale their features as most of them do.

    Two views of one thing differ by about one turn and one change of size; chance matches have any.

    Parameters
    ----------
    turns_deg : float32, shape (n,)
        Turn from the one feature to the other.
    octaves : float32, shape (n,)
        Change of its size as a power of two.

    Returns
    -------
    alike : bool, shape (n,)

    References
    ----------
    H. Jégou, M. Douze, C. Schmid, "Hamming embedding and weak geometric consistency for large scale image search",
    ECCV 2008, section 4.
    """
    if not len(turns_deg):
        return np.zeros(0, np.bool_)
    turned = np.abs((turns_deg[:, None] - turns_deg[None, :] + 180.0) % 360.0 - 180.0)
    scaled = np.abs(octaves[:, None] - octaves[None, :])
    # The centre is the match with most others close by; then everything in a wider reach of it is kept.
    centre = int(((turned < TURN_DEG * 2 / 3) & (scaled < SCALE_OCTAVES * 0.6)).sum(axis=1).argmax())
    alike: NDArray[np.bool_] = (turned[centre] < TURN_DEG) & (scaled[centre] < SCALE_OCTAVES)
    return alike


def distinct(points: NDArray[np.float32]) -> int:
    """Count points of shape (n, 2) that lie more than about a pixel apart: one spot can carry several features."""
    return len(np.unique(np.rint(points / 2), axis=0))


def spread(points: NDArray[np.float32], size: tuple[int, int]) -> float:
    """Return over how much of a picture of `size` (width, height) points of shape (n, 2) are spread: 0 to about 1.

    The area of the rectangle over which evenly strewn points would have the same covariance, as a share of the
    picture's: 12 √det Σ. Points on one line, or on one spot, have none.
    """
    if len(points) < 3:
        return 0.0
    covariance = np.cov((points / np.asarray(size, np.float32)).T.astype(np.float64))
    return float(12.0 * np.sqrt(max(float(np.linalg.det(covariance)), 0.0)))
