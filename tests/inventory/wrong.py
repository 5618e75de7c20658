"""Wrong values for every field of every form, and what a right refusal looks like."""

import io
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.inventory import agreements, flags, money, ratings, stripes
from tests.inventory.crawl import Control, FormSeen, matched, read_page, walk
from tests.inventory.whole import ACCOUNT, PASSWORD, STEP2, STEP3, Whole
from tests.makers import uscc
from tests.makers_admission import IDENTITY, PDF

PRICE = "87654.32"
"""A price that must turn up nowhere but in its own form."""
FILL = {
    **STEP2, **STEP3, "closing_day": "2026-06-17", "amount": PRICE, "days": "20", "text": "写明情况与理由。",
    "reason": "写明情况与理由。",
    "note": "备注", "answer": "写明情况与理由。", "question": "现场可以查看吗？",
    "email": "new@example.com",
    "password": PASSWORD, "old": PASSWORD, "new": PASSWORD + "2", "again": PASSWORD + "2", "name": "陆某某",
    "party_name": "澄浦银行", "identifier": ACCOUNT, "uscc": uscc(90001), "until": "2026-07-01", "ceiling": "9万",
    "days_max": "40", "price": "按标准 8 折", "person": "陆某某", "person_name": "陆某某", "number": "Z-100",
    "level": "甲级", "issued_on": "2024-01-01", "expires_on": "2028-12-31", "certificate": "证 900001",
    "founded": "2010-01-04", "staff": "18", "address": "澄浦市望浦区", "phone": "0990-1234567",
    "summary": "写清楚要做什么。",
    "legal_rep": "沈某某", "scale": "5000万", "org_name": "澄浦新机构有限公司",
}  # fmt: skip
CSV = files("market.catalogue").joinpath("data/categories.csv").read_bytes().replace(b"assessment", b"review", 1)
"""A list of categories that differs from the one in force."""
FILES = {"document": ("说明.pdf", PDF + b"%sweep"), "file": ("类别.csv", CSV)}
OWN_FILL = {
    "join.save_rep": {"rep-identifier": IDENTITY, "rep-name": "沈某某"},
    "people.add_tie": {"legal_rep-identifier": IDENTITY, "control-identifier": uscc(90002)},
    "join.add_tie": {"control-identifier": uscc(90002)},
    "account.register": {"name": "澄浦新机构有限公司"},
    "bids.check": {"days": "20"},
    "catalogue.load": {"kind": "categories", "source": "市政务局"},
    "complaints.show": {"upheld": "no"},
    "firms.set_price": {"s-service": "S013"},
    "account.login": {"email": "owner@example.com"},
    "account.password": {"current": PASSWORD, "password": PASSWORD + "2"},
    "jobs.tell": {"firm": uscc(90003)},
    **agreements.OWN_FILL,
    **flags.OWN_FILL,
    **money.OWN_FILL,
    **stripes.BODIES,
    **ratings.OWN_FILL,
}
"""What fits a form where the name of a field is not enough."""
WORDS = {
    "empty": "", "long": "长" * 60_000, "huge number": "9" * 40, "negative": "-1", "infinite": "1e400", "nan": "NaN",
    "hex": "0x10", "decimals": "1.2345", "emoji": "😀😀", "html": "<script>alert('x')</script>&amp;\"",
    "bell": "a\x07b",
    "nul": "a\x00b", "surrogate": "a\ud800b", "bidi": "a\u202eb", "unknown": "999999999", "day zero": "0000-00-00",
    "last day": "9999-12-31", "past": "1900-01-01", "far": "2031-01-02",
}  # fmt: skip
NEVER = ("bell", "nul", "bidi", "long")
"""What no text may be, whatever it is for."""
CHOICES = {k: WORDS[k] for k in ("empty", "negative", "nul", "surrogate", "unknown", "html", "long")}
UPLOADS: dict[str, tuple[str, bytes]] = {
    "empty": ("empty.pdf", b""), "broken": ("broken.png", b"\x89PNG\r\n\x1a\nxx"),
    "renamed": ("program.pdf", b"MZ\x90\x00" + b"\0" * 200),
    "too big": ("big.pdf", PDF + b"0" * (20 * 2**20 + 1)), "no kind": ("paper", PDF),
    "name": ("a\u202e.pdf", PDF + b"%n"),
}  # fmt: skip
SECRET = re.compile("|".join(map(re.escape, (PASSWORD, ACCOUNT, IDENTITY, PRICE, "8765432"))))


