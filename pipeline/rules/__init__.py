"""Regulations as data, and the judge that applies them."""
