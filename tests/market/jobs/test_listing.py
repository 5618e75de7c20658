"""The list of jobs: facets count what a click would show, in a constant number of statements."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from market.admission.models import Suspension
from market.db import Database
from market.jobs.entries import sources
from market.jobs.listing import Filters, fit_of, search_jobs, ways_out
from market.jobs.models import Job, Recusal
from market.jobs.queries import job_by_code
from market.search.index import consume, rebuild
from market.search.port import SearchDown
from market.search.whoosh import WhooshSearch
from tests.counting import counted
from tests.makers import T0, Party, closing, make_firm, make_job, make_owner, make_person

OPEN = {"state": "published", "stage": "open", "published_at": T0 - timedelta(days=1)}


def put(s: Session, owner: Party, **but: Any) -> Job:
    return make_job(s, owner, **{**OPEN, **but})


def city(s: Session) -> Party:
    """Five open jobs, one that is over, one cancelled, one in review."""
    owner = make_owner(s)
    put(s, owner, title="白鹭再生水厂环境影响报告表", ceiling_fen=1_900_000, closes_at=T0 + timedelta(hours=5))
    put(s, owner, title="聚醚多元醇环境影响报告书", service="S011", ceiling_fen=2_000_000, closes_at=closing(T0, 2))
    put(s, owner, title="医用敷料厂迁建", district="339902", ceiling_fen=10_000_000, closes_at=closing(T0, 6))
    put(s, owner, title="雨污分流水土保持方案", service="S014", closes_at=closing(T0, 12), funding="fiscal")
    put(s, owner, title="冷链物流园节能报告", service="S009", closes_at=closing(T0, 15), baseline_fen=None)
    put(s, owner, title="上月的环境影响报告表", stage="standing", closes_at=T0 - timedelta(days=20))
    put(s, owner, title="取消的水土保持", service="S014", state="cancelled", stage="cancelled")
    make_job(s, owner, title="还在审核")
    return owner


def titles(rows: Iterable[Any]) -> list[str]:
    return [row.title[:4] for row in rows]


def test_only_open_jobs_by_default_soonest_first(db: Database) -> None:
    with db.write() as s:
        city(s)
        found = search_jobs(s, Filters(), T0)

    assert titles(found.rows) == ["白鹭再生", "聚醚多元", "医用敷料", "雨污分流", "冷链物流"]
    assert found.total == 5 and found.scopes == {"open": 5, "all": 7}
    assert found.facets["category"] == {"01": 3, "02": 1, "03": 1}
    assert found.facets["window"] == {"today": 1, "3": 2, "7": 2}
    assert found.facets["band"] == {"to2": 1, "2to10": 1, "from10": 3}
    assert found.facets["funding"] == {"private": 4, "fiscal": 1}


def test_a_facet_counts_what_a_click_would_show(db: Database) -> None:
    with db.write() as s:
        city(s)
        found = search_jobs(s, Filters(category=("01",), band=("2to10", "from10")), T0)

    assert titles(found.rows) == ["聚醚多元", "医用敷料"]
    assert found.facets["category"] == {"01": 2, "02": 1, "03": 1}
    assert found.facets["band"] == {"to2": 1, "2to10": 1, "from10": 1}


def test_the_bounds_of_a_band_belong_to_the_upper_one(db: Database) -> None:
    with db.write() as s:
        city(s)
        assert titles(search_jobs(s, Filters(band=("to2",)), T0).rows) == ["白鹭再生"]
        assert titles(search_jobs(s, Filters(band=("2to10",)), T0).rows) == ["聚醚多元"]


def test_all_shows_the_running_first_then_the_last_over(db: Database) -> None:
    with db.write() as s:
        city(s)
        found = search_jobs(s, Filters(scope="all"), T0)

    assert found.total == 7 and found.rows[-1].title == "上月的环境影响报告表"
    assert found.facets["stage"] == {"open": 5, "awarded": 1, "cancelled": 1}


def test_a_job_past_its_deadline_is_not_open_even_before_the_scheduler_wakes(db: Database) -> None:
    with db.write() as s:
        city(s)
        assert search_jobs(s, Filters(), T0 + timedelta(hours=5)).total == 4


@pytest.mark.parametrize("sort", ["closing", "published", "ceiling", "district", "nonsense"])
def test_every_order_is_whole_and_pages_do_not_overlap(db: Database, sort: str) -> None:
    with db.write() as s:
        city(s)
        pages = [search_jobs(s, Filters(sort=sort, descending=True), T0, page=n, per_page=2) for n in (1, 2, 3)]

    seen = [row.id for page in pages for row in page.rows]
    assert len(seen) == len(set(seen)) == 5 and pages[0].pages == 3


def test_a_page_too_far_is_the_last_one(db: Database) -> None:
    with db.write() as s:
        city(s)
        assert search_jobs(s, Filters(), T0, page=10**9).page == 1
        assert search_jobs(s, Filters(), T0, page=-3).page == 1


def test_fits_me_is_admitted_qualified_not_recused_not_own(db: Database) -> None:
    with db.write() as s:
        city(s)
        firm, both = make_firm(s, "01"), make_firm(s, "14", "职业卫生技术服务机构资质")
        own = put(s, Party(firm.org, make_person(s, firm.org)), title="自己的项目")
        barred = put(s, make_owner(s), title="回避的项目")
        s.add(Recusal(job_id=barred.id, org_id=firm.org.id, reason="与业主有争议", recorded_at=T0))
        s.flush()
        fit, other = fit_of(s, firm.org.id, T0), fit_of(s, both.org.id, T0)
        assert fit is not None and other is not None and fit.districts == ("339901",)
        found = search_jobs(s, Filters(scope="fit"), T0, fit=fit)
        assert titles(found.rows) == ["白鹭再生", "聚醚多元", "医用敷料"]
        assert found.scopes["fit"] == 3 and found.scopes["open"] == 7
        assert search_jobs(s, Filters(scope="fit"), T0, fit=other).total == 0
        assert own.id not in {r.id for r in found.rows}
        assert fit_of(s, make_owner(s).org.id, T0) is None


def test_a_suspended_firm_fits_nothing(db: Database) -> None:
    with db.write() as s:
        city(s)
        firm = make_firm(s, "01")
        s.add(
            Suspension(
                org_id=firm.org.id, reason="虚假材料", by=firm.person.id, from_at=T0, until_at=T0 + timedelta(days=9)
            )
        )
        s.flush()
        fit = fit_of(s, firm.org.id, T0)
        assert fit is not None and fit.suspended
        assert search_jobs(s, Filters(scope="fit"), T0, fit=fit).total == 0


def test_the_number_of_statements_does_not_grow_with_jobs_or_choices(db: Database) -> None:
    chosen = Filters("all", ("01", "02"), ("339901",), ("open",), ("7",), ("from10",), ("private",), words="环境 影响")
    with db.write() as s:
        owner = city(s)
        with counted(s) as few:
            search_jobs(s, Filters(), T0)
        for _ in range(30):
            put(s, owner)
        with counted(s) as many:
            search_jobs(s, Filters(), T0)
        with counted(s) as complex_:
            search_jobs(s, chosen, T0)
        with counted(s) as out:
            ways_out(s, chosen, T0, [], None)

    assert len(few) == len(many) == len(complex_) == 2
    assert len(out) == 1


def test_an_empty_list_shows_which_condition_to_drop(db: Database) -> None:
    with db.write() as s:
        city(s)
        wanted = Filters(category=("03",), district=("339902",))
        assert search_jobs(s, wanted, T0).total == 0
        found = ways_out(s, wanted, T0, None, None)

    assert [(d.facet, d.value, d.total) for d in found] == [("category", "03", 1), ("district", "339902", 1)]
    assert found[0].filters == Filters(district=("339902",))


def test_without_an_index_the_database_looks_for_each_word(db: Database) -> None:
    with db.write() as s:
        city(s)
        assert titles(search_jobs(s, Filters(words="环境影响 聚醚"), T0).rows) == ["聚醚多元"]
        assert search_jobs(s, Filters(words="100%"), T0).total == 0
        assert search_jobs(s, Filters(words="_"), T0).total == 0
        code = search_jobs(s, Filters(), T0).rows[0].code
        assert search_jobs(s, Filters(words=code.lower()), T0).total == 1
        assert search_jobs(s, Filters(words="环境"), T0, text_ids=[]).total == 0


def test_drafts_and_jobs_in_review_are_seen_by_nobody(db: Database) -> None:
    with db.write() as s:
        city(s)
        hidden = make_job(s, make_owner(s), title="还在审核的另一个")
        assert job_by_code(s, hidden.code or "") is None
        assert "还在审核" not in titles(search_jobs(s, Filters(scope="all"), T0).rows)


def test_the_outbox_brings_the_index_in_step_and_a_rebuild_is_the_same(db: Database, tmp_path: Path) -> None:
    engine = WhooshSearch(tmp_path / "index")
    with db.write() as s:
        city(s)
        firm = make_firm(s, "01")
        ids = {row.title: row.id for row in search_jobs(s, Filters(scope="all"), T0).rows}
        review = make_job(s, make_owner(s), title="还在审核的环境影响")
    made = sources({"339902": "栖澄区"}, datetime.now(UTC))
    rows = [{"kind": "job", "id": id} for id in (*ids.values(), review.id, 10**6)]

    consume(db, engine, [*rows, {"kind": "firm", "id": firm.org.id}], made)

    found = set(engine.find("job", "环境影响"))
    assert review.id not in found and ids["聚醚多元醇环境影响报告书"] in found
    assert engine.find("job", "栖澄区") == [ids["医用敷料厂迁建"]]
    assert ids["医用敷料厂迁建"] in engine.find("job", "环评")
    assert engine.find("firm", "环境影响") == [firm.org.id]

    with db.write() as s:
        s.get_one(Job, ids["医用敷料厂迁建"]).state = "returned"
    consume(db, engine, [{"kind": "job", "id": ids["医用敷料厂迁建"]}], made)
    assert engine.find("job", "栖澄区") == []

    for file in (tmp_path / "index").iterdir():
        file.unlink()
    with pytest.raises(SearchDown):
        engine.find("job", "环境影响")
    assert rebuild(db, engine, made) == len(ids) - 1 + 1
    assert set(engine.find("job", "环境影响")) == found - {ids["医用敷料厂迁建"]}
