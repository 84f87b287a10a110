"""Forgeries of known place and kind, to measure detectors on."""
