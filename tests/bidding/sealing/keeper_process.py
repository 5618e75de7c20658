"""A keeper as `taozhongjie keeper` runs it: settings from the environment, the city's clock with its offset file."""

import logging
import os
import sys

from bidding.sealing.server import CannotKeep, serve
from market.clock import SystemClock
from market.settings import read

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stdout, level=logging.DEBUG, format="%(message)s")
    settings = read(os.environ)
    try:
        serve(settings, SystemClock(settings.clock_file))
    except (CannotKeep, ValueError) as no:
        print(no, flush=True)
        sys.exit(3)
