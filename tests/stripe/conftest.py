"""A recorder in place of Stripe, and our client of it."""

from collections.abc import Iterator

import pytest

from market.db import Database
from market.payments.stripe import StripeProvider
from tests.stripe.paying import Paying, paying
from tests.stripe.recorder import Recorder, recorder


@pytest.fixture
def stripe() -> Iterator[Recorder]:
    """What stands in for Stripe here, and keeps what it was asked."""
    with recorder() as made:
        yield made


@pytest.fixture
def provider(stripe: Recorder) -> StripeProvider:
    """Our client, pointed at the recorder."""
    return StripeProvider("sk_test_of_no_worth", stripe.url)


@pytest.fixture
def deal(db: Database) -> Paying:
    """A payment of 10,000 yuan that its firm may be paid by Stripe, and the people of both sides."""
    return paying(db)
