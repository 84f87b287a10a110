"""The measuring process: what reads a clip's bytes and may crash on them. `pipeline.features.extract` watches it.

It takes from itself what it does not need (`pipeline.media.sandbox`), writes tables as Arrow streams and pictures as
JPEGs into its folder, and says on stdout, one JSON object a line:

- `{"isolation": {layer: version}}`: what it took from itself; always the first line;
- `{"stage": …, "done": 0..1, "failed": n}`: a sign of life, with the packets of pictures that could not be decoded;
- `{"gap": {"stage", "message", "values"}}`: something that could not be examined;
- `{"refused": {"message", "values"}}`: the file is no footage;
- `{"unreadable": {"message", "values"}}`: it is footage, but nothing of it could be examined;
- `{"peeked": n}`: n pictures from all over the clip are written; it waits for one line on stdin, a JSON object whose
  `clock` is where the burned-in clock stands (the fields of `pipeline.features.kept.ClockPlace`), or null;
- `{"limit": "memory" | "disk" | "file"}`: it went over a limit, and stops;
- `{"end": true}`: all was done.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import cv2

from pipeline.errors import FootageError
from pipeline.features.kept import ClockPlace
from pipeline.features.listening import Listening
from pipeline.features.peek import peek
from pipeline.features.pictures import Pictures, codec_name
from pipeline.features.piece import measure_piece
from pipeline.features.saying import Signs, say, say_gap
from pipeline.features.sharpest import Sharpest
from pipeline.features.sound import Blocks
from pipeline.features.spool import Spool, write_spool
from pipeline.features.strips import Strips
from pipeline.media import probe
from pipeline.media.audio import SoundDecoder
from pipeline.media.boxes import MAX_BOXES
from pipeline.media.evidence import demuxer
from pipeline.media.sandbox import confine, is_full
from pipeline.media.sniff import Container, sniff
from pipeline.model import Message

MAX_READ_ERRORS = 100
CANNOT_READ = (av.FFmpegError, OSError)
"""What the demuxer raises, and what the store does (a bad sector, a lost connection)."""

NO_INDEX = (
    "The index (moov) is missing: the recorder did not finish this file, or the copy is cut off. Copy it again from "
    "the recorder, or let its maker's repair tool make a copy; keep this file as it is."
)
NOT_OPENED = (
    "The file begins like {format} footage, but its header cannot be read ({reason}). Copy it again from the recorder; "
    "keep this file as it is."
)
NO_STREAMS = (
    "The file is {format} footage, but it holds neither pictures nor sound. Copy it again from the recorder; keep this "
    "file as it is."
)
READ_ERRORS = (
    "Reading the file broke off or skipped {count} times ({reason}); what lies there was not examined. Copy it again "
    "from the recorder."
)
MANY_BOXES = "The file has more than {limit} boxes; the rest of its structure was not listed."
NO_DECODER = (
    "There is no decoder for what this file holds ({codec}); nothing of it was examined. Export the recording in a "
    "common format with the recorder maker's tool; keep this file as it is."
)
SOUND_FAILED = "{failed} packets of sound could not be decoded ({reason}); {seconds} s of sound were."
NO_SOUND = "No sound could be decoded, although the file holds {packets} packets of sound ({codec})."


class Clip:
    """One clip on its way through probe and decoding pass."""

    def __init__(
        self,
        path: Path,
        folder: Path,
        *,
        read_every_s: float = 0.0,
        dense_every_s: float = 0.0,
        dense_until_s: float = 0.0,
        sound_s: float = 0.0,
        threads: int = 1,
        peeks: int = 0,
        decode: bool = True,
        pictures: bool = True,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self.path, self.folder = path, folder
        self.windows = (read_every_s, dense_every_s, dense_until_s)
        self.sound_s, self.threads, self.peeks = sound_s, threads, peeks
        self.decodes = decode
        """Pictures and sound are measured too; else only what needs no decoding."""
        self.sees = pictures
        """Pictures are decoded; else only the sound is."""
        self.clock: ClockPlace | None = None
        self.container: Container = sniff(path)
        self.found = probe.structure(path, self.container)
        self.probed = counts is not None
        """The packets were looked at and counted before."""
        self.counts = {int(stream): count for stream, count in (counts or {}).items()}
        """Packets by stream that are to be shown."""

    def probe(self) -> Message | None:
        """Write the tables that need no decoding; return why nothing can be examined, None if something can."""
        write_spool(self.folder, "boxes", probe.box_rows(self.found))
        write_spool(self.folder, "container", [probe.container_row(self.container, self.found, None)])
        if len(self.found.boxes) >= MAX_BOXES:
            say_gap("probe", MANY_BOXES, limit=MAX_BOXES)
        try:
            with demuxer(self.path, self.container.demuxer) as opened:
                write_spool(self.folder, "container", [probe.container_row(self.container, self.found, opened)])
                write_spool(self.folder, "streams", probe.stream_rows(opened, self.found.movie))
                write_spool(self.folder, "edits", list(probe.edit_rows(opened, self.found.movie)))
                if not probe.default_streams(opened):
                    return self._nothing(opened)
                self._packets(opened)
        except (*CANNOT_READ, UnicodeDecodeError) as error:
            if is_full(error):
                raise
            if self.container.iso and not self.found.index_found:
                return Message(NO_INDEX)
            return Message(NOT_OPENED, {"format": self.container.name, "reason": _reason(error)})
        return None

    def _nothing(self, opened: Any) -> Message:
        for stream in opened.streams:
            if stream.type in {"video", "audio"}:
                return Message(NO_DECODER, {"codec": codec_name(stream)})
        if self.container.iso and not self.found.index_found:
            return Message(NO_INDEX)
        return Message(NO_STREAMS, {"format": self.container.name})

    def _packets(self, opened: Any) -> None:
        shift = probe.shift_s(opened, self.container)
        signs, reason, errors = Signs("probe", self.found.bytes), "", 0
        packets = probe.Packets(opened, shift)
        with Spool(self.folder, "packets") as spool:
            while errors < MAX_READ_ERRORS:
                before = spool.rows
                try:
                    for packet in opened.demux():
                        if packet.size or packet.pts is not None:
                            spool.append(packets.row(packet))
                            index = packet.stream_index
                            self.counts[index] = self.counts.get(index, 0) + (not packet.is_discard)
                            signs.give(packet.pos or 0)
                    break
                except CANNOT_READ as error:
                    if is_full(error):
                        raise
                    reason, errors = _reason(error), errors + 1
                    if spool.rows == before:
                        break
        write_spool(self.folder, "parameters", packets.parameter_rows())
        write_spool(self.folder, "encoder", probe.encoder_rows(opened) + packets.text_rows())
        if errors:
            say_gap("probe", READ_ERRORS, count=errors, reason=reason)

    def look_ahead(self) -> None:
        """Write a few pictures from all over the clip, and be told where its clock stands."""
        if not self.peeks:
            return
        with demuxer(self.path, self.container.demuxer) as opened:
            video = [index for index, kind in probe.default_streams(opened).items() if kind == "video"]
            if not video:
                return
            try:
                written = peek(
                    opened, opened.streams[video[0]], probe.shift_s(opened, self.container), self.folder, self.peeks
                )
            except CANNOT_READ as error:  # the pass itself tells what cannot be read
                if is_full(error):
                    raise
                return
        say({"peeked": written})
        answer = json.loads(sys.stdin.readline() or "{}").get("clock")
        self.clock = ClockPlace(tuple(answer["digits"]), tuple(answer["line"])) if answer else None

    def decode(self) -> None:
        """Measure pictures and sound in one pass."""
        with ExitStack() as stack:
            opened = stack.enter_context(demuxer(self.path, self.container.demuxer))
            streams = probe.default_streams(opened).items()
            chosen = {kind: opened.streams[index] for index, kind in streams if self.sees or kind != "video"}
            shift = probe.shift_s(opened, self.container)
            pictures = sound = None
            frames = stack.enter_context(Spool(self.folder, "frames", batch_rows=64))
            blocks = stack.enter_context(Spool(self.folder, "sound"))
            if "video" in chosen:
                sharpest = Sharpest(self.folder, *self.windows)
                strips = Strips(self.folder, self.clock) if self.clock else None
                pictures = Pictures(chosen["video"], shift, self.threads, frames, sharpest, strips)
                track = self.found.movie.track(chosen["video"].id, pictures.index) if self.found.movie else None
                pictures.encrypted = track is not None and track.codec_tag == "encv"
                stack.callback(sharpest.finish)
                if strips:
                    stack.callback(strips.finish)
            if "audio" in chosen:
                listening = stack.enter_context(Listening(self.folder / "sound.raw", self.sound_s))
                sound = Hearing(chosen["audio"], shift, blocks, listening)
            self._dispatch(opened, list(chosen.values()), pictures, sound)
            if pictures:
                pictures.finish(self.counts.get(chosen["video"].index, 0))
            if sound:
                sound.finish(self.counts.get(chosen["audio"].index, 0))
        if pictures and pictures.rotation_deg:
            self._turned(pictures.rotation_deg)

    def _dispatch(self, opened: Any, streams: list[Any], pictures: Pictures | None, sound: Hearing | None) -> None:
        total = sum(self.counts.get(stream.index, 0) for stream in streams)
        signs, count, errors = Signs("pictures" if pictures else "sound", total), 0, 0
        while errors < MAX_READ_ERRORS:
            before = count
            try:
                for packet in opened.demux(streams):
                    if not packet.size and packet.pts is None:
                        continue  # PyAV's request to flush; decoders are flushed below, once
                    count += 1
                    if pictures and packet.stream_index == pictures.index:
                        pictures.take(packet)
                    elif sound:
                        sound.take(packet)
                    signs.give(count, pictures.decoder.failed if pictures else 0)
                break
            except CANNOT_READ as error:  # the probe has told of it
                if isinstance(error, MemoryError) or is_full(error):
                    raise
                errors += 1
                if count == before:
                    break
        for part in (pictures, sound):
            if part:
                part.take(None)
        stage = "pictures" if pictures else "sound"
        say({"stage": stage, "done": 1.0, "failed": pictures.decoder.failed if pictures else 0})

    def _turned(self, rotation_deg: float) -> None:
        """Write the turn that only the decoder could tell (outside MP4 and MOV) into the table of streams."""
        with demuxer(self.path, self.container.demuxer) as opened:
            rows = probe.stream_rows(opened, self.found.movie)
        for row in rows:
            if row["kind"] == "video" and row["default"] and not row["rotation_deg"]:
                row["rotation_deg"] = rotation_deg
        write_spool(self.folder, "streams", rows)


class Hearing:
    """Decodes and measures the sound."""

    def __init__(self, stream: Any, shift_s: float, spool: Spool, listening: Listening) -> None:
        self.codec = codec_name(stream)
        self.decoder = SoundDecoder(stream, shift_s=shift_s)
        self._blocks, self._spool, self._listening = Blocks(), spool, listening
        self._seconds = 0.0

    def take(self, packet: Any) -> None:
        """Measure the sound that a packet completes."""
        for sound in self.decoder.decode(packet):
            self._listening.add(sound)
            self._seconds += sound.samples.shape[1] / sound.rate_hz
            for row in self._blocks.add(sound):
                self._spool.append(row)

    def finish(self, packets: int) -> None:
        """Write the last block, and say what of `packets` packets could not be examined."""
        for row in self._blocks.finish():
            self._spool.append(row)
        if packets and not self._seconds:
            say_gap("sound", NO_SOUND, packets=packets, codec=self.codec)
        elif self.decoder.failed:
            failed, reason = self.decoder.failed, self.decoder.reason
            say_gap("sound", SOUND_FAILED, failed=failed, reason=reason, seconds=round(self._seconds, 1))


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def main(clip: str, folder: str, options: str) -> None:
    """Measure `clip` into `folder`.

    `options` is a JSON object with the `limits`, and the arguments of `Clip` or, as `piece`, those of `measure_piece`.
    """
    cv2.setNumThreads(0)
    asked = json.loads(options)
    say({"isolation": confine(Path(clip), Path(folder), **asked.pop("limits"))})
    try:
        if "piece" in asked:
            measure_piece(Path(clip), Path(folder), **asked["piece"])
            say({"end": True})
        else:
            _measure(Clip(Path(clip), Path(folder), **asked))
    except FootageError as error:
        message = error.args[0]
        say({"refused": {"message": message.template, "values": dict(message.values)}})
    except (MemoryError, OSError, cv2.error) as error:
        if (limit := _limit(error)) is None:
            raise
        say({"limit": limit})
        sys.exit(1)


def _measure(clip: Clip) -> None:
    unreadable = None if clip.probed else clip.probe()
    if unreadable is not None:
        say({"unreadable": {"message": unreadable.template, "values": dict(unreadable.values)}})
    else:
        clip.look_ahead()
        if clip.decodes:
            clip.decode()
    say({"end": True})


def _limit(error: BaseException | None) -> str | None:
    """Return which limit an error came from, or the error while whose handling it was raised; None: from no limit."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem):
            return "memory"
        if is_full(error):
            return "file" if getattr(error, "errno", None) == errno.EFBIG else "disk"
        error = error.__context__
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
