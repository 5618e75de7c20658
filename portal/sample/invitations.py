"""How invited firms answer in the sample: who will bid accepts, of the others some decline with a reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.sample.jobs import Job
from portal.sample.luck import SEED, luck

DECLINES = (
    ("busy", "近期在手项目已满，无法按期投入。"),
    ("outside", "本项目内容不在本公司主要业务范围。"),
    ("price", "最高限价低于成本测算。"),
)
ACCEPTS, REFUSES = 0.9, 0.6
"""Shares of bidders that accept and of others that decline; the rest do not answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer after a share of the bidding time. `reason` empty: it accepts."""

    firm: int
    when: float
    reason: str
    note: str


def answers(job: Job) -> Iterator[Answer]:
    """The answers of a job, the same for the same job."""
    rng = luck(SEED, f"invited:{job.title}")
    bidders = {offer.firm for offer in job.rounds[0]} if job.rounds else set()
    for firm in job.invited:
        draw, when, (reason, note) = rng.random(), rng.uniform(0.05, 0.5), rng.choice(DECLINES)
        if firm in bidders and draw < ACCEPTS:
            yield Answer(firm, when, "", "")
        elif firm not in bidders and draw < REFUSES:
            yield Answer(firm, when, reason, note)
