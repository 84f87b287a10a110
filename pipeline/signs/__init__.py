"""Texts in the picture: reading them, and telling the recorder's overlay from the scene."""
