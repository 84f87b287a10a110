"""Ledgers whose results are public documents, for the tests of the review page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pipeline.batch.ledger import Ledger
from pipeline.batch.nouns import Key, StoredFile


def night(
    ledger: Ledger,
    documents: Iterable[dict[str, Any]],
    *,
    scope: str = "",
    context: str = "",
    store: str = "/store",
    regulation: dict[str, Any] | None = None,
) -> int:
    """Run a batch that gives each document's clip its result; return the batch's number."""
    batch = ledger.start_batch(store, "shijiazhuang-safety", {}, "1", scope, regulation)
    for told in documents:
        path = told["clip"]["path"].removeprefix(f"{store}/").encode()
        key = Key(path.hex(), "p", "1", context, path)
        ledger.see_files(batch, store, [StoredFile(path, 1, 1)])
        ledger.submit(batch, [key])
        ledger.commit_result(key, told["verdict"], json.dumps(told), told["clip"]["duration_s"])
    ledger.end_batch(batch)
    return batch
