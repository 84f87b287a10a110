"""How the measuring process speaks to its parent: one JSON object a line on stdout."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

SIGN_EVERY_S = 0.5


def say(document: dict[str, Any]) -> None:
    """Tell the parent something."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def say_gap(stage: str, template: str, **values: Any) -> None:
    """Tell the parent what could not be examined."""
    say({"gap": {"stage": stage, "message": template, "values": values}})


class Signs:
    """Signs of life, at most one every half second."""

    def __init__(self, stage: str, total: float) -> None:
        self._stage, self._total, self._next = stage, max(total, 1.0), 0.0

    def give(self, done: float, failed: int = 0) -> None:
        """Say how far it is."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SIGN_EVERY_S
            say({"stage": self._stage, "done": min(1.0, max(0.0, done / self._total)), "failed": failed})
