"""The audit page with its proof, the public log, a range recomputed, the receipt's place, and the command."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from bidding.auctions.models import Auction
from market.audit import queries as audit
from market.audit.checkpoints import seal
from market.audit.models import AuditEntry, AuditLeaf, AuditTile
from market.audit.rules import Deed
from market.clock import FixedClock
from market.identity.queries import log_signer
from portal import composition
from portal.cli import main
from portal.scheduler import sequence
from portal.web import City
from portal.words import actor_words, deed_words
from tests.inventory.test_catalogue import CJK, HALF
from tests.portal.conftest import SignIn
from tests.portal.staging import Staged, staged


@pytest.fixture
def stage(city: City, clock: FixedClock, client: FlaskClient, sign_in: SignIn) -> Staged:
    """An open auction with two bids in a sealed log, read by the regulator."""
    made = staged(city)
    clock.advance(timedelta(hours=1))
    made.numbers = made.bids(8_500_000, 9_000_000)  # type: ignore[attr-defined]
    sequence(city)
    sign_in(client, made.office["regulator"])
    return made


def place_of(city: City, deed: str) -> int:
    with city.db.read() as s:
        return int(
            s.scalars(
                select(AuditLeaf.seq).join(AuditEntry, AuditEntry.id == AuditLeaf.entry).where(AuditEntry.deed == deed)
            ).first()
            or 0
        )


def tamper(city: City, seq: int, **values: Any) -> None:
    with city.db.write() as s:
        entry = s.scalars(select(AuditLeaf.entry).where(AuditLeaf.seq == seq)).one()
        s.execute(update(AuditEntry).where(AuditEntry.id == entry).values(**values))


@pytest.mark.parametrize("deed", list(Deed))
def test_every_deed_has_words_in_both_languages(deed: Deed) -> None:
    zh, en = deed_words(deed, "zh"), deed_words(deed, "en")

    assert zh != deed != en and len(zh) >= 4 and HALF.search(zh) is None
    assert not any("\u3400" <= c <= "\u9fff" for c in en) and en[0].isupper() and CJK


def test_words_of_actors_and_of_deeds_of_later_versions() -> None:
    assert [actor_words(a, "zh") for a in ("person:7", "bidder:ab", "robot:1")] == ["人员 7", "报价机构 ab", "robot:1"]
    assert "by rule" in actor_words("system", "en") and deed_words("moon.landed", "en") == "moon.landed"


@pytest.mark.parametrize("path", ["/audit/{}", "/log/{}", "/en/log/{}"])
def test_a_record_shows_its_way_to_the_signed_root(client: FlaskClient, stage: Staged, city: City, path: str) -> None:
    seq = place_of(city, "auction.opened")
    sequence(city)
    page = client.get(path.format(seq)).text

    en = path.startswith("/en")
    assert ("✓ In the log" if en else "✓ 在日志里") in page and ("✗" not in page)
    assert ("Bidding opened" if en else "竞价开始") in page
    assert ("✓ valid (Ed25519)" if en else "✓ 有效（Ed25519）") in page
    with city.db.read() as s:
        assert audit.one(s, city.clock.now(), seq).leaf in page  # type: ignore[union-attr]


def test_two_checkpoints_are_shown_consistent(client: FlaskClient, stage: Staged, city: City) -> None:
    stage.bids(8_600_000)
    with city.db.write() as s:
        from market.audit.sequencer import place

        place(s, 2)
    with city.db.write() as s:
        seal(s, city.clock.now(), log_signer(s))
    assert "没有删改" in client.get("/log/0").text


def test_until_the_deadline_a_bid_is_opaque_in_public_and_proved_all_the_same(
    client: FlaskClient, stage: Staged, city: City
) -> None:
    seq = place_of(city, "bid.sealed")
    for path in (f"/audit/{seq}", f"/log/{seq}"):
        page = client.get(path).text
        assert (
            "不公开的记录" in page
            and "✓ 在日志里" in page
            and "bid.sealed" not in page
            and "收到一份密封报价" not in page
        )
    before = client.get(f"/log/{seq}.json").get_json()
    assert before["data"] is None and set(before) == {"seq", "leaf", "data", "size", "proof", "checkpoint", "key"}
    assert f"/log/{seq}" not in client.get("/log").text
    stage.close()
    after = client.get(f"/log/{seq}.json").get_json()
    assert '"deed":"bid.sealed"' in after["data"] and after["blinded"]["envelope"]["salt"]
    assert "收到一份密封报价" in client.get(f"/log/{seq}").text


def test_names_are_for_the_offices_only(client: FlaskClient, stage: Staged, city: City, sign_in: SignIn) -> None:
    person = stage.owner.person
    from market.audit.service import record

    with city.db.write() as s:
        record(s, Deed.PERSON_ADDED, city.clock.now(), f"person:{person.id}", subject="org:1", person=1)
    sequence(city)
    seq = place_of(city, "person.added")
    assert person.name in client.get(f"/audit/{seq}").text
    public = client.get(f"/log/{seq}").text
    assert person.name not in public and f"人员 {person.id}" in public


def test_a_changed_row_gets_a_red_banner_that_names_it(client: FlaskClient, stage: Staged, city: City) -> None:
    seq = place_of(city, "auction.opened")
    tamper(city, seq, actor="person:99")
    for path in (f"/audit/{seq}", f"/log/{seq}"):
        page = client.get(path).text
        assert "✗ 验算没有通过" in page and f"第 {seq} 条的记录被改过" in page and "auction.opened" in page
    assert "✓ 在日志里" in client.get(f"/audit/{seq + 1}").text


def test_a_changed_hash_of_the_tree_names_the_first_bad_place(client: FlaskClient, stage: Staged, city: City) -> None:
    seq = place_of(city, "auction.opened")
    with city.db.write() as s:
        tile = s.scalars(select(AuditTile).where(AuditTile.level == 0)).one()
        tile.hashes = tile.hashes[: 32 * seq] + bytes(32) + tile.hashes[32 * seq + 32 :]
    page = client.get(f"/log/{seq + 1}").text
    assert f"树里第 {seq} 条的哈希被改过" in page


def test_a_tile_that_is_cut_is_said_not_crashed(client: FlaskClient, stage: Staged, city: City) -> None:
    with city.db.write() as s:
        s.execute(update(AuditTile).values(hashes=bytes(32)))
    assert "✗ 验算没有通过" in client.get("/log/1").text


def test_a_range_is_recomputed_and_faults_are_listed(client: FlaskClient, stage: Staged, city: City) -> None:
    assert "✓ 全部一致" in client.get("/audit/check?first=0&last=100").text
    seq = place_of(city, "auction.opened")
    tamper(city, seq, facts={"x": 1})
    page = client.get("/audit/check?first=0&last=100").text
    assert "✗ 有 1 处不一致" in page and f"第 {seq} 条的记录被改过" in page and f'href="/audit/{seq}"' in page


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?first=5&last=4", 422), ("?first=0&last=5000", 422), ("?first=x&last=1", 422), ("?first=&last=", 422),
     ("?first=99999&last=99999", 404), ("?first=0&last=" + "9" * 40, 422), ("?first=０&last=３", 200)],
)  # fmt: skip
def test_a_range_that_is_none_is_answered_clearly(client: FlaskClient, stage: Staged, query: str, status: int) -> None:
    assert client.get(f"/audit/check{query}").status_code == status


@pytest.mark.parametrize("path", ["/log/99999999", "/log?before=x", "/log?before=-1", "/log/99999999.json", "/log/x"])
def test_what_is_no_place_is_not_found(client: FlaskClient, stage: Staged, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_public_log_lists_what_is_told_with_the_checkpoint(site: Any, stage: Staged, city: City) -> None:
    page = site.test_client().get("/log").text
    with city.db.read() as s:
        signer = log_signer(s)
    assert "竞价开始" in page and signer.origin in page and "最新检查点" in page


def test_from_the_deadline_a_receipt_leads_to_its_place(
    client: FlaskClient, stage: Staged, city: City, sign_in: SignIn
) -> None:
    number = stage.numbers[0]  # type: ignore[attr-defined]
    sign_in(client, stage.firms[0].person)
    assert "截标后几秒可以核对" in client.get(f"/bids/{number}").text
    stage.close()
    with city.db.read() as s:
        assert city.clock.now() >= s.get_one(Auction, stage.auction).closes_at
    seq = client.get(f"/bids/{number}.json").get_json()["seq"]
    assert f'href="/log/{seq}"' in client.get(f"/bids/{number}").text
    assert "收到一份密封报价" in client.get(f"/log/{seq}").text


def test_the_command_checks_the_whole_log(stage: Staged, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "open_city", lambda *_, **__: city)
    good = CliRunner().invoke(main, ["log", "check"])
    assert good.exit_code == 0 and "holds:" in good.output

    seq = place_of(city, "auction.opened")
    tamper(city, seq, actor="person:99")
    bad = CliRunner().invoke(main, ["log", "check"])
    assert (
        bad.exit_code == 1 and f"The record at place {seq} was changed" in bad.output and "auction.opened" in bad.output
    )


def test_the_log_before_its_first_checkpoint(site: Any, city: City) -> None:
    browser = site.test_client()
    assert "还没有检查点" in browser.get("/log").text
    staged(city).log()
    assert "几秒后可以核对" in browser.get("/log/0").text
    with city.db.read() as s:
        assert s.execute(text("SELECT count(*) FROM audit_checkpoint")).scalar_one() == 0
