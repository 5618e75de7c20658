"""The sample city: invented firms and jobs whose history runs through the market's own services (sample_city.md).

`plan` is pure: the same seed and day give the same plan. `history` runs it; keys, salts, receipt numbers, opaque
ids of bidders and tie draws are random as in any city. Every page of such a city says that it is invented.
"""

from portal.sample.days import founded_at, founded_on
from portal.sample.loading import load_sample
from portal.sample.signins import sign_ins

__all__ = ["founded_at", "founded_on", "load_sample", "sign_ins"]
