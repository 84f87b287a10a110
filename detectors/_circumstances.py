"""Circumstances that ask for long keeping: which of them a regulation names, and which the case record states."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from detectors._record import NONE, codes
from pipeline.case import CIRCUMSTANCES
from pipeline.model import Features


def _known(code: str) -> str:
    if code not in CIRCUMSTANCES or code == NONE:
        raise ValueError(f"unknown circumstance {code!r}. Known: {', '.join(c for c in CIRCUMSTANCES if c != NONE)}")
    return code


Circumstance = Annotated[str, AfterValidator(_known)]


def stated_flags(features: Features) -> tuple[str, ...] | None:
    """Return the circumstances that the case record states; empty: there are none, None: it does not say."""
    return codes(features, "flags", CIRCUMSTANCES)
