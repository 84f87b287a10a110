"""How far a clock is ahead of the stream from picture to picture: the likeliest course, by the Viterbi algorithm.

References
----------
A. Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE Trans.
Information Theory 13 (1967), 260-269.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FIGURES = 10
GRAIN_MOST = 400
"""Steps into which ten turns of the last figure are divided at most."""
VITERBI_BATCH = 4096
"""Pictures for which the costs of all states are laid out at a time."""
_STAYED, _FROM_BEFORE, _LEAPT = 0, 1, 3
"""How a state was come by; 2 is from the state after it."""
NUDGE, LEAP = 3.0, 14.0
"""What it costs, in units of doubt, that the clock shifts against the stream by one picture, or by any amount."""


def leaps(clock_s: NDArray[np.float64], step_s: float) -> list[int]:
    """Return the rows in which the clock, `frames.clock_s`, does not go on by one step from the row read before."""
    known = np.flatnonzero(np.isfinite(clock_s))
    change = np.diff(clock_s[known])
    return [int(row) for row in known[1:][(change != 0) & (change != step_s)]]


def course_of(doubts: Floats, time_s: NDArray[np.float64], step_s: float) -> NDArray[np.intp]:
    """Return the likeliest last figure of every picture: intp, shape (pictures,).

    The hidden state is how far the clock is ahead of the stream, modulo ten turns of its last figure. It stays,
    shifts by about one picture (jitter, drift) or leaps (something was cut out or put in), at the costs NUDGE and
    LEAP.

    Parameters
    ----------
    doubts : float32, shape (pictures, 10)
        What speaks against every figure.
    time_s : float64, shape (pictures,)
        Presentation times.
    step_s : float
        After how many seconds the last figure changes.
    """
    turn = FIGURES * step_s
    usual = float(np.median(np.diff(time_s))) if len(time_s) > 1 else step_s
    grains = max(FIGURES, min(GRAIN_MOST, round(turn / usual) if usual > 0 else GRAIN_MOST))
    ahead = (np.arange(grains) + 0.5) * turn / grains
    count = len(doubts)
    came = np.empty((count, grains), np.int8)
    leapt = np.zeros(count, np.int32)
    circle = np.zeros(grains + 2, np.float32)  # the states and, at either end, the one at the other end
    before, cost, after = circle[:-2], circle[1:-1], circle[2:]
    shifted = np.empty(grains, np.float32)
    for first in range(0, count, VITERBI_BATCH):
        batch = slice(first, first + VITERBI_BATCH)
        shown = ((time_s[batch, None] + ahead) // step_s).astype(np.int64) % FIGURES
        for at, against in enumerate(np.take_along_axis(doubts[batch], shown, axis=1), first):
            if at:
                leapt[at] = cheapest = int(cost.argmin())
                leap = cost[cheapest] + LEAP
                way = came[at]
                np.add(before > after, _FROM_BEFORE, out=way, casting="unsafe")
                np.minimum(before, after, out=shifted)
                np.add(shifted, NUDGE, out=shifted)
                np.multiply(way, shifted < cost, out=way)
                np.minimum(cost, shifted, out=cost)
                way[leap < cost] = _LEAPT
                np.minimum(cost, leap, out=cost)
            cost += against
            circle[0], circle[-1] = cost[-1], cost[0]
    state, course = int(cost.argmin()), np.empty(count, np.intp)
    for at in range(count - 1, -1, -1):
        course[at] = int((time_s[at] + ahead[state]) // step_s) % FIGURES
        way = int(came[at, state]) if at else _STAYED
        state = (state, (state - 1) % grains, (state + 1) % grains, int(leapt[at]))[way]
    return course
