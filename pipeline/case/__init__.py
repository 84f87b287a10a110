"""The case record of a clip: what the investigators and the store say of it, beside what the footage shows.

Three sources, nearest first: `<clip>.mp4.case.toml`, or else `<clip>.case.toml`, beside the clip; `case.toml` in its
folder; its row in the table of a whole store. They are merged, and what a nearer one says wins. Entries outside
sections are merged one by one; a section of a nearer record replaces that section of a farther one as a whole, because
half of one place and half of another would be a place that does not exist.
"""

from pipeline.case.fields import CIRCUMSTANCES, EXEMPTIONS, FIELDS, PHASES, SECRECIES, Field, Form
from pipeline.case.files import case_file, case_files, case_of, read_case
from pipeline.case.record import MAX_PHOTO_MEGAPIXELS, CaseRecord, Source, case_table, path_of
from pipeline.case.store import CaseTable, read_case_table
from pipeline.case.values import DEFAULT_ZONE

__all__ = [
    "CIRCUMSTANCES",
    "DEFAULT_ZONE",
    "EXEMPTIONS",
    "FIELDS",
    "MAX_PHOTO_MEGAPIXELS",
    "PHASES",
    "SECRECIES",
    "CaseRecord",
    "CaseTable",
    "Field",
    "Form",
    "Source",
    "case_file",
    "case_files",
    "case_of",
    "case_table",
    "path_of",
    "read_case",
    "read_case_table",
]
