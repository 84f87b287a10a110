"""Speech: weights, voice activity, recognition, and one speech check a file. Importing registers the checks."""

from transcripts import (
    notice,
    place_spoken,
    said_coercion,
    said_complaint,
    said_credentials,
    said_insult,
    said_objection,
    said_purpose,
    said_questioning,
    said_refusal,
    said_rights,
    said_signing,
    said_uncivil,
    speech_unclear,
)

__all__ = [
    "notice",
    "place_spoken",
    "said_coercion",
    "said_complaint",
    "said_credentials",
    "said_insult",
    "said_objection",
    "said_purpose",
    "said_questioning",
    "said_refusal",
    "said_rights",
    "said_signing",
    "said_uncivil",
    "speech_unclear",
]
