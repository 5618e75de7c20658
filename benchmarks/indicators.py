"""Precision and recall of each indicator, by job, on the whole sample city: its flags against what was planted.

The indicators never see the truth; this reads it from the data folder after they have run. An ordinary job that is
flagged counts against precision even where the finding is true (affiliated firms that happened to meet).
Run: python -m benchmarks.indicators [SEED]; another seed than the release's draws a city the rules were never tried on.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from sqlalchemy import select

from market.jobs.models import Job
from market.settings import read
from oversight.indicators.models import Flag, FlagJob
from oversight.indicators.rules import INDICATORS
from oversight.indicators.service import run
from portal.composition import open_city
from portal.sample import loading
from portal.starting import prepare

PLANTED = {
    "affiliation": ("kin",), "close_bids": ("cover", "ratio"), "same_losers": ("cover", "rotation", "ratio"),
    "raised_after": ("growth",), "padded_days": ("instant",), "short_period": ("short",), "too_few": ("direct",),
}  # fmt: skip
"""What of the planted rows an indicator should find. In `ratio` the same firm wins each time too."""


def main() -> int:
    """Load, run, print."""
    if len(sys.argv) > 1:
        loading.SEED = int(sys.argv[1])
    with TemporaryDirectory() as folder:
        home = Path(folder)
        settings = read({"TAOZHONGJIE_HOME": str(home)})
        prepare(settings, "sample", print)
        city = open_city(settings)
        began = perf_counter()
        with city.db.write() as s:
            run(s, city.clock.now())
        print(f"eight indicators over the sample city: {perf_counter() - began:.2f} s")
        told = json.loads((home / "sample" / "truth.json").read_text(encoding="utf-8"))
        with city.db.read() as s:
            rows = s.execute(
                select(Flag.indicator, Job.code).join(FlagJob, FlagJob.flag_id == Flag.id).join(Job).distinct()
            ).all()
    report(told, {rule.id: {code for indicator, code in rows if indicator == rule.id} for rule in INDICATORS})
    return 0


def report(told: dict[str, list[dict[str, Any]]], flagged: dict[str, set[str]]) -> None:
    """Two tables: precision and recall of each indicator, and what each touches of rows that are not its own."""
    kinds = {code: row["indicator"] for rows in told.values() for row in rows for code in row["jobs"]}
    decoys = {code for row in told["decoys"] for code in row["jobs"]}
    print("| indicator | planted | flagged | found | decoys | precision | recall |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, codes in flagged.items():
        own = PLANTED.get(name, ())
        planted = {code for code, kind in kinds.items() if kind in own}
        found = len(planted & codes)
        precision = f"{found / len(codes):.2f}" if codes and planted else "—"
        recall = f"{found / len(planted):.2f}" if planted else "—"
        touched = f"{len(codes & decoys)} of {len(decoys)}"
        print(f"| {name} | {len(planted)} | {len(codes)} | {found} | {touched} | {precision} | {recall} |")
    for name, codes in flagged.items():
        others = Counter(kinds.get(code, "ordinary") for code in codes if kinds.get(code) not in PLANTED.get(name, ()))
        if others:
            print(f"{name}: also {', '.join(f'{kind} {n}' for kind, n in sorted(others.items()))}")
    missed = sorted({row["indicator"] for row in told["planted"]} - {kind for own in PLANTED.values() for kind in own})
    print(f"rows that none of the indicators looks for: {', '.join(missed)}")


if __name__ == "__main__":
    sys.exit(main())
