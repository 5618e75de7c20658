"""What a bundle claims beyond its log (pure): baselines, results, figures and credit, each computed again.

Where the log holds a digest or a number of the same thing, the claim must agree with it: a claim that was changed
together with its own file then still meets the leaf it cannot change.
"""

from collections.abc import Callable, Mapping
from typing import Any

from bidding.methods import decide
from market.catalogue.rules import Baseline, baseline
from market.catalogue.rules.standards import Standards, StandardsError, parse_standards
from market.ids import canonical_json, digest
from oversight.metrics.rules import FEES, Cell, Facts, plausible, values_of
from oversight.verify.bundle import Verdict, lines
from oversight.verify.log import Log
from ratings.credit.rules import recompute

STANDARDS, JOBS, AUCTIONS = "standards.jsonl", "jobs.jsonl", "auctions.jsonl"
ROWS, TOTALS, CREDIT = "rows.jsonl", "totals.jsonl", "credit.jsonl"
Files = Mapping[str, bytes]
Row = dict[str, Any]


def _each(name: str, files: Files, found: Verdict, check: Callable[[int, Row], None]) -> None:
    """Hold every line of a file against a check; a line of another shape is a finding like any other."""
    for line, row in lines(name, files, found):
        try:
            check(line, row)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
            found.fault("shape", name, line, f"{type(error).__name__}: {error}")


def standards(files: Files, found: Verdict) -> dict[str, Standards]:
    """The price files by digest."""
    known: dict[str, Standards] = {}

    def check(line: int, row: Row) -> None:
        try:
            known[row["digest"]] = parse_standards(row["text"])
        except StandardsError as error:
            found.fault("standards", STANDARDS, line, error)
            return
        if digest(row["text"].encode("utf-8")) != row["digest"]:
            found.fault("digest", STANDARDS, line, row["digest"])

    _each(STANDARDS, files, found, check)
    return known


def jobs(files: Files, log: Log, prices: Mapping[str, Standards], found: Verdict) -> dict[str, Row]:
    """Each published job's baseline: fixed in the log by digest before the first bid, and computed again."""
    known: dict[str, Row] = {}

    def check(line: int, row: Row) -> None:
        code, told = row["job"], row["baseline"]
        if code in known:
            found.fault("twice", JOBS, line, code)
        known[code] = told
        fixed = log.told("job", code, "job.published")
        if not fixed or fixed[-1]["baseline"] != digest(canonical_json(told)):
            found.fault("baseline.fixed", JOBS, line, code)
        if told is None or told["fee"] is None or told["standard"] is None:
            found.count("without_baseline")
            return
        made = baseline(prices[told["digest"]], told["standard"], told["scale"], told["coefficients"])
        found.count("baselines")
        if not isinstance(made, Baseline) or made.fee != told["fee"] or made.standard.kind.value != told["kind"]:
            found.fault("baseline", JOBS, line, code)

    _each(JOBS, files, found, check)
    return known


def auctions(files: Files, log: Log, found: Verdict) -> dict[str, Row]:
    """Each result decided again from terms, opened bids and seed, and held against the log."""
    known: dict[str, Row] = {}

    def check(line: int, row: Row) -> None:
        name, outcome = row["auction"], row["outcome"]
        if name in known:
            found.fault("twice", AUCTIONS, line, name)
        known[name] = outcome
        found.count("auctions")
        if decide(row["terms"], row["bids"], row["seed"]) != outcome:
            found.fault("outcome", AUCTIONS, line, name)
        told = log.told("auction", name, "auction.decided", "auction.failed")
        if not told or told[-1].get("case") != digest(canonical_json(row)):
            found.fault("case", AUCTIONS, line, name)

    _each(AUCTIONS, files, found, check)
    for kind, name in sorted(log.facts):
        if kind == "auction" and name not in known and log.told(kind, name, "auction.decided"):
            found.fault("absent", AUCTIONS, None, name)
    return known


def figures(files: Files, log: Log, fixed: Mapping[str, Row], results: Mapping[str, Row], found: Verdict) -> None:
    """Each row against log, baseline and result; then the published totals from the rows."""
    cells: dict[tuple[str, str], Cell] = {}
    seen: set[str] = set()

    def check(line: int, row: Row) -> None:
        code = row["job"]
        if code in seen:
            found.fault("twice", ROWS, line, code)
        seen.add(code)
        found.count("rows")
        facts = Facts(**{name: row[name] for name in Facts.__dataclass_fields__})
        for value in values_of(facts):
            cell = cells.setdefault((value.measure, value.kind), Cell())
            cell.add(value.value, value.price, value.base)
        for what in _wrong(row, facts, log, fixed, results):
            found.fault(what, ROWS, line, code)

    _each(ROWS, files, found, check)
    told: dict[tuple[str, str], list[Any]] = {}

    def total(line: int, row: Row) -> None:
        key = row["measure"], row["kind"]
        told[key] = [line, row["n"], row["price"], row["base"], row["quartiles"]]
        cell = cells.get(key, Cell())
        found.count("totals")
        if told[key][1:] != [cell.n, cell.price, cell.base, list(cell.quartiles() or (0, 0, 0))]:
            found.fault("total", TOTALS, line, "/".join(key))

    _each(TOTALS, files, found, total)
    for key in sorted(set(cells) - set(told)):
        found.fault("absent", TOTALS, None, "/".join(key))


def _wrong(row: Row, facts: Facts, log: Log, fixed: Mapping[str, Row], results: Mapping[str, Row]) -> list[str]:
    """What is wrong with a row of figures."""
    wrong = [f"cut.{measure}" for measure in (*FEES, "days") if row[f"cut_{measure}"] != facts.cut_of(measure)]
    known = fixed[row["job"]] or {}
    if plausible(known.get("fee")) != facts.baseline or (facts.baseline and known["kind"] != facts.kind):
        wrong.append("row.baseline")
    auction = f"{row['job']}-{row['rounds']}"
    if facts.awarded is not None:
        stood = log.told("auction", auction, "award.stands")
        if facts.awarded not in [told.get("amount") for told in stood]:
            wrong.append("row.awarded")
    counted = (results[auction].get("competitors") or {}) if auction in results else {}
    if not facts.failed and counted and counted["valid"] != facts.valid_bids:
        wrong.append("row.bids")
    if facts.contracted is not None:
        named = log.told("contract", row["contract"])
        if facts.contracted not in [told.get("amount") for told in named]:
            wrong.append("row.contracted")
    return wrong


def credit(files: Files, found: Verdict) -> None:
    """Each firm's score from its dated facts and the weights."""

    def check(line: int, row: Row) -> None:
        found.count("scores")
        for step, holds in recompute(row):
            if not holds:
                found.fault("credit", CREDIT, line, f"{row['firm']} {step}")

    _each(CREDIT, files, found, check)
