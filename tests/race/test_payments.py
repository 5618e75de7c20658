"""Six hundred payments over both providers, with duplicates, reorderings, drops and killed processes.

The long form with 10,000 is benchmarks/payments.py.
"""

import pytest

from tests.race.payments import great_run

pytestmark = pytest.mark.race


def test_none_is_lost_and_none_is_doubled_and_the_ledger_is_zero(postgres_city: str) -> None:
    told = great_run(postgres_city, 600, kills=4)

    assert told.kills >= 2 and told.dropped > 10 and told.doubled > 20
    assert told.filled == told.dropped + told.refunds