class Rows:
    """The rows of the city's SQLite file: whether anything was committed, what, and how to put it back."""

    def __init__(self, file: Path) -> None:
        self._live = sqlite3.connect(file, isolation_level=None)
        self._kept = sqlite3.connect(":memory:")
        self._live.backup(self._kept)
        self._tables = [r[0] for r in self._live.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self._was = {t: self._all(t) for t in self._tables}
        self._version = self._seen()

    def _seen(self) -> int:
        return int(self._live.execute("PRAGMA data_version").fetchone()[0])

    def _all(self, table: str) -> list[Any]:
        return sorted(self._live.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)

    def committed(self) -> bool:
        """Whether anybody else wrote since the last look or return."""
        return self._seen() != self._version

    def changed(self) -> list[str]:
        """The tables that are not as they were, but for counted tries."""
        return [t for t in self._tables if t != "rate_count" and self._all(t) != self._was[t]]

    def new_text(self) -> str:
        """Everything a log or a mail's fault could tell of what was written."""
        audit = self._live.execute("SELECT deed, actor, subject, facts, blinded FROM audit_entry").fetchall()
        return repr(audit) + repr(self._live.execute("SELECT error FROM outbox").fetchall())

    def put_back(self) -> None:
        """Make the file what it was."""
        self._kept.backup(self._live)
        self._version = self._seen()


@dataclass
class Sweep:
    """A city, its rows and what was logged; `walks` finds the forms."""

    whole: Whole
    rows: Rows
    logged: list[str]
    done: set[Any] = field(default_factory=set)
    english: set[Any] = field(default_factory=set)

    def starts(self, who: str | None) -> list[str]:
        """Where to look for forms: one's own pages, and those that only a mail or a form leads to."""
        draft = self.whole.ids["draft"]
        more = {
            None: [f"/{p}/{self.whole.tokens[p]}" for p in ("confirm", "reset", "invite")],
            "owner": [f"/drafts/{draft}/{step}" for step in (1, 2, 3, 4, "check")],
            "applicant": ["/join/5", "/join/check"],
        }
        return ["/", "/my", *more.get(who, [])]

    def forms(self, who: str | None, method: str = "post") -> list[FormSeen]:
        """One of each of a role's forms."""
        client = self.whole.client(who)
        found = walk(self.whole.app, client, self.starts(who))
        forms = [f for f in found.forms.values() if f.method == method]
        for form in [f for f in forms if f.endpoint == "bids.check"]:
            checked = self.send(client, form, fit(form))
            forms += self._more(form, checked)
        return forms

    def _more(self, form: FormSeen, answer: TestResponse) -> list[FormSeen]:
        found = read_page(form.action, answer.get_data(as_text=True)).forms
        for one in found:
            one.endpoint, one.rule = matched(self.whole.app, one.action, "POST")
            one.controls.pop("csrf_token", None)
        return [f for f in found if f.endpoint in ("bids.seal", "bids.edit")]

    def send(
        self, client: FlaskClient, form: FormSeen, data: dict[str, list[str]], files: Any = None, root: str = ""
    ) -> TestResponse:
        """The form as a browser sends it; lone surrogates go as the bytes they would be."""
        if form.files:
            parts: dict[str, Any] = dict(data)
            for name, (label, content) in (files or {}).items():
                parts[name] = (io.BytesIO(content), label)
            return client.post(root + form.action, data=parts, content_type="multipart/form-data")
        pairs = [(n, v) for n, values in data.items() for v in values]
        body = "&".join(f"{quote_plus(n)}={quote_plus(v.encode('utf-8', 'surrogatepass'))}" for n, v in pairs)
        kind = "application/x-www-form-urlencoded"
        return client.post(root + form.action, data=body.encode(), content_type=kind)


def fit(form: FormSeen) -> dict[str, list[str]]:
    """Values that should be taken: what stands in the form, else what fits the field's name."""
    own, data = OWN_FILL.get(form.endpoint, {}), {}
    for c in form.controls.values():
        if c.kind in ("file", "submit", "search"):
            continue
        plain = c.name.rpartition("-")[2]
        if c.name in own:
            data[c.name] = [own[c.name]]
        elif any(c.now):
            data[c.name] = c.now
        elif c.kind in ("radio", "select", "checkbox"):
            data[c.name] = [v for v in c.values if v][:1]
        else:
            data[c.name] = [FILL.get(plain, "")]
    return data


def fitting_files(form: FormSeen) -> dict[str, tuple[str, bytes]]:
    """A file for each file field."""
    return {
        c.name: money.FILES.get(form.endpoint) or FILES.get(c.name.rpartition("-")[2], ("说明.pdf", PDF + b"%sweep"))
        for c in form.controls.values()
        if c.kind == "file"
    }


def kept(form: FormSeen, sent: dict[str, list[str]], html: str) -> list[str]:
    """Fields whose typed text is not back in the form; passwords and key figures of a bid are never shown again."""
    shown = [f for f in read_page(form.page, html).forms if set(f.controls) >= set(form.controls)]
    if not shown:
        return ["the form itself"]
    lost = []
    for name, control in form.controls.items():
        if control.kind not in ("text", "textarea") or name not in sent:
            continue
        now = {v for f in shown for v in f.controls[name].now or [""]}
        if plain(sent[name][0]) not in {plain(v) for v in now}:
            lost.append(name)
    return lost


def plain(text: str) -> str:
    """Text as far as HTML keeps it."""
    shown = text.replace("\ud800", "%ED%A0%80").replace("\x00", "\ufffd")  # Werkzeug leaves broken bytes quoted
    return " ".join(unicodedata.normalize("NFC", shown).split())


def errors(html: str) -> list[str]:
    """The worded errors of a page, at fields, in the summary, in a file's report or as a fault's page."""
    if 'id="report"' in html:
        html = html.replace('data-l="原因"', 'class="why"').replace('data-l="Why"', 'class="why"').replace("td", "p")
    found = re.findall(r'<p [^>]*class="why"[^>]*>(.*?)</p>|<div class="sum".*?<ul>(.*?)</ul>', html, re.S)
    found = found or re.findall(r'<p class="lede">(.*?)()</p>', html, re.S)
    return [re.sub(r"<[^>]+>|\s+", " ", "".join(one)).strip() for one in found]


def named(field: str, html: str) -> bool:
    """Whether an error stands at the field, or the summary leads to it; a report of a file stands for the file.

    Of a sign-in it is not told which of the two is wrong.
    """
    if 'id="report"' in html or "邮箱或密码不对" in html:
        return True
    return f'id="{field}-why1"' in html or f'href="#{field}"' in html


def wrongs(control: Control) -> Iterator[tuple[str, list[str] | None]]:
    """Every wrong value of a control by name; None leaves the field out."""
    of_text = control.kind in ("text", "textarea", "password", "email", "number", "tel")
    for name, value in (WORDS if of_text else CHOICES).items():
        yield name, [value]
    yield "missing", None
    yield "doubled", ["zz", "yy"]
