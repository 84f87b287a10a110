"""Local features of a picture and their matches: RootSIFT, the default; no weights, nothing to install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.signs.geometry import alike_in_turn_and_scale

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Described:
    """The local features of one picture."""

    size: tuple[int, int]
    """Width and height in px of the picture in which they were looked for."""
    points: NDArray[np.float32]
    """Shape (n, 2), in px."""
    descriptors: NDArray[np.float32]
    """Shape (n, length)."""
    turns_deg: NDArray[np.float32]
    """Shape (n,): direction of each feature."""
    octaves: NDArray[np.float32]
    """Shape (n,): size of each feature as a power of two."""

    def where(self, keep: NDArray[np.bool_]) -> Described:
        """Return the features for which `keep`, shape (n,), holds."""
        return Described(self.size, self.points[keep], self.descriptors[keep], self.turns_deg[keep], self.octaves[keep])


class Matcher(Protocol):
    """Describes pictures, and says which features of two of them are the same."""

    def describe(self, grey: Grey, most: int) -> Described:
        """Return the strongest features, about `most` of them, of a picture of shape (height, width)."""

    def matches(self, one: Described, two: Described) -> NDArray[np.intp]:
        """Return pairs of rows of the two, shape (n, 2)."""


@dataclass(frozen=True, slots=True)
class RootSift:
    """SIFT compared by Hellinger's kernel; mutual nearest neighbours that are clearly nearer than the second.

    References
    ----------
    D. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60, 2004 (section 7.1: ratio).
    R. Arandjelović, A. Zisserman, "Three things everyone should know to improve object retrieval", CVPR 2012.
    """

    max_ratio: float
    """Distance to the nearest neighbour over that to the second at most."""

    def describe(self, grey: Grey, most: int) -> Described:
        """See `Matcher`."""
        import cv2

        found, raw = cv2.SIFT.create(nfeatures=most).detectAndCompute(grey, None)
        values = np.zeros((0, 128), np.float32) if raw is None else np.asarray(raw, np.float32)
        values = np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-9))
        return Described(
            (grey.shape[1], grey.shape[0]),
            np.array([key.pt for key in found], np.float32).reshape(-1, 2),
            values,
            np.array([key.angle for key in found], np.float32),
            np.log2(np.array([key.size for key in found], np.float32)),
        )

    def matches(self, one: Described, two: Described) -> NDArray[np.intp]:
        """See `Matcher`."""
        if len(one.points) < 2 or len(two.points) < 2:
            return np.zeros((0, 2), np.intp)
        likeness = one.descriptors @ two.descriptors.T
        there, back = likeness.argmax(axis=1), likeness.argmax(axis=0)
        rows = np.flatnonzero(back[there] == np.arange(len(there)))
        columns = there[rows]
        best = likeness[rows, columns]
        others = likeness[rows]
        others[np.arange(len(rows)), columns] = -1.0
        # Unit vectors: the squared distance is 2 - 2 × likeness.
        clear = (1.0 - best) < self.max_ratio**2 * (1.0 - others.max(axis=1))
        rows, columns = rows[clear], columns[clear]
        alike = alike_in_turn_and_scale(
            two.turns_deg[columns] - one.turns_deg[rows], two.octaves[columns] - one.octaves[rows]
        )
        return np.stack([rows[alike], columns[alike]], axis=1)
