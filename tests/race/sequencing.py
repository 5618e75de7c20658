"""A sequencer in a process of its own that does nothing else and never rests: `python -m tests.race.sequencing`.

It works like the scheduler's, in small batches, so that a kill finds it between and within transactions.
"""

import os

from market import settings
from market.audit import sequencer
from market.audit.checkpoints import seal, unsealed
from market.clock import SystemClock
from market.db import open as open_database
from market.identity.queries import log_signer

sequencer.BATCH = 40


def main() -> None:
    """Place and sign until killed."""
    db, clock = open_database(settings.read(os.environ)), SystemClock()
    while True:
        with db.write() as s:
            sequencer.place(s)
        with db.read() as s:
            due, signer = unsealed(s), log_signer(s)
        if due:
            with db.write() as s:
                seal(s, clock.now(), signer)


if __name__ == "__main__":
    main()
