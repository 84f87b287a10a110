"""The Parquet tables of a batch, counted by DuckDB: the numbers of `unbroken statistics`."""

import json
import stat
from datetime import datetime

import duckdb
import pytest
from typer.testing import CliRunner

from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key, StoredFile
from pipeline.batch.parquet import TABLES, write_tables
from pipeline.cli import app
from pipeline.report.results import read_results
from pipeline.statistics import kind_rows, statistics
from tests.pipeline.recorded import clip
from tests.pipeline.review_ledgers import night
from tests.pipeline.test_review_statistics_page import DOCUMENTS

AGAIN = clip(2, 60, name="z_copy.mp4", findings=(("picture-cut", "suspect"), ("signs-seen", "note")))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the folder of the tables, DuckDB with a view of each, and what the command counts by."""
    folder = tmp_path_factory.mktemp("tables")
    place = folder / "night.ledger"
    with Ledger(str(place)) as ledger:
        night(ledger, [*DOCUMENTS, AGAIN])
        (folder / "told.json").write_text(json.dumps([json.loads(one) for one in ledger.documents()]))
    done = CliRunner().invoke(app, ["results", "--ledger", str(place), "--out", str(folder / "out"), "--lang", "en"])
    assert done.exit_code == 0 and "9 clips" in " ".join(done.output.split())
    database = duckdb.connect()
    for name in TABLES:
        database.sql(f"CREATE VIEW {name} AS FROM '{folder / 'out' / name}.parquet'")
    return folder, database


@pytest.mark.parametrize("key", ["unit", "device", "month"])
def test_groups_are_those_of_the_command(written, key):
    folder, database = written
    found = database.sql(
        f"SELECT {key}, count(*), count_if(counted = 'pass'), count_if(counted = 'fail'), sum(violations) "
        f"FROM clips WHERE NOT repeated GROUP BY ALL"
    ).fetchall()
    told = statistics(read_results([folder / "told.json"]), [key]).groups
    assert {row[0]: row[1:] for row in found} == {
        names[0]: (of.clips, of.counts["pass"], of.counts["fail"], of.violations) for names, of in told.items()
    }
    assert len(found) >= 3


def test_rules_and_kinds_are_those_of_the_command(written):
    folder, database = written
    told = statistics(read_results([folder / "told.json"]))
    rules = database.sql(
        "SELECT rule, outcome, count(*) FROM rules JOIN clips USING (path) WHERE NOT repeated GROUP BY ALL"
    ).fetchall()
    assert {(rule, outcome): count for rule, outcome, count in rules} == {
        (rule.id, outcome): count for rule, counts in told.rules_total.items() for outcome, count in counts.items()
    }
    kinds = database.sql(
        "SELECT kind, count(DISTINCT path) FROM findings JOIN clips USING (path) "
        "WHERE NOT repeated AND level IN ('violation', 'suspect') GROUP BY ALL"
    ).fetchall()
    assert dict(kinds) == {
        row["kind"]: row["violation"] + row["suspect"] for row in kind_rows(told) if row["share"] > 0
    }


def test_a_clip_has_its_time_and_a_copy_is_named(written):
    _, database = written
    rows = database.sql("SELECT path, recorded_at, month, repeated FROM clips ORDER BY path").fetchall()
    assert rows[0] == ("K7A0123_0001.mp4", datetime(2026, 3, 4, 9), "2026-03", False)
    assert [row[0] for row in rows if row[3]] == ["z_copy.mp4"]
    assert [row[2] for row in rows if row[1] is None] == [None]
    spans = database.sql("SELECT start_s, stop_s FROM findings WHERE path = 'K7A0123_0002.mp4'").fetchall()
    assert set(spans) == {(0.0, 1.0)}


def test_what_has_no_result_or_a_spoilt_one_is_told(ledger, tmp_path):
    batch = ledger.start_batch("/store", "shijiazhuang-safety", {}, "1")
    keys = [Key(name.hex(), "p", "1", "", name) for name in (b"good.mp4", b"no json.mp4", b"waits \xff.mp4")]
    for key, document in zip(keys, [json.dumps(DOCUMENTS[0]), "{", None], strict=True):
        ledger.see_files(batch, "/store", [StoredFile(key.path, 1, 1)])
        ledger.submit(batch, [key])
        if document is not None:
            ledger.commit_result(key, "fail", document, 60.0)
    counts = []
    assert write_tables(ledger, batch, tmp_path / "out", counts.append) == 1 and counts[-1] == 1
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted(f"{name}.parquet" for name in TABLES)
    without = duckdb.sql(f"FROM '{out / 'without.parquet'}' ORDER BY path").fetchall()
    assert [row[:2] for row in without] == [("no json.mp4", "spoilt"), ("waits \\xff.mp4", "waiting")]
    assert "unbroken verify" in without[0][2]


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    place, out = tmp_path / "night.ledger", tmp_path / "out"
    with Ledger(str(place)) as ledger:
        night(ledger, DOCUMENTS[:1])
    out.write_bytes(b"a file")
    done = CliRunner().invoke(app, ["results", "--ledger", str(place), "--out", str(out), "--lang", "en"])
    assert done.exit_code == 2 and "cannot be written" in " ".join(done.output.split())
    assert stat.S_ISREG(out.stat().st_mode)
    done = CliRunner().invoke(app, ["results", "a.mp4", "--ledger", str(place), "--out", str(tmp_path), "--lang", "en"])
    assert done.exit_code == 2 and "name none" in " ".join(done.output.split())
