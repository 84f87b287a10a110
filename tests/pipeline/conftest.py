"""Addresses of empty ledgers, on both databases."""

import itertools

import pytest
import sqlalchemy

from pipeline.batch.ledger import Ledger
from tests.pipeline.ledgers import postgresql

NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def server():
    with postgresql() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path) -> str:
    """Return the address of a database that is empty."""
    if request.param == "sqlite":
        return str(tmp_path / "night.ledger")
    address = request.getfixturevalue("server")
    name = f"night{next(NUMBERS)}"
    engine = sqlalchemy.create_engine(
        address.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return address.replace("/postgres?", f"/{name}?")


@pytest.fixture
def ledger(place, tmp_path):
    with Ledger(place, tmp_path) as opened:
        yield opened
