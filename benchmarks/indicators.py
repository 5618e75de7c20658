"""Precision and recall of each indicator, by job, on the whole sample city: its flags against what was planted.

The indicators never see the truth; this reads it from the data folder after they have run. An ordinary job that is
flagged counts against precision even where the finding is true (affiliated firms that happened to meet).
Run: python -m benchmarks.indicators
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from sqlalchemy import select

from market.jobs.models import Job
from market.settings import read
from oversight.indicators.models import Flag, FlagJob
from oversight.indicators.rules import INDICATORS
from oversight.indicators.service import run
from portal.composition import open_city
from portal.starting import prepare

PLANTED = {
    "affiliation": ("kin",), "close_bids": ("cover", "ratio"), "same_losers": ("cover", "rotation", "ratio"),
    "raised_after": ("growth",), "padded_days": ("instant",),
}  # fmt: skip
"""What of the planted rows an indicator should find. In `ratio` the same firm wins each time too."""


def main() -> int:
    """Load, run, print."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        settings = read({"TAOZHONGJIE_HOME": str(home)})
        prepare(settings, "sample", print)
        city = open_city(settings)
        began = perf_counter()
        with city.db.write() as s:
            run(s, city.clock.now())
        print(f"eight indicators over the sample city: {perf_counter() - began:.2f} s")
        told = json.loads((home / "sample" / "truth.json").read_text(encoding="utf-8"))["planted"]
        with city.db.read() as s:
            rows = s.execute(
                select(Flag.indicator, Job.code).join(FlagJob, FlagJob.flag_id == Flag.id).join(Job).distinct()
            ).all()
    print("| indicator | planted | flagged | found | precision | recall |\n| --- | --- | --- | --- | --- | --- |")
    for rule in INDICATORS:
        planted = {code for row in told if row["indicator"] in PLANTED.get(rule.id, ()) for code in row["jobs"]}
        flagged = {code for indicator, code in rows if indicator == rule.id}
        found = len(planted & flagged)
        precision = f"{found / len(flagged):.2f}" if flagged and planted else "—"
        recall = f"{found / len(planted):.2f}" if planted else "—"
        print(f"| {rule.id} | {len(planted)} | {len(flagged)} | {found} | {precision} | {recall} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
