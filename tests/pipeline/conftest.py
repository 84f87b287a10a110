"""Addresses of empty ledgers, on both databases; passwords that are hashed quickly."""

import itertools

import pytest
import sqlalchemy
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from pipeline.batch.ledger import Ledger
from pipeline.review import passwords
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


@pytest.fixture(scope="session", autouse=True)
def quick_passwords():
    """Hash passwords by argon2id as ever, but at its least cost; yield what the product hashes them with."""
    dear = passwords.HASHES
    passwords.HASHES = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    yield dear
    passwords.HASHES = dear


@pytest.fixture
def dear_passwords(quick_passwords, monkeypatch):
    """Hash passwords at the product's cost, for tests of that cost."""
    passwords._nobody.cache_clear()
    monkeypatch.setattr(passwords, "HASHES", quick_passwords)
    yield
    passwords._nobody.cache_clear()
