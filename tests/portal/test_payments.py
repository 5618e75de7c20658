"""Paying by transfer as owner and firm see it: the page of a payment, statements, differences, accounts, invoices."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from market.db import Database
from market.payments import transfer
from market.payments.models import Invoice, Payment, PaymentAccount, StatementLine
from market.payments.rules import shown
from market.payments.service import settle
from tests.makers import T0, make_org, make_person
from tests.makers_admission import PDF
from tests.makers_payments import Deal, make_deal, make_payment, the_payment, user_of
from tests.portal.conftest import SignIn

NUMBER = "1202 0221 0990 0001234"
HEAD = "交易日期,贷方发生额,对方户名,摘要\n"


@pytest.fixture
def deal(db: Database) -> Deal:
    """A contract of 10,000 and 5,000 yuan, both due."""
    with db.write() as s:
        made = make_deal(s, 1_000_000, 500_000)
        make_payment(s, made, 1)
        make_payment(s, made, 2)
    return made


def payment(db: Database, deal: Deal, no: int = 1) -> Payment:
    with db.read() as s:
        found = select(Payment).where(Payment.contract_code == deal.code, Payment.milestone_no == no)
        return s.scalars(found).one()


def record_account(client: FlaskClient, deal: Deal, **but: str) -> Any:
    form = {"holder": deal.firm.org.name, "bank": "中国工商银行澄浦支行", "number": NUMBER}
    return client.post("/my/accounts", data={**form, **but})


def upload(client: FlaskClient, data: bytes, act: str = "check", name: str = "六月.csv") -> Any:
    sent = {"act": act, "file": (io.BytesIO(data), name)}
    return client.post("/my/statements", data=sent, content_type="multipart/form-data")


def path(deal: Deal, no: int = 1, more: str = "") -> str:
    return f"/contracts/{deal.code}/pay/{no}{more}"


# ── the page of a payment ───────────────────────────────────────────────────────────────────────────────────────


def test_the_owner_sees_whom_to_pay_how_much_in_words_and_with_what_reference(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    sign_in(client, deal.firm.person)
    record_account(client, deal)
    sign_in(client, deal.owner.person)

    page = client.get(path(deal)).get_data(as_text=True)

    for words in ("¥10,000.00", "人民币壹万元整", deal.firm.org.name, "1202022109900001234"):
        assert words in page
    assert shown(payment(db, deal).reference) in page
    assert "里程碑状态不变" in page


def test_the_account_number_is_shown_to_the_paying_owner_alone(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    with db.write() as s:
        office = make_person(s, make_org(s, is_owner=False), office="regulator")
        bill = payment(db, deal)
    sign_in(client, deal.firm.person)
    record_account(client, deal)
    for page in ("/my/accounts", path(deal)):
        text = client.get(page).get_data(as_text=True)
        assert "1202022109900001234" not in text
        assert "1234" in text
    sign_in(client, office)
    assert "1202022109900001234" not in client.get(path(deal)).get_data(as_text=True)
    with db.write() as s:
        settle(s, bill.id, "transfer", "x", 1_000_000, T0.date(), "reference", "", T0)
        stored = s.scalars(select(PaymentAccount.secret)).one()
    assert b"1202022109900001234" not in stored
    sign_in(client, deal.owner.person)
    assert "1202022109900001234" not in client.get(path(deal)).get_data(as_text=True)


def test_a_payment_of_others_does_not_exist(client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal) -> None:
    with db.write() as s:
        other = make_deal(s)
    for person in (other.owner.person, other.firm.person):
        sign_in(client, person)
        for more in ("", "/returned"):
            assert client.get(path(deal, more=more)).status_code in (403, 404)
        for page in ("ledger", "invoices"):
            assert client.get(f"/contracts/{deal.code}/{page}").status_code == 404
    assert client.get(path(deal, 9)).status_code == 404


def test_without_a_key_stripe_is_not_offered(client: FlaskClient, sign_in: SignIn, deal: Deal) -> None:
    sign_in(client, deal.owner.person)

    assert "Stripe" not in client.get(path(deal)).get_data(as_text=True)


def test_a_stranger_is_asked_to_sign_in(client: FlaskClient, deal: Deal) -> None:
    assert client.get(path(deal)).status_code in (302, 303)


@pytest.mark.parametrize("page", ["", "/ledger", "/invoices"])
def test_the_pages_read_english(client: FlaskClient, sign_in: SignIn, deal: Deal, page: str) -> None:
    sign_in(client, deal.owner.person)
    text = client.get(f"/en/contracts/{deal.code}{page or '/pay/1'}").get_data(as_text=True)

    main = re.sub(r"<[^>]+>", "", text.split("<main")[1].split("</main>")[0])
    assert set(re.findall(r"[\u4e00-\u9fff]+", main)) <= {"澄浦测试", "有限公司", "人民币壹万元整"} | set(
        re.findall(r"[\u4e00-\u9fff]+", deal.owner.org.name + deal.firm.org.name)
    )


# ── the account ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("but", "field"), [({"number": "12"}, "账号"), ({"holder": "别的公司"}, "户名")])
def test_an_account_that_is_not_the_firms_own_is_refused(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal, but: dict[str, str], field: str
) -> None:
    sign_in(client, deal.firm.person)
    answer = record_account(client, deal, **but)

    assert answer.status_code == 422
    assert field in answer.get_data(as_text=True)
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(PaymentAccount)) == 0


def test_owners_hear_of_a_changed_account_and_the_old_one_is_off(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    sign_in(client, deal.firm.person)
    record_account(client, deal)
    record_account(client, deal)
    record_account(client, deal, number="6222 0000 1111 9876")
    with db.read() as s:
        rows = s.scalars(select(PaymentAccount).order_by(PaymentAccount.id)).all()
    assert [(r.tail, r.removed_at is None) for r in rows] == [("1234", False), ("9876", True)]
    sign_in(client, deal.owner.person)
    assert "收款账户已变更" in client.get("/notifications").get_data(as_text=True)

    sign_in(client, deal.firm.person)
    assert client.post(f"/my/accounts/{rows[1].id}/remove").status_code == 303
    assert client.post(f"/my/accounts/{rows[1].id}/remove").status_code == 404


# ── statements ──────────────────────────────────────────────────────────────────────────────────────────────────


def carried(page: str) -> dict[str, str]:
    found = re.search(r'name="carried" value="([^"]+)"><input type="hidden" name="name" value="([^"]+)"', page)
    assert found is not None
    return {"carried": found[1], "name": found[2], "act": "load"}


def test_a_statement_in_gbk_is_looked_at_and_then_loaded(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    one, two = payment(db, deal), payment(db, deal, 2)
    data = HEAD + f'20260601,"10,000.00",某某,付 {shown(one.reference)}\n20260601,"4,000.00",某某,{two.reference}\n'
    sign_in(client, deal.firm.person)

    looked = upload(client, data.encode("gb18030"))
    page = looked.get_data(as_text=True)
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(StatementLine)) == 0
    assert looked.status_code == 200
    assert "¥14,000.00" in page and "gb18030" in page

    assert client.post("/my/statements", data=carried(page)).status_code == 303
    assert (payment(db, deal).state, payment(db, deal, 2).state) == ("paid", "partly")
    sign_in(client, deal.owner.person)
    assert "已付清" in client.get(path(deal)).get_data(as_text=True)

    sign_in(client, deal.firm.person)
    again = upload(client, data.encode("gb18030"))
    assert "载入过" in again.get_data(as_text=True)
    assert client.post("/my/statements", data=carried(page)).status_code == 409


def test_a_statement_with_a_bad_line_names_it_and_cannot_be_loaded(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    data = (HEAD + "20260601,1.00,甲,x\n20260601,很多,甲,x\n").encode()
    sign_in(client, deal.firm.person)

    looked = upload(client, data)
    assert looked.status_code == 422
    assert "金额读不出来：很多" in looked.get_data(as_text=True)
    assert upload(client, data, "load").status_code == 422
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(StatementLine)) == 0


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x01", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", b"a,b\n1,2\n", b"1" * (2 * 2**20 + 10)]
)
def test_a_file_that_is_no_statement_is_refused_in_words(
    client: FlaskClient, sign_in: SignIn, deal: Deal, data: bytes
) -> None:
    sign_in(client, deal.firm.person)
    answer = upload(client, data)

    assert answer.status_code == 422
    assert "读不出来" in answer.get_data(as_text=True)


def test_nothing_chosen_and_a_forged_carry_are_refused(client: FlaskClient, sign_in: SignIn, deal: Deal) -> None:
    sign_in(client, deal.firm.person)

    assert client.post("/my/statements", data={"act": "check"}).status_code == 422
    assert client.post("/my/statements", data={"act": "load", "carried": "%%%"}).status_code == 422


# ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────


def differing(db: Database, deal: Deal) -> dict[str, int]:
    """A near line and an unmatched one: state → number."""
    data = HEAD + f'20260601,"10,000.00",{deal.owner.org.name},工程款\n20260601,7.00,路人,捐款\n'
    with db.write() as s:
        transfer.load(s, deal.firm.org.id, "六月.csv", data.encode(), user_of(s, deal.firm), T0)
        return {row.state: row.id for row in s.scalars(select(StatementLine))}


def test_a_near_line_is_booked_by_a_nod(client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal) -> None:
    lines = differing(db, deal)
    sign_in(client, deal.firm.person)
    page = client.get("/my/statements/differences").get_data(as_text=True)
    assert f"/my/statements/lines/{lines['near']}" in page
    assert "看起来是" in client.get(f"/my/statements/lines/{lines['near']}").get_data(as_text=True)

    assert client.post(f"/my/statements/lines/{lines['near']}", data={"act": "yes"}).status_code == 303
    assert client.post(f"/my/statements/lines/{lines['near']}", data={"act": "yes"}).status_code == 409
    assert payment(db, deal).state == "paid"


def test_an_unmatched_line_is_assigned_or_set_aside_with_a_reason(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    lines = differing(db, deal)
    url = f"/my/statements/lines/{lines['unmatched']}"
    sign_in(client, deal.firm.person)

    assert client.post(url, data={"act": "ignore", "reason": ""}).status_code == 422
    assert client.post(url, data={"act": "assign", "payment": "999999"}).status_code == 422
    assert client.post(url, data={"act": "what"}).status_code == 400
    assert client.post(url, data={"act": "ignore", "reason": "利息"}).status_code == 303
    assert "利息" in client.get("/my/statements/differences?state=ignored").get_data(as_text=True)
    two = payment(db, deal, 2)
    assert client.post(url, data={"act": "assign", "payment": str(two.id)}).status_code == 303
    assert payment(db, deal, 2).settled == 700


def test_lines_of_others_do_not_exist(client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal) -> None:
    lines = differing(db, deal)
    with db.write() as s:
        other = make_deal(s)
    sign_in(client, other.firm.person)

    assert client.get(f"/my/statements/lines/{lines['near']}").status_code == 404
    assert client.post(f"/my/statements/lines/{lines['near']}", data={"act": "yes"}).status_code == 404


def test_an_excess_is_shown_and_given_back(client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal) -> None:
    with db.write() as s:
        settle(s, payment(db, deal).id, "transfer", "x", 1_200_000, T0.date(), "reference", "", T0)
    sign_in(client, deal.owner.person)
    assert "多付 ¥2,000.00，应由机构退还业主" in client.get(path(deal)).get_data(as_text=True)
    sign_in(client, deal.firm.person)
    form = {"fen": "2000.01", "value_on": "2026-06-01", "bank_id": "B1"}
    assert client.post(path(deal, more="/returned"), data=form).status_code == 409
    assert client.post(path(deal, more="/returned"), data=form | {"fen": "2000"}).status_code == 303
    assert payment(db, deal).state == "paid"
    assert client.get("/my/statements/differences?state=over").status_code == 200


# ── my work, ledger, invoices ───────────────────────────────────────────────────────────────────────────────────


def test_my_work_tells_what_to_pay_and_what_to_clear(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    differing(db, deal)
    sign_in(client, deal.owner.person)
    assert "付款 ¥10,000.00" in client.get("/my").get_data(as_text=True)
    sign_in(client, deal.firm.person)
    page = client.get("/my").get_data(as_text=True)
    assert "处理对账差异" in page and "登记收款账户" in page


def test_the_ledger_of_a_contract_sums_to_zero_on_its_page(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    with db.write() as s:
        settle(s, payment(db, deal).id, "transfer", "x", 1_200_000, T0.date(), "reference", "", T0)
    sign_in(client, deal.owner.person)
    page = client.get(f"/contracts/{deal.code}/ledger").get_data(as_text=True)

    assert "<strong>¥0.00</strong>" in page
    assert "多付（机构欠业主）" in page and "−¥2,000.00" in page


def test_offices_see_whether_the_whole_ledger_holds(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal
) -> None:
    with db.write() as s:
        office = make_person(s, make_org(s, is_owner=False), office="regulator")
    sign_in(client, office)
    assert "✓ 全部科目之和为零" in client.get("/operator/ledger").get_data(as_text=True)
    with db.write() as s:
        the_payment(s, payment(db, deal).id).settled = 1
    page = client.get("/operator/ledger").get_data(as_text=True)
    assert "不一致" in page and f"{deal.code}-1" in page
    sign_in(client, deal.firm.person)
    assert client.get("/operator/ledger").status_code == 403


INVOICE = {
    "kind": "electronic", "code": "", "number": "26332000000012345678", "issued_on": "2026-06-01", "fen": "10000",
    "tax": "566.04", "payment": "",
}  # fmt: skip


def test_an_invoice_is_recorded_once_with_its_file_for_both(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal, tmp_path: Path
) -> None:
    sign_in(client, deal.firm.person)
    sent = {**INVOICE, "payment": str(payment(db, deal).id), "file": (io.BytesIO(PDF), "发票.pdf")}
    url = f"/contracts/{deal.code}/invoices/new"
    assert client.post(url, data=sent, content_type="multipart/form-data").status_code == 303
    assert client.post(url, data=INVOICE).status_code == 409
    with db.read() as s:
        made = s.scalars(select(Invoice)).one()
    sign_in(client, deal.owner.person)
    page = client.get(f"/contracts/{deal.code}/invoices").get_data(as_text=True)
    assert "26332000000012345678" in page and "¥566.04" in page
    got = client.get(f"/contracts/{deal.code}/invoices/{made.id}/file")
    assert (got.data, got.headers["X-Content-Type-Options"]) == (PDF, "nosniff")
    assert client.get(f"/contracts/{deal.code}/invoices/{made.id + 1}/file").status_code == 404


@pytest.mark.parametrize(
    "but",
    [
        {"number": "123"}, {"code": "123"}, {"kind": "special"}, {"tax": "10000"}, {"issued_on": "2027-01-01"},
        {"kind": "paper"}, {"fen": "-1"}, {"payment": "999999"},
    ],
)  # fmt: skip
def test_an_unfit_invoice_is_refused(
    client: FlaskClient, sign_in: SignIn, db: Database, deal: Deal, but: dict[str, str]
) -> None:
    sign_in(client, deal.firm.person)

    assert client.post(f"/contracts/{deal.code}/invoices/new", data=INVOICE | but).status_code == 422
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(Invoice)) == 0


def test_the_owner_records_no_invoice(client: FlaskClient, sign_in: SignIn, deal: Deal) -> None:
    sign_in(client, deal.owner.person)

    assert client.post(f"/contracts/{deal.code}/invoices/new", data=INVOICE).status_code == 403
