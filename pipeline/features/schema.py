"""Every table and column: name, type, unit and meaning. Detectors declare what they need in these names.

Types: `i8` integer, `f8` float (NaN: unknown), `bool`, `str` (None: unknown). Integer columns that may be unknown are
`i8?`: Arrow keeps them exact with nulls, `Table` shows them as float64 with NaN.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.model import Table

SCHEMA_VERSION = 2
"""Raised whenever a column changes its meaning; part of every cache key."""

_ARROW = {"i8": pa.int64(), "i8?": pa.int64(), "f8": pa.float64(), "bool": pa.bool_(), "str": pa.string()}
_NUMPY = {"i8": np.int64, "i8?": np.float64, "f8": np.float64, "bool": np.bool_, "str": object}


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a table."""

    name: str
    type: str
    unit: str
    meaning: str


def _columns(text: str) -> tuple[ColumnSpec, ...]:
    rows = (line.split("|") for line in text.strip().splitlines())
    return tuple(ColumnSpec(*(part.strip() for part in row)) for row in rows)


TABLES: dict[str, tuple[ColumnSpec, ...]] = {
    # ---- what the container says: no decoding -------------------------------------------------------------------
    "container": _columns("""
        format               | str  | -     | container found by its own bytes: mp4, mov, 3gp, avi, matroska, mpegts, mpegps, wav, …
        brand                | str  | -     | major brand (ISO-BMFF) or document type; None where there is none
        bytes                | i8   | bytes | size of the file
        bytes_expected       | i8?  | bytes | size that the container's own lengths add up to; unknown where it states none
        index_found          | bool | -     | the index that a player needs (moov, idx1, …) is there, or the format needs none
        duration_in_header_s | f8   | s     | duration the container claims
        writer               | str  | -     | software named by the file (encoder / writing application tags)
        created_at           | str  | -     | creation time as written in the header, ISO 8601 with zone; None if absent or zero
        device               | str  | -     | serial number of the recorder, as its tags state it; None if none does
    """),
    "boxes": _columns("""
        path         | str  | -     | names from the root, e.g. moov/trak[1]/edts/elst ([1] is the second trak); chunks of AVI: RIFF:AVI /LIST:hdrl/avih
        type         | str  | -     | four-character code
        offset_bytes | i8   | bytes | where the box starts
        size_bytes   | i8   | bytes | its stated size, header included
        complete     | bool | -     | it ends inside the file and inside its parent
    """),
    "streams": _columns("""
        stream               | i8   | -    | index in the file
        kind                 | str  | -    | video, audio, subtitle, data
        codec                | str  | -    | FFmpeg's name: h264, hevc, mpeg4, mjpeg, aac, pcm_s16le, …
        tag                  | str  | -    | four-character code in the container
        profile              | str  | -    | codec profile
        time_base_s          | f8   | s    | length of one tick of pts and dts
        width                | i8?  | px   | coded width in the header
        height               | i8?  | px   | coded height in the header
        rotation_deg         | f8   | deg  | clockwise turn a player must apply (0, 90, 180, 270); 0 where none is stated
        rate_in_header_hz    | f8   | Hz   | frame rate the header claims
        sample_rate_hz       | i8?  | Hz   | of sound
        channels             | i8?  | -    | of sound
        frames_in_header     | i8?  | -    | number of frames or packets the header claims
        duration_in_header_s | f8   | s    | duration the stream's own header claims
        start_in_header_s    | f8   | s    | first presentation time the demuxer states
        extradata_sha256     | str  | -    | hash of the codec's parameter sets in the header; None if there are none
        default              | bool | -    | the stream that is examined (first video that is no cover picture; first audio)
    """),
    "edits": _columns("""
        stream        | i8 | - | index of the stream whose track holds the edit list
        entry         | i8 | - | position in the list
        duration_s    | f8 | s | how much of the movie timeline this entry fills
        media_start_s | f8 | s | media time at which it starts; NaN for an empty edit (nothing is shown)
        rate          | f8 | - | media rate, 1.0 is normal
        media_s       | f8 | s | duration of the whole media of the track (mdhd)
    """),
    "packets": _columns("""
        stream         | i8   | -     | index of the stream
        pts            | i8?  | ticks | presentation time in the stream's time base
        dts            | i8?  | ticks | decoding time
        time_s         | f8   | s     | pts in seconds
        dts_s          | f8   | s     | dts in seconds
        duration_s     | f8   | s     | stated duration; NaN where none is stated
        size_bytes     | i8   | bytes | size of the packet
        key            | bool | -     | marked as a key frame
        position_bytes | i8?  | bytes | where it lies in the file
        corrupt        | bool | -     | the demuxer marked it as damaged
        discard        | bool | -     | decoded but not shown (hidden by an edit list, for instance)
        slice_type     | str  | -     | type of the picture's first slice: I, P, B (MPEG-4 Visual: also S); None where its header was not read
        nal_type       | i8?  | -     | H.264, HEVC: type of the NAL unit of the first slice
        reference      | i8?  | -     | H.264: nal_ref_idc; HEVC: 1 if pictures of its layer may refer to it, else 0
        frame_num      | i8?  | -     | H.264: number of the picture among those referred to, as written: it wraps at 2 ** parameters.frame_num_bits
        idr_pic_id     | i8?  | -     | H.264: number that tells neighbouring IDR pictures apart
        poc            | i8?  | -     | H.264, HEVC: place in the order of showing, as written: it wraps at 2 ** parameters.poc_bits
        coded_s        | f8   | s     | MPEG-4 Visual: time that the picture itself bears; NaN where it bears none
        params         | i8?  | -     | row of table parameters: the parameter set that is active for this picture
    """),
    "parameters": _columns("""
        stream          | i8   | -  | index of the stream
        params          | i8   | -  | number of the parameter set in its stream, in the order in which they are first used
        sequence_sha256 | str  | -  | first 16 digits of the hash of what holds for a sequence: SPS, video object layer, frame header of JPEG
        picture_sha256  | str  | -  | the same of what holds for pictures: PPS, quantiser tables of JPEG
        place           | str  | -  | header: not met in a packet before it was used; in band
        time_s          | f8   | s  | of the first picture that uses it
        width           | i8?  | px | as the set states it
        height          | i8?  | px | as the set states it
        profile         | i8?  | -  | profile_idc
        level           | i8?  | -  | level_idc
        frame_num_bits  | i8?  | -  | length of frame_num
        poc_bits        | i8?  | -  | length of the picture order count; unknown where none is stated
        gaps_allowed    | bool | -  | numbers of pictures may lack lawfully
    """),
    "encoder": _columns("""
        stream | i8? | - | index of the stream; unknown: of the file
        place  | str | - | container, stream (tag), handler (name of a track), header sei, sei, header user data, user data, comment, fill element
        text   | str | - | what software wrote about itself
        time_s | f8  | s | of the packet that holds it; NaN outside packets
    """),
    # ---- one decoding pass --------------------------------------------------------------------------------------
    "frames": _columns("""
        pts            | i8?  | ticks   | presentation time in the stream's time base
        time_s         | f8   | s       | presentation time; rows are in the order in which the decoder shows them
        duration_s     | f8   | s       | stated duration; NaN where none is stated
        key            | bool | -       | key frame
        picture_type   | str  | -       | I, P, B, …
        interlaced     | bool | -       | marked as interlaced
        damaged        | bool | -       | the decoder reported errors or concealed parts of this picture
        width          | i8   | px      | width of this very picture as stored
        height         | i8   | px      | height of this very picture as stored
        luma_mean      | f8   | 0..255  | mean brightness of the 160 x 90 thumbnail
        luma_std       | f8   | 0..255  | standard deviation of the thumbnail: contrast
        luma_p01       | f8   | 0..255  | 1st percentile of the thumbnail
        luma_p99       | f8   | 0..255  | 99th percentile of the thumbnail
        sharpness      | f8   | -       | variance of the Laplacian of the picture, halved until it is 320 to 639 px wide
        luma_diff      | f8   | 0..255  | mean absolute difference from the picture before; NaN on the first
        luma_diff_max  | f8   | 0..255  | largest mean absolute difference from the picture before among 10 x 10 px tiles of the thumbnail
        hist_distance  | f8   | 0..1    | half the L1 distance of the 32-bin brightness histograms from the picture before
        shift_x        | f8   | 1       | global motion from the picture before, in picture widths, by phase correlation; NaN where either is flat
        shift_y        | f8   | 1       | the same in picture heights
        shift_response | f8   | 0..1    | peak of the phase correlation: 1 a pure shift, near 0 nothing in common
        residual       | f8   | 0..255  | mean absolute difference from the picture before after undoing the global motion
        skip_diff      | f8   | 0..255  | mean absolute difference from the picture before the last; NaN on the first two
        flow_speed     | f8   | px/160  | optical flow from the picture before, light evened out: median speed of 10 x 10 px tiles that have texture, in px of the 160 x 90 thumbnail; flow_… are NaN on the first picture
        flow_energy    | f8   | px2     | mean square of the flow over those tiles
        flow_lag1      | f8   | px2     | mean product of the flow and that of the picture before; NaN on the first two
        flow_lag2      | f8   | px2     | the same with the picture before the last; NaN on the first three
        flow_change    | f8   | px/160  | median length of the difference from the flow of the picture before; NaN on the first two
        flow_change_max | f8  | px/160  | mean of that length in the tenth of tiles where it is largest; NaN on the first two
        flow_residual  | f8   | 0..255  | mean absolute difference from the picture before after undoing the flow, with light and contrast evened out (40 steps are one local standard deviation)
        flow_residual_max | f8 | 0..255 | mean of that difference in the tenth of tiles where it is largest
        flow_cover     | f8   | 0..1    | share of the picture that was inside the picture before
        look_1         | i8   | -       | mean brightness in row 1 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_2         | i8   | -       | mean brightness in row 2 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_3         | i8   | -       | mean brightness in row 3 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_4         | i8   | -       | mean brightness in row 4 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_5         | i8   | -       | mean brightness in row 5 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_6         | i8   | -       | mean brightness in row 6 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_7         | i8   | -       | mean brightness in row 7 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        look_8         | i8   | -       | mean brightness in row 8 of the picture's 8 x 8 equal parts, one byte each from the left, the first in the lowest byte
        clock_s        | f8   | s       | what the burned-in clock shows, in whole seconds: since 1970-01-01 00:00 as the clock counts them (no zone) if it shows a date, since midnight if not; NaN where no clock is read
        clock_score    | f8   | 0..1    | how well the seconds digits look like themselves elsewhere in this clip: near 0 the overlay is not there; NaN if the clip shows no clock
    """),
    "sound": _columns("""
        time_s        | f8 | s    | start of the block of 20 ms on the presentation timeline
        duration_s    | f8 | s    | length of the block
        rms_dbfs      | f8 | dBFS | level of all channels together; -120 at digital silence
        peak_dbfs     | f8 | dBFS | largest sample
        zero_fraction | f8 | 0..1 | share of samples within one 16-bit step of zero in every channel: 1 is digital silence
        break_after_s | f8 | s    | how far behind the start of the block the millisecond lies that looks most like a joint of two pieces of sound; NaN below 15.2 kHz, and within 0.25 s of either end of the sound or of a gap in it
        break_click_db | f8 | dB  | by how much that millisecond rises above the loudest of the 30 ms on either side, in the fourth best of nine bands (of six below 30 kHz)
        break_step_db | f8 | dB   | change of level across it, from the 25 ms before to the 25 ms after, mean of all bands
        break_score   | f8 | -    | logarithm of the odds, up to a constant, that the sound was cut there: weighted sum of these marks and others; about -6 as a rule, above 5 rare; holds for sound with and without lossy coding after the cut
    """),
    # ---- speech -------------------------------------------------------------------------------------------------
    "voice": _columns("""
        start_s     | f8 | s    | start of a stretch of speech
        stop_s      | f8 | s    | its end
        probability | f8 | 0..1 | mean probability of speech
        snr_db      | f8 | dB   | level of the stretch over the level of the sound around it where nobody speaks; NaN if all is speech
    """),
    "words": _columns("""
        start_s     | f8  | s    | start of the word on the presentation timeline
        stop_s      | f8  | s    | its end
        text        | str | -    | the word as recognised, simplified characters, punctuation kept
        probability | f8  | 0..1 | as the recogniser gives it
        speaker     | str | -    | speaker turn, where known
    """),
    "likelihood": _columns("""
        start_s        | f8  | s | start of a piece of the opening in which the notice was not recognised
        stop_s         | f8  | s | its end
        sentence       | str | - | wording of the notice that the recogniser was asked about
        mean_logprob   | f8  | - | natural logarithm of the probability of its tokens given the sound, mean over all characters; 0 is certain
        lowest_logprob | f8  | - | the same of its least likely clause
    """),
    # ---- texts in the picture -----------------------------------------------------------------------------------
    "texts": _columns("""
        frame      | i8  | -    | row of the frames table
        time_s     | f8  | s    | its presentation time
        text       | str | -    | as read; None: seen, but not read (too small, on a page, or beyond what is read of a clip)
        confidence | f8  | 0..1 | as the reader gives it; NaN where it was not read
        left       | f8  | 0..1 | box in the upright picture, in picture widths
        top        | f8  | 0..1 | in picture heights
        right      | f8  | 0..1 | in picture widths
        bottom     | f8  | 0..1 | in picture heights
        height_px  | f8  | px   | height of the characters in the stored picture
        sharpness  | f8  | -    | variance of the Laplacian inside the box; NaN where the picture was not read
        overlay    | bool | -   | burned in by the recorder (clock, device, unit), not part of the scene
        document   | bool | -   | a line of a page or screen that is held up: printed matter, not a sign
    """),
    "overlay": _columns("""
        field      | str | -    | clock, date (on a line of its own), device, unit, officer, gps, speed, mark (REC and the like), other
        text       | str | -    | consensus of the readings; of the clock, and of what changes, the first reading
        form       | str | -    | of a clock: its first reading with every figure written as 0; None for the others
        agreement  | f8  | 0..1 | share of the readings that agree with the text, or, of a clock, that are clocks of this form
        readings   | i8  | -    | how often it was read
        pictures   | i8  | -    | in how many of the pictures looked at it was found
        left       | f8  | 0..1 | box in the upright picture, in picture widths
        top        | f8  | 0..1 | in picture heights
        right      | f8  | 0..1 | in picture widths
        bottom     | f8  | 0..1 | in picture heights
        height_px  | f8  | px   | height of the characters in the stored picture
    """),
    "clock": _columns("""
        clock_s     | f8 | s    | column of `frames`, a row a picture: see there
        clock_score | f8 | 0..1 | column of `frames`, a row a picture: see there
    """),
    "landmarks": _columns("""
        photo   | str | -    | reference photo, as the case record names it
        frame   | i8  | -    | row of the frames table of the picture that it was held against
        time_s  | f8  | s    | its presentation time
        matches | i8  | -    | mutual matches of local features
        inliers | i8  | -    | those of them that agree with one geometry of the scene, several on one spot counted once
        spread  | f8  | 0..1 | share of the photo over which the inliers are strewn: near 0 on one spot or line; NaN if there are none
        left    | f8  | 0..1 | box around the inliers, stragglers left out, in the upright picture, in picture widths; NaN if there are none
        top     | f8  | 0..1 | in picture heights
        right   | f8  | 0..1 | in picture widths
        bottom  | f8  | 0..1 | in picture heights
    """),
    # ---- the case record ----------------------------------------------------------------------------------------
    "case": _columns("""
        field  | str | - | name of a field of the case record, e.g. place.names
        value  | str | - | its value; a list gives a row for each entry; times are ISO 8601 with offset, dates ISO 8601, flags true or false
        source | str | - | file that states it, and its line where that is known
    """),
    # ---- what lies beside the clip ------------------------------------------------------------------------------
    "file": _columns("""
        modified_at | str | - | when the file was last changed, as the store says, ISO 8601 in UTC; it is of this copy, not of its content, and so never cached
        name        | str | - | file name
        sha256      | str | - | hash of its content
        subtitles   | str | - | text of the subtitle file beside it; None if there is none
        examined_at | str | - | the moment for which periods are judged, ISO 8601 with offset
    """),
    "transcript": _columns("""
        path       | str | - | the transcript of this clip that was found
        status     | str | - | draft, confirmed
        method     | str | - | how it was made; None where it does not say
        made_at    | str | - | when; None where it does not say
        made_by    | str | - | who made it; None where it does not say
        proves     | str | - | what it is to prove; None where it does not say
        sha256     | str | - | hash of the clip that it was made from
    """),
    "calendar": _columns("""
        date  | str  | - | day, ISO 8601; days of years whose calendar is not known are not in the table
        works | bool | - | a working day
        why   | str  | - | why it differs from the plain week: holiday's name, make-up day, the agency's own; None where it does not
    """),
    # ---- the other clips of the recorder and the case -----------------------------------------------------------
    "recording": _columns("""
        device_id     | str | - | the recorder; None if nothing names it
        device_from   | str | - | what names it: overlay, metadata, name, case
        started_at    | str | - | when the first picture was taken, ISO 8601 with offset; None if nothing says
        ended_at      | str | - | end of the last picture or sound
        time_from     | str | - | what says so: overlay, metadata, name, case
        time_within_s | f8  | s | how far off that may be
        number        | i8? | - | its number in the recorder's sequence of files
    """),
    "siblings": _columns("""
        clip     | str  | - | file name of another clip that was examined together with this one
        session  | bool | - | it belongs to the same recording session
        case     | bool | - | it belongs to the same case
        start_s  | f8   | s | its start on this clip's timeline; NaN where either start is not known
        stop_s   | f8   | s | its end on this clip's timeline
        phases   | str  | - | phases that its case record says it shows, parted by spaces
        position | i8?  | - | its place in that session, counted from this clip: -1 is the one before; unknown where it is of another
        notice   | str  | - | the finding about the notice in it (kind); None if none
        notice_s | f8   | s | when in that clip
        place    | str  | - | the finding about the place in it (kind); None if none
        place_s  | f8   | s | when in that clip
    """),
    "joins": _columns("""
        before        | str  | - | file name of a clip of the recording session
        after         | str  | - | file name of the one that follows it
        here          | str  | - | on which side of the join the examined clip lies: before, after; None: it is elsewhere in the session
        gap_s         | f8   | s | from the end of the one to the start of the other; negative: they overlap; NaN if not known
        within_s      | f8   | s | how far off that may be
        before_s      | f8   | s | length of the one
        after_s       | f8   | s | length of the other
        time_from     | str  | - | what both times come from: overlay, name, metadata, case; mixed: each from another source
        conflict_s    | f8   | s | by how much another source that both clips have gives another gap; NaN if there is none
        numbers       | i8?  | - | step of the number in the recorder's sequence of files, 1 if none is missing; unknown where there are no numbers
        same_place    | str  | - | yes, no: as the case records name the places; None where either names none
        picture_ratio | f8   | -    | mean difference of the pictures on either side, in differences between neighbouring pictures around it; NaN if either has none
        sound_step_db | f8   | dB | difference of the level of the sound on either side; NaN if either has none
        unread        | str  | - | clips in between that could not be examined, parted by commas; None if none
        stated        | str  | - | reason that the case record gives for this interruption; None if none
    """),
    "findings": _columns("""
        kind    | str | - | kind of a finding that was made before
        level   | str | - | its level
        start_s | f8  | s | its span
        stop_s  | f8  | s | its span
        words   | str | - | what it quotes of what was said, or of a sign; None if nothing
        summary | str | - | its message in English
    """),
    "registry": _columns("""
        device_id | str | - | serial number of a recorder, as the overlay shows it
        unit      | str | - | unit that it belongs to; None where the registry does not say
        officer   | str | - | officer who carries it; several give a row each; None where the registry does not say
    """),
    # ---- coverage -----------------------------------------------------------------------------------------------
    "examined": _columns("""
        stage   | str | - | probe, pictures, sound, speech, texts, landmarks; isolation: what held of the decoding process
        measure | str | - | what was counted: packets, frames_decoded, frames_failed, audio_s, speech_s, pictures_read (looked at for text), pictures_read_closely (whose texts were read), pictures_compared; of isolation: limits, no-new-privileges, landlock, seccomp
        value   | f8  | - | the count; of isolation: the version of Landlock, else 1
    """),
    "gaps": _columns("""
        stage   | str | - | stage that could not examine something
        message | str | - | template of the sentence that says what and why
        values  | str | - | JSON object that fills the template
    """),
}


