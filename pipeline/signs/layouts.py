"""Where recorders of a kind write, remembered from clip to clip: looked at first, so that most clips need no search."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from pipeline.signs.locate import Area

MOST = 4
"""Layouts that are kept of one device and resolution."""


class Layouts:
    """Remembered layouts of one device, or of all whose number is not known.

    Parameters
    ----------
    folder : Path or None
        Where they are kept; None: nothing is remembered.
    device : str
        The recorder's number as the case record states it; "" if it does not.
    """

    def __init__(self, folder: Path | None, device: str = "") -> None:
        self._folder = folder
        self._device = re.sub(r"\W+", "_", device) or "any"

    def known(self, width: int, height: int) -> list[tuple[Area, ...]]:
        """Return the layouts for pictures of this size, the last one used first; each begins with the clock's line."""
        path = self._path(width, height)
        try:
            return [] if path is None else [tuple(Area(*box) for box in one) for one in json.loads(path.read_text())]
        except (OSError, ValueError, TypeError):  # none yet, or not whole: the clip is searched as if there were none
            return []

    def remember(self, width: int, height: int, areas: Sequence[Area]) -> None:
        """Keep a layout as the one used last."""
        path = self._path(width, height)
        if path is None:
            return
        layouts = [tuple(areas), *(one for one in self.known(width, height) if one != tuple(areas))][:MOST]
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".new-", delete=False) as new:
            json.dump([[astuple(area) for area in one] for one in layouts], new)
        Path(new.name).replace(path)  # several scans may run at once; the last one's layout comes first

    def _path(self, width: int, height: int) -> Path | None:
        return None if self._folder is None else self._folder / f"{width}x{height}-{self._device}.json"
