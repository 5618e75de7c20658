"""The order in which an owner sees the firms that match (快速配对): a pure function of public facts of each firm.

Four parts, each 0 to 10,000 (hundredths of 100 points): credit, share of deliveries on time, experience in the
category, free capacity. Firms without history get a prior instead of zero. Where a firm sits and what it charges are
no facts here, so they cannot count. Ties are broken by a hash of job and firm, so that nobody is always first.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WHOLE = 10_000
"""100 points in hundredths."""
PARTS = ("credit", "on_time", "experience", "capacity")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the parts (percent, together 100), and the priors.

    A firm begins with `prior_contracts` contracts of which `prior_points` / 10,000 were on time, and with
    `experience_start` contracts of the `experience_full` that give all points. Contracts of `months` months count.
    """

    credit: int
    on_time: int
    experience: int
    capacity: int
    prior_points: int
    prior_contracts: int
    experience_start: int
    experience_full: int
    months: int

    def __post_init__(self) -> None:
        shares = [getattr(self, part) for part in PARTS]
        if min(shares) < 0 or sum(shares) != 100:
            raise ValueError("the weights of the parts are shares of 100")
        if not (0 <= self.prior_points <= WHOLE and self.prior_contracts > 0 and self.months > 0):
            raise ValueError("a prior is a share of at least one contract")
        if not 0 <= self.experience_start <= self.experience_full or self.experience_full < 1:
            raise ValueError("experience begins at or below its full measure")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What counts of one firm. `credit` in hundredths; `scored`: whether it may be shown; the rest are counts."""

    org_id: int
    uscc: str
    credit: int
    scored: bool
    finished: int  # contracts accepted within the months
    on_time: int  # those delivered within the agreed working days
    in_category: int  # those in the job's category
    people: int  # practitioners
    under_way: int  # contracts opened and not accepted


@dataclass(frozen=True, slots=True)
class Ranked:
    """A firm in its place: points of each part (hundredths) and their weighted sum, in hundredths of 100 points."""

    place: int
    firm: Candidate
    points: Mapping[str, int]
    total: int


def points_of(firm: Candidate, w: Weights) -> dict[str, int]:
    """The points of each part, rounded down."""
    on_time = firm.on_time * WHOLE + w.prior_contracts * w.prior_points
    known = min(firm.in_category + w.experience_start, w.experience_full)
    people = max(firm.people, 1)
    return {
        "credit": firm.credit,
        "on_time": on_time // (firm.finished + w.prior_contracts),
        "experience": known * WHOLE // w.experience_full,
        "capacity": people * WHOLE // (people + firm.under_way),
    }


def total_of(points: Mapping[str, int], w: Weights) -> int:
    """The weighted sum, rounded down."""
    return sum(int(getattr(w, part)) * points[part] for part in PARTS) // 100


def rank(job_code: str, firms: Iterable[Candidate], w: Weights) -> list[Ranked]:
    """The firms in their order, whatever order they come in."""
    scored = [(firm, points_of(firm, w)) for firm in firms]
    rows = [(total_of(points, w), firm, points) for firm, points in scored]
    rows.sort(key=lambda row: (-row[0], _lot(job_code, row[1].uscc)))
    return [Ranked(n, firm, points, total) for n, (total, firm, points) in enumerate(rows, 1)]


def _lot(job_code: str, uscc: str) -> str:
    return hashlib.sha256(f"{job_code}\n{uscc}".encode()).hexdigest()
