"""Saving a search of the job list, and changing one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Form, StringField, ValidationError

from bidding.matching.rules import NAME_MAX
from market.jobs.listing import FACETS, Filters
from portal import shell
from portal.forms.fields import RadioIn, TextIn
from portal.forms.jobs import BANDS, FUNDINGS, STAGES, WINDOWS

DIGESTS = {"instant": _("有新项目就通知"), "daily": _("工作日 9:00 汇总通知"), "off": _("不通知")}
SCOPES = {"fit": _("适合我的"), "open": _("全部正在报价"), "all": _("全部项目")}
QUERY_MAX = 2000
"""Characters of the address of a list that may be kept."""


class ChangeForm(Form):  # type: ignore[misc]
    """The name of a search and how its person is told."""

    name = TextIn(_("订阅名称"), most=NAME_MAX)
    digest = RadioIn(_("怎样通知"), choices=list(DIGESTS.items()))


class SaveForm(ChangeForm):
    """The same with the arguments of the list that is kept."""

    query = StringField(_("列表的条件"))

    def validate_query(self, field: Any) -> None:
        """The arguments of an address: short, printable, few."""
        text = field.data or ""
        if len(text) > QUERY_MAX or not text.isprintable() or text.count("&") > 200:
            raise ValidationError(gettext("列表的条件不完整，请回到项目列表重新保存。"))


def asked(query: str) -> Filters:
    """What the arguments of a list ask for; anything unknown is left out."""
    args = parse_qs(query)

    def one(name: str, most: int) -> str:
        return " ".join("".join(c for c in args.get(name, [""])[0] if c.isprintable())[:most].split())

    facets: dict[str, Any] = {
        facet: tuple(v[:12] for v in dict.fromkeys(args.get(facet, ())) if v.isprintable())[:40] for facet in FACETS
    }
    scope = one("scope", 4)
    return Filters(
        scope=scope if scope in SCOPES else "open", service=one("service", 12), owner=one("owner", 18),
        words=one("q", 100), **facets,
    )  # fmt: skip


def conditions(filters: Filters) -> list[str]:
    """The conditions of a search in words."""
    words: dict[str, Mapping[str, Any]] = {
        "stage": STAGES, "window": WINDOWS, "band": BANDS, "funding": FUNDINGS, "district": shell.districts(),
    }  # fmt: skip
    said = [str(SCOPES[filters.scope])]
    said += [f"“{text}”" for text in (filters.words, filters.service, filters.owner) if text]
    for facet, value in filters.chosen():
        said.append(shell.category(value) if facet == "category" else str(words[facet].get(value, value)))
    return said
