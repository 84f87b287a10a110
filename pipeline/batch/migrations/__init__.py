"""Alembic migrations of the batch's ledger."""
