"""Open data (开放数据): what there is, and each published job as OCDS, by itself and in files by month."""

import gzip
import io
import json
import re
from collections.abc import Iterator

from flask import Blueprint, Response, abort, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from market.db import Database
from oversight.opendata import ocds, queries
from oversight.opendata.ocds import Process, Publisher
from portal import web
from portal.access import PUBLIC, needs

bp = Blueprint("opendata", __name__)
NEWEST = 10
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


def publisher() -> Publisher:
    """Who publishes here."""
    told = web.city().settings
    return Publisher(told.ocid_prefix, told.public_url, f"{told.city_name} 淘中介", told.data_licence)


@bp.get("/data")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """The sets, the dictionary, the licence, and when anything changed last."""
    by = publisher()
    with web.db().read() as s:
        months, changed = queries.months(s), queries.last_change(s)
        rows = [(job, ocds.ocid(by.prefix, str(job.code))) for job in queries.recent(s, NEWEST)]
    return web.page(
        "opendata/index.html", by=by, months=months, changed=changed, rows=rows, words=dictionary(),
        unregistered=by.prefix == web.city().settings.NO_OCID_PREFIX,
    )  # fmt: skip


@bp.get("/data/ocds/<ocid>.json")
@needs(PUBLIC)
def record(ocid: str) -> Response:
    """The record package of a job."""
    return jsonify(ocds.record_package(_asked(ocid), publisher()))


@bp.get("/data/ocds/<ocid>/releases.json")
@needs(PUBLIC)
def releases(ocid: str) -> Response:
    """The release package of a job."""
    return jsonify(ocds.release_package(_asked(ocid), publisher()))


def _asked(ocid: str) -> Process:
    code = ocds.code_of(publisher().prefix, ocid)
    if code is None or not (len(code) <= 20 and code.isascii() and code.isprintable()):
        abort(404)
    with web.db().read() as s:
        found = queries.process(s, code)
    if found is None:
        abort(404)
    return found


@bp.get("/data/ocds/<month>.jsonl.gz")
@needs(PUBLIC)
def bulk(month: str) -> Response:
    """A record package a line for each job published in a month, made while it is sent."""
    if _MONTH.fullmatch(month) is None:
        abort(404)
    with web.db().read() as s:
        page = queries.page_of(s, month, 0)
    if not page[0]:
        abort(404)
    response = Response(squeezed(_lines(web.db(), month, publisher(), page)), mimetype="application/gzip")
    response.headers["Content-Disposition"] = f'attachment; filename="ocds-{month}.jsonl.gz"'
    return response


def _lines(db: Database, month: str, by: Publisher, page: tuple[list[Process], int | None]) -> Iterator[bytes]:
    """The lines, page by page: no more of them is held than one page."""
    while True:
        found, after = page
        for one in found:
            yield json.dumps(ocds.record_package(one, by), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if after is None:
            return
        with db.read() as s:
            page = queries.page_of(s, month, after)


def squeezed(lines: Iterator[bytes], least: int = 1 << 16) -> Iterator[bytes]:
    """The lines as gzip, in pieces of some size; without a time in the head the same lines give the same bytes."""
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", mtime=0) as squeeze:
        for line in lines:
            squeeze.write(line)
            if held.tell() >= least:
                yield held.getvalue()
                held.seek(0)
                held.truncate()
    yield held.getvalue()


def dictionary() -> list[tuple[str, str]]:
    """Each field that is filled, and what stands there."""
    return [
        ("ocid", _("项目的开放数据编号：前缀加项目编号")),
        ("releases[].id", _("本次发布的编号，由内容算出；内容不变，编号不变")),
        ("releases[].date", _("内容最近一次变化的时间（UTC）")),
        ("parties[]", _("被点名的单位：统一社会信用代码、名称和角色；没有个人")),
        ("tender.status", _("active 征集中或正在截标，complete 已有结果，unsuccessful 流标，cancelled 终止")),
        ("tender.value", _("最高限价（元）")),
        ("tender.procurementMethodDetails", _("选取方式")),
        ("tender.awardCriteriaDetails", _("最长工期（工作日）")),
        ("tender.tenderPeriod", _("报名开始与截标时间")),
        ("tender.amendments[]", _("截标前公布的变更及理由")),
        ("tender.numberOfTenderers", _("收到且未撤回的报价数，有结果后才有")),
        ("bids.statistics[]", _("报价统计：收到、有效、未计入的份数，有效报价的最低和最高（元）")),
        ("bids.details[]", _("每份报价：匿名编号、是否有效、金额；私人项目不点名未中选的机构")),
        ("awards[]", _("中选：机构、金额、状态；struck 记为 unsuccessful")),
        ("contracts[]", _("合同：编号、现价、状态、签订时间、起止时间、里程碑和双方同意的变更")),
    ]
