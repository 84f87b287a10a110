"""Clips of one recorder put together: whose they are, when they were taken, and whether anything lies between them."""
