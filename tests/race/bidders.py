"""What a bidder process of a race does: bid again and again, and write down every answer it got."""

import json
from datetime import datetime
from itertools import cycle
from pathlib import Path

from bidding.auctions.service import AlreadyKept, BidAct, ReadyBid, examine, keep, receipt_key
from market.clock import SystemClock
from market.db import DatabaseDown
from market.errors import Refused
from tests.makers import database
from tests.race.city import pause


def bid_around(
    url: str,
    clock_file: str,
    log: str,
    bids: list[tuple[str, int, int, int]],
    start: datetime,
    key: str = "",
    until: datetime | None = None,
) -> int:
    """Make the bids (job, org, person, lead) in turn from `start` on; the amounts tell them apart.

    All of them once; then, with `until`, again and again until then, so that a fast machine does not end before T.
    `{log}.ready` appears when it waits for `start`. Each answer is a line {job, org, amount, at, number | refused},
    flushed before the next bid. Gives how many got receipts.
    """
    db, clock = database(url, threads=4), SystemClock(Path(clock_file))
    with db.read() as r:
        signing = receipt_key(r)
    kept = 0
    Path(f"{log}.ready").touch()
    while clock.now() < start:
        pause(0.002)
    with Path(log).open("a") as out:
        for i, (job, org, person, lead) in enumerate(cycle(bids)):
            received = clock.now()
            if i >= len(bids) and (until is None or received >= until):
                break
            amount = 5_000_000 + (org * 7919 + i * 104_729) % 4_000_000
            act = BidAct(job, org, person, received, "sealed", amount, 20, lead, f"{key}{i}" if key else None)
            answer: dict[str, object] = {"job": job, "org": org, "amount": amount, "at": received.isoformat()}
            try:
                with db.read() as r:
                    ready = examine(r, act)
                if isinstance(ready, ReadyBid):
                    with db.single() as s:
                        done = keep(s, ready, signing)
                    answer |= {"number": done.number, "version": done.version}
                    kept += 1
            except Refused as no:
                answer["refused"] = no.refusals[0].code
            except (AlreadyKept, DatabaseDown) as error:
                answer["refused"] = type(error).__name__
            out.write(json.dumps(answer) + "\n")
            out.flush()
    db.close()
    return kept
