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
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import cv2

from pipeline.errors import FootageError
from pipeline.features import luma
from pipeline.features.kept import ClockPlace
from pipeline.features.listening import Listening
from pipeline.features.peek import peek
from pipeline.features.sharpest import Sharpest
from pipeline.features.sound import Blocks
from pipeline.features.spool import Spool, write_spool
from pipeline.features.strips import Strips
from pipeline.media import probe
from pipeline.media.audio import SoundDecoder
from pipeline.media.boxes import MAX_BOXES
from pipeline.media.evidence import demuxer
from pipeline.media.frames import Picture, PictureDecoder
from pipeline.media.sandbox import confine, is_full
from pipeline.media.sniff import Container, sniff
from pipeline.model import Message

SIGN_EVERY_S = 0.5
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
PICTURES_FAILED = "{failed} packets of pictures could not be decoded ({reason}); {decoded} pictures were."
PICTURES_DAMAGED = (
    "{damaged} of {decoded} pictures are damaged: the decoder made up parts of them. Copy the clip again from the "
    "recorder and scan that copy."
)
PICTURES_MISSING = "{missing} of {packets} packets of pictures gave no picture."
PICTURES_STARVED = (
    "The decoder of the pictures asked for more memory than it may use. If the pictures are really that large "
    "({width} × {height}), raise memory_mb in section media of the settings and scan the clip again."
)
ENCRYPTED = (
    "The pictures of this file are encrypted ({codec}); none could be examined. Export the recording unlocked with the "
    "recorder maker's tool; keep this file as it is."
)
NO_PICTURE = "No picture could be decoded, although the file holds {packets} packets of pictures ({codec})."
SOUND_FAILED = "{failed} packets of sound could not be decoded ({reason}); {seconds} s of sound were."
NO_SOUND = "No sound could be decoded, although the file holds {packets} packets of sound ({codec})."


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
        self.counts: dict[int, int] = {}
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
                return Message(NO_DECODER, {"codec": _codec(stream)})
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
        with demuxer(self.path, self.container.demuxer) as opened:
            video = [index for index, kind in probe.default_streams(opened).items() if kind == "video"]
            if not self.peeks or not video:
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
                pictures = Pictures(self, chosen["video"], shift, frames)
                track = self.found.movie.track(chosen["video"].id, pictures.index) if self.found.movie else None
                pictures.encrypted = track is not None and track.codec_tag == "encv"
                stack.callback(pictures.sharpest.finish)
                if pictures.strips:
                    stack.callback(pictures.strips.finish)
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


class Pictures:
    """Decodes and measures the pictures."""

    def __init__(self, clip: Clip, stream: Any, shift_s: float, spool: Spool) -> None:
        self.index, self.codec = stream.index, _codec(stream)
        self._size = {"width": stream.width, "height": stream.height}
        self.decoder = PictureDecoder(stream, threads=clip.threads, shift_s=shift_s)
        self.sharpest = Sharpest(clip.folder, *clip.windows)
        self.strips = Strips(clip.folder, clip.clock) if clip.clock else None
        self.damaged = 0
        self.rotation_deg = 0.0
        self.encrypted = False
        self._fields = 0
        self._spool = spool
        self._looks: tuple[luma.Look | None, luma.Look | None] = (None, None)

    def take(self, packet: Any) -> None:
        """Measure every picture that a packet completes."""
        for picture in self.decoder.decode(packet):
            self._measure(picture)

    def _measure(self, picture: Picture) -> None:
        before, before_last = self._looks
        now, columns = luma.measure(picture.luma, before, before_last)
        self._looks = (now, before)
        self.sharpest.add(picture, self._spool.rows, columns["sharpness"])
        if self.strips:
            self.strips.add(picture, self._spool.rows)
        self.damaged += picture.damaged
        self.rotation_deg = self.rotation_deg or picture.rotation_deg
        self._fields += picture.interlaced
        height, width = picture.luma.shape
        self._spool.append(
            {
                "pts": picture.pts,
                "time_s": picture.time_s,
                "duration_s": picture.duration_s,
                "key": picture.key,
                "picture_type": picture.type,
                "interlaced": picture.interlaced,
                "damaged": picture.damaged,
                "width": width,
                "height": height,
                **columns,
            }
        )

    def finish(self, packets: int) -> None:
        """Say what of `packets` packets could not be examined."""
        decoded, failed = self._spool.rows, self.decoder.failed
        # An interlaced picture may come in two packets; VP8 has packets that are never shown.
        missing = 0 if self.codec == "vp8" else packets - decoded - self._fields
        if packets and not decoded and self.encrypted:
            say_gap("pictures", ENCRYPTED, codec=self.codec)
        elif packets and not decoded:
            say_gap("pictures", NO_PICTURE, packets=packets, codec=self.codec)
        elif failed:
            reason = self.decoder.reason
            say_gap("pictures", PICTURES_FAILED, failed=failed, reason=reason, decoded=decoded)
        elif missing > max(2, packets // 100):
            say_gap("pictures", PICTURES_MISSING, missing=missing, packets=packets)
        if self.decoder.starved:
            say_gap("pictures", PICTURES_STARVED, **self._size)
        if self.damaged:
            say_gap("pictures", PICTURES_DAMAGED, damaged=self.damaged, decoded=decoded)


class Hearing:
    """Decodes and measures the sound."""

    def __init__(self, stream: Any, shift_s: float, spool: Spool, listening: Listening) -> None:
        self.codec = _codec(stream)
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


def _codec(stream: Any) -> str:
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context else str(stream.name or "?")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def main(clip: str, folder: str, options: str) -> None:
    """Measure `clip` into `folder`; `options` is a JSON object with the arguments of `Clip`, and the `limits`."""
    cv2.setNumThreads(0)
    asked = json.loads(options)
    say({"isolation": confine(Path(clip), Path(folder), **asked.pop("limits"))})
    try:
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
    unreadable = clip.probe()
    if unreadable is not None:
        say({"unreadable": {"message": unreadable.template, "values": dict(unreadable.values)}})
    elif clip.decodes:
        clip.look_ahead()
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