def arrow_schema(table: str) -> pa.Schema:
    """Return the Arrow schema of a table.

    Raises
    ------
    KeyError
        If no table has that name.
    """
    return pa.schema(
        [pa.field(spec.name, _ARROW[spec.type], nullable=spec.type in {"i8?", "f8", "str"}) for spec in TABLES[table]]
    )


def to_arrow(name: str, rows: list[dict[str, object]]) -> pa.Table:
    """Build an Arrow table from rows; keys that a row lacks become null (NaN for `f8`).

    Bytes of a file's name that are no UTF-8 become backslash escapes.
    """
    schema = arrow_schema(name)
    columns = []
    for spec in TABLES[name]:
        default: object = float("nan") if spec.type == "f8" else None
        values = [row.get(spec.name, default) for row in rows]
        if spec.type == "str":
            values = [_utf8(value) for value in values]
        columns.append(pa.array(values, type=_ARROW[spec.type]))
    return pa.table(columns, schema=schema)


def _utf8(value: object) -> object:
    return os.fsencode(value).decode("utf-8", "backslashreplace") if isinstance(value, str) else value


def to_table(name: str, arrow: pa.Table) -> Table:
    """Turn an Arrow table into read-only NumPy columns of the types that the schema states.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    columns = {}
    for spec in TABLES[name]:
        if spec.name not in arrow.column_names:
            raise ValueError(f"table {name} lacks column {spec.name}")
        column = arrow[spec.name]
        values = (column.fill_null(0) if spec.type == "i8" else column).to_numpy()  # only rows made by hand lack them
        columns[spec.name] = values.astype(_NUMPY[spec.type]) if len(values) else np.empty(0, _NUMPY[spec.type])
    return Table(columns)


def table(name: str, rows: list[dict[str, object]]) -> Table:
    """Build a `Table` from rows: for tests and notebooks, and for small tables."""
    return to_table(name, to_arrow(name, rows))


def write_tables(tables: Mapping[str, Table], folder: Path) -> list[Path]:
    """Write tables as Parquet files, one a table, under `folder`; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in sorted(tables.items()):
        columns = []
        for spec in TABLES[name]:
            values = content[spec.name]
            unknown = np.isnan(values) if spec.type == "i8?" else None
            columns.append(pa.array(values, type=_ARROW[spec.type], mask=unknown, from_pandas=False))
        path = folder / f"{name}.parquet"
        pq.write_table(pa.table(columns, schema=arrow_schema(name)), path)
        written.append(path)
    return written
