"""Scan the sample clips as a user would, write their reports, and say whether each scan found what is true.

python data_samples/scan.py [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from truth import truths

BUILT = Path(__file__).with_name("built")


def main() -> int:
    """Return 0 if every scan found what is true of its clip, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("reports"), help="folder for the HTML reports")
    out = parser.parse_args().out
    known = truths()
    clips = [str(BUILT / truth.clip) for truth in known]
    command = [str(Path(sys.executable).with_name("unbroken")), "scan", "--json", "--out", str(out), *clips]
    scanned = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if not scanned.stdout:
        return scanned.returncode or 1
    wrong = 0
    for truth, document in zip(known, json.loads(scanned.stdout), strict=True):
        differences = truth.differences(document)
        wrong += bool(differences)
        print(f"{truth.clip:22} {document['verdict']:10} {'; '.join(differences) or 'as it should be'}")
    print(f"{len(known) - wrong} of {len(known)} as they should be. Reports: {out}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
