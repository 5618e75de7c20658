"""A contract's PDF/A-2b with its embedded Chinese font: the first of a process, and each one after it.

`python -m benchmarks.contract_pdf`. The first one maps the font (32 MB) and compiles the sheet; goal 1 s (issue 10).
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from time import perf_counter

from benchmarks.parts.report import Report, middle
from market.contracts.facts import Attested, Chosen, Paper, Part, Side
from market.contracts.paper import pdf

GOAL_SECONDS = 1.0
ROUNDS, STARTS = 60, 5
T = datetime(2026, 6, 18, 2, 11, 5, tzinfo=UTC)


def paper(n: int, milestones: int = 3) -> Paper:
    """The n-th contract, of so many milestones."""
    parts = tuple(
        Part(i + 1, f"第 {i + 1} 阶段成果", 10_000 // milestones, 1_000_000 + i, 10 * i + 5, T + timedelta(days=i))
        for i in range(milestones)
    )
    return Paper(
        code=f"HT-2026-{n:05d}", title=f"第 {n} 号项目环境影响报告书编制", job_code=f"ZJ-2026-{n:05d}",
        category="环境影响评价", service="环境影响报告书编制", district="望浦区",
        summary="编制环境影响报告书，通过技术评估。\n" * 6, funding="private", tax="included", city="澄浦市",
        state="active", dated=T,
        owner=Side("澄浦某某化工有限公司", "913399010000000001", person="周某某", confirmed_at=T),
        firm=Side("澄浦衡正环境咨询有限公司", "913399010000000002", "望浦区", "沈某某", "陆某某", T), lead="陆某某",
        amount=11_240_000 + n, amount_now=11_240_000 + n, days=35, days_now=35, baseline=17_280_000, baseline_days=60,
        parts=parts, changes=(), chosen=Chosen(f"ZJ-2026-{n:05d}-1", f"http://city.test/{n}", "9c417d02" * 8, 6, T),
        terms="0f3a9be1" * 8, url=f"http://city.test/contracts/HT-2026-{n:05d}", signed_at=T,
        attested=Attested('{"v":1}' * 30, bytes(64), "1f2e3d4c5b6a7988"),
    )  # fmt: skip


def timed(n: int, milestones: int = 3) -> tuple[float, int]:
    """Seconds and bytes of one paper."""
    started = perf_counter()
    made = pdf(paper(n, milestones))
    return perf_counter() - started, len(made)


def first() -> float:
    """Seconds of the first paper of a fresh process."""
    code = "from benchmarks.contract_pdf import timed; print(timed(1)[0])"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)


def main() -> None:
    """First and later papers, short and long."""
    report = Report()
    report.hold(f"first PDF of a process: {(cold := middle([first() for _ in range(STARTS)])):.2f} s", cold, most=1.0)
    timed(0)
    for milestones in (3, 40):
        taken = [timed(n, milestones) for n in range(1, ROUNDS + 1)]
        times = sorted(seconds for seconds, _ in taken)
        text = f"{ROUNDS} PDFs of {milestones} milestones, {taken[0][1] / 1024:.0f} KB each"
        figures = f"p50 {times[ROUNDS // 2] * 1000:.0f} ms, p95 {times[ROUNDS * 95 // 100] * 1000:.0f} ms"
        report.hold(f"{text}: {figures}, slowest {times[-1] * 1000:.0f} ms", times[-1], most=GOAL_SECONDS)
    report.end()


if __name__ == "__main__":
    main()
