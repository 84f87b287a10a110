"""Reference photos of the case record, copied into a report small and without what the camera wrote beside them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

from pipeline.case import path_of
from pipeline.model import Examination, Finding

SIDE_PX = 960
"""Longer side of the copies."""


def take_photos(examination: Examination, described: Sequence[Finding], folder: Path) -> dict[str, str]:
    """Copy the reference photos whose landmarks the described findings are about.

    Only photos that the examined case record names are read; one that is gone or cannot be read is left out.

    Returns
    -------
    dict
        Photo, as the case record names it → name of the JPEG file in `folder`.
    """
    if "case" not in examination.features:
        return {}
    case = examination.features["case"].where(examination.features["case"]["field"] == "place.photos")
    stated = zip(case["value"], case["source"], strict=True)
    folders = {name: path_of(source).parent for name, source in stated if source}
    named = dict.fromkeys(str(finding.evidence.get("photo")) for finding in described)
    taken = {}
    for number, name in enumerate(name for name in named if name in folders):
        copy = f"photo-{number}.jpg"
        if _copy(folders[name] / name, folder / copy):
            taken[name] = copy
    return taken


def _copy(photo: Path, copy: Path) -> bool:
    from PIL import Image, ImageOps  # takes a moment to load, and most reports show no photo

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as image:  # of size and odd EXIF data
            image.draft("RGB", (SIDE_PX, SIDE_PX))  # a JPEG is decoded at a fraction of its size
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):  # what Pillow raises for damaged files
        return False
    upright.thumbnail((SIDE_PX, SIDE_PX))
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)  # without EXIF, where it was taken included
    copy.parent.mkdir(parents=True, exist_ok=True)
    bare.save(copy, quality=88)
    return True
