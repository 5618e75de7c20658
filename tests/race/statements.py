"""Loads every statement of a folder, one after the other, as a process that may be killed at any moment.

Usage: python -m tests.race.statements FOLDER. A file is named FIRM-PERSON-….csv; what was loaded before is passed over.
"""

import os
import sys
from pathlib import Path

import market.contracts.models  # noqa: F401  # payments point at milestones
from market.db import open as open_db
from market.errors import Refused
from market.identity.queries import signed_in
from market.payments.transfer import load
from market.settings import read
from portal.composition import open_city


def main(folder: Path) -> None:
    """Load what is there, in the order of names."""
    city = open_city(read(os.environ))
    db = open_db(city.settings, patient=True)
    for file in sorted(folder.glob("*.csv")):
        firm, person, epoch = (int(n) for n in file.stem.split("-")[1:4])
        try:
            with db.write() as s:
                by = signed_in(s, person, epoch)
                assert by is not None
                load(s, firm, file.name, file.read_bytes(), by, city.clock.now())
        except Refused as no:
            if no.refusals[0].code not in ("statement.known", "statement.nothing_new"):
                raise


if __name__ == "__main__":
    main(Path(sys.argv[1]))
