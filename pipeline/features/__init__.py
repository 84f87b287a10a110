"""Measurements of footage, as tables; nothing here decides anything."""
