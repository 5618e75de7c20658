"""The payments of a contract by the API: for its parties and the offices, and nobody else."""

from pathlib import Path

from market.clock import FixedClock
from market.db import Database
from market.payments.service import settle
from portal.app import create_app
from tests.makers import T0, Party, make_org, make_person
from tests.makers_payments import make_deal, make_payment
from tests.portal.api.conftest import Program, city_of, token_of


def test_parties_and_offices_read_what_is_owed_and_others_find_nothing(
    db: Database, clock: FixedClock, tmp_path: Path
) -> None:
    with db.write() as s:
        deal, other = make_deal(s, 1_000_000, 500_000), make_deal(s)
        due = make_payment(s, deal)
        settle(s, due.id, "transfer", "x", 1_200_000, T0.date(), "reference", "", T0)
        org = make_org(s, is_owner=False)
        office = Party(org, make_person(s, org, office="regulator"))
    app = create_app(city_of(db, clock, tmp_path), b"a secret of the tests only" * 2)
    path = f"/contracts/{deal.code}/payments"

    def asked(party: Party | None) -> Program:
        return Program(app.test_client(), token_of(db, party) if party else None)

    for party in (deal.owner, deal.firm, office):
        found = asked(party).get(path).get_json()
        assert [(p["milestone"], p["state"], p["settled"], p["excess"]) for p in found["payments"]] == [
            (1, "over", 1_200_000, 200_000)
        ]
        assert found["payments"][0]["reference"] == due.reference
        assert sum(b["fen"] for b in found["balances"]) == 0
    assert asked(other.owner).get(path).status_code == 404
    assert asked(deal.owner).get("/contracts/HT-2020-99999/payments").status_code == 404
    assert asked(None).get(path).status_code == 401
