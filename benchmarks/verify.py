"""Verifying a bundle as of 2,000 auctions, and 1,000 random tamperings of a smaller one, each of which must be named.

The bundle is the whole sample city's; its time is scaled to 2,000 auctions. Bound of the same run: reading every line
as JSON.
"""

import json
import random
import shutil
import tempfile
from pathlib import Path
from time import perf_counter

from tqdm import tqdm

from benchmarks.parts.report import Report
from market.audit.note import verifier
from market.identity.queries import log_signer
from oversight.export.service import write_bundle
from oversight.verify import read, verify
from oversight.verify.bundle import FILES
from portal.sample import load_sample
from portal.scheduler import sequence
from tests.oversight.test_verify import TODAY, Made, city_in, tampered

AUCTIONS, TAMPERINGS, SMALL = 2_000, 1_000, 0.05
GOAL = 15.0


def bundle(folder: Path, scale: float) -> Made:
    """A bundle of a sample city of some scale."""
    folder.mkdir()
    city = city_in(folder)
    load_sample(city, lambda _: None, scale, TODAY)
    sequence(city)
    with city.db.read() as s:
        me = log_signer(s)
        write_bundle(s, folder / "out", me, city.clock.now())
    city.db.close()
    return Made(read(folder / "out"), verifier(me.origin, me.public), me, folder)


def timed(made: Made, report: Report) -> None:
    """Seconds to verify it, and to parse it."""
    start = perf_counter()
    lines = 0
    for name in FILES:
        lines += sum(isinstance(json.loads(line), dict) for line in made.files[name].splitlines())
    bound = perf_counter() - start
    start = perf_counter()
    found = verify(made.files, made.key)
    took = perf_counter() - start
    if not found.holds:
        raise SystemExit(f"the city's own bundle does not hold: {found.findings[:3]}")
    n = found.counts["auctions"]
    report.say(
        f"{n:,} auctions, {found.counts['places']:,} places, {lines:,} lines: {took:.1f} s, parsing {bound:.1f} s"
    )
    report.hold(f"for {AUCTIONS:,} auctions: {took * AUCTIONS / n:.1f} s", took * AUCTIONS / n, most=GOAL)


def named(made: Made, report: Report) -> None:
    """Every tampering is named."""
    luck, missed, tried = random.Random(10), [], 0
    with tqdm(total=TAMPERINGS, desc="tamperings", leave=False) as bar:
        while tried < TAMPERINGS:
            what, files = tampered(made, luck)
            if files == made.files:
                continue
            tried += 1
            bar.update()
            if verify(files, made.key).holds:
                missed.append(what)
    report.hold(f"{TAMPERINGS:,} random tamperings, {len(missed)} not named {missed[:3]}", len(missed), most=0)


def main() -> None:
    """Both."""
    report = Report()
    folder = Path(tempfile.mkdtemp(prefix="tzj-bench-", dir="/tmp"))
    try:
        timed(bundle(folder / "whole", 1.0), report)
        named(bundle(folder / "small", SMALL), report)
    finally:
        shutil.rmtree(folder)
    report.end()


if __name__ == "__main__":
    main()
