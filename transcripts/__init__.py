"""Speech: weights, voice activity, recognition, and one speech check a file. Importing registers the checks."""

from transcripts import notice, place_spoken

__all__ = ["notice", "place_spoken"]
