"""Files that are not as the recorder model writes its files, by the profile of that model."""

from __future__ import annotations

from collections.abc import Iterator

from detectors._device import DeviceProfile, departures, marks_of, profiles_for
from detectors._timeline import extent, span_of
from pipeline.detector import detector
from pipeline.model import Features, Finding, Level, Message, Scalar

_MOST_NAMED, _TEXT = 6, 160
_WRITTEN = (
    "The file is not written as recorders of the model {model} write theirs: it departs from {clips} known-good clips "
    "in {count} marks ({marks})."
)
_ENCODED = (
    "The file is not encoded as recorders of the model {model} encode theirs: it departs from {clips} known-good clips "
    "in {count} marks ({marks})."
)


@detector(
    "device-profile",
    version=1,
    needs=(
        "recording.device_id",
        "container.format",
        "container.brand",
        "container.writer",
        "container.created_at",
        "boxes.path",
        "edits.stream",
        "encoder.stream",
        "encoder.place",
        "encoder.text",
        "parameters.sequence_sha256",
        "streams.kind",
        "streams.codec",
        "packets.time_s",
        "packets.key",
        "packets.slice_type",
    ),
    emits=("container-rewrite", "re-encoded"),
)
def device_profile(features: Features, *, profiles: tuple[DeviceProfile, ...] = ()) -> Iterator[Finding]:
    """Yield at most one finding: the marks in which a file departs from what is normal for its recorder model.

    Marks are the container, the coding, groups of pictures, presentation times, sound and the places of the overlay's
    lines, as `tune.fit_device` learned them from known-good clips. A clip is held against the profiles that name its
    recorder, as overlay, metadata, file name or case record tell it; where none does, against those that name no
    recorder. Of several the one from which it departs least counts. A new firmware departs as an editor does: so this
    is suspect, never more. The kind is that the file was written anew, or, where nothing but the coding or the
    overlay departs, that it was encoded anew.

    Parameters
    ----------
    profiles : tuple of DeviceProfile
        What is normal for each recorder model. Empty: not known.

    References
    ----------
    S. Gloe, A. Fischer, M. Kirchner, "Forensic analysis of video file formats", Digital Investigation 11 (2014),
    S68-S76; P. Yang et al., "Efficient video integrity analysis through container characterization" (EVA),
    arXiv:2101.10795.
    """
    devices = features["recording"]["device_id"]
    held = profiles_for(profiles, str(devices[0]) if len(devices) and devices[0] else None)
    if not held or not features["container"].rows:
        return
    marks = marks_of(features)
    profile, found = min(
        ((one, departures(marks, one.words, one.numbers)) for one in held), key=lambda pair: len(pair[1])
    )
    if not found:
        return
    values: dict[str, Scalar] = {
        "model": profile.name,
        "clips": profile.clips,
        "count": len(found),
        "marks": ", ".join([*(one.mark for one in found[:_MOST_NAMED]), *["…"][: len(found) > _MOST_NAMED]]),
    }
    rewritten = not all(one.of_coding for one in found)
    yield Finding(
        kind="container-rewrite" if rewritten else "re-encoded",
        level=Level.SUSPECT,
        span=span_of(features, *extent(features)),
        message=Message(_WRITTEN if rewritten else _ENCODED, values),
        evidence={
            "profile": profile.name,
            "profile_sha256": profile.sha256,
            "fitted_by": profile.by,
            "fitted_at": profile.at,
            "clips": profile.clips,
            "sources": profile.sources,
            "marks": [one.mark for one in found],
            "normal": [one.normal[:_TEXT] for one in found],
            "here": [one.here[:_TEXT] for one in found],
        },
    )
