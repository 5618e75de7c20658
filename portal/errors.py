"""Pages for what goes wrong: what, why, what next, and an error id (ux.md §2). Never a value that was typed."""

import json
import logging
import secrets
import traceback
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, TooManyRequests
from werkzeug.wrappers import Response as Answer

from market.clock import micros
from market.db import DatabaseDown
from market.errors import Refusal, Refused
from market.identity.rules import Role
from portal import access, web
from portal.words import Said

log = logging.getLogger("taozhongjie.errors")


def _texts(status: int) -> tuple[str, str, str]:
    """Title, why and what next."""
    table = {
        400: (_("这个请求看不懂"), _("浏览器发来的内容不完整或格式不对。"), _("请返回上一页再试一次。")),
        401: (_("请先登录"), _("这一页要登录后才能看。"), _("登录后会回到这一页。")),
        403: (
            _("您没有这一页的权限"),
            _("这一页只对特定角色开放。"),
            _("如果您应当有权限，请联系本单位的管理人或平台。"),
        ),
        404: (_("没有这一页"), _("地址可能写错了，内容也可能已经撤下。"), _("可以搜索项目，或回到首页。")),
        405: (_("这个地址不能这样用"), _("这一页不接受这种请求。"), _("请从页面上的按钮或链接进入。")),
        409: (_("情况已经变了"), _("在您操作之前，这件事已被别人或系统处理。"), _("请重新打开这一页，看现在的状态。")),
        413: (
            _("内容太大"),
            _("一次提交的内容超过了上限。"),
            _("表单不超过 256 KB，带文件不超过 25 MB。请缩小文件后再交。"),
        ),
        422: (_("有内容需要改"), _("提交的内容不符合要求。"), _("请返回上一页修改。")),
        429: (_("请求太频繁"), _("短时间内尝试的次数太多。"), _("请稍后再试。")),
        500: (_("系统出错了"), _("这是我们的问题，已经记录。"), _("请稍后再试；需要帮助时请告诉我们下面的错误编号。")),
        503: (
            _("暂时不能服务"),
            _("数据库或密钥保管程序没有应答。"),
            _("截标时间不会丢失，已交的报价继续有效；服务器恢复前不会截标开标。请过一会儿重新载入本页。"),
        ),
    }
    return table.get(status, table[500] if status >= 500 else table[400])


def _note(status: int, error: BaseException | None) -> str:
    """An error id; from 500 on it is logged with the place of the fault, never with values."""
    number = secrets.token_hex(4).upper()
    if status >= 500 and error is not None:
        frames = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)][-12:]
        cause = type(error.__cause__).__name__ if error.__cause__ else None
        rule = request.url_rule.rule if request.url_rule else None
        entry = {"event": "error", "id": number, "status": status, "method": request.method, "rule": rule}
        entry |= {"at": micros(g.received_at), "error": type(error).__name__, "cause": cause, "frames": frames}
        log.error(json.dumps(entry, ensure_ascii=False))
    return number


def answer(status: int, error: BaseException | None = None, said: Sequence[Said] = (), **more: Any) -> Response:
    """The page of a fault, or problem+json (RFC 9457) under /api/."""
    number = _note(status, error)
    if request.path.startswith("/api/"):
        return _problem(status, number, said)
    title, why, do = _texts(status)
    context = {"title": title, "why": why, "do": do, "id": number, "words": list(said), "code": status, **more}
    return web.page("errors/error.html", status, **context)


_WORDED = (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503)
"""Statuses with words of their own for programs (portal/api/refusals.json)."""


def _problem(status: int, number: str, said: Sequence[Said]) -> Response:
    """RFC 9457: the title is the status's, the detail the first fault's; every fault stands in `errors`."""
    known = status if status in _WORDED else 500 if status >= 500 else 400
    plain = web.said(Refusal(f"http.{known}"))
    faults = list(said) or plain
    body: dict[str, Any] = {
        "type": f"urn:taozhongjie:{faults[0].code}",
        "title": plain[0].why,
        "status": status,
        "detail": f"{faults[0].why}{'' if web.lang() == 'zh' else ' '}{faults[0].do}",
        "error_id": number,
        "errors": [{"field": s.field, "code": s.code, "why": s.why, "do": s.do} for s in faults],
    }
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def way_back() -> str:
    """The page the request came from, if it is ours; else this one, if it can be asked for; else home."""
    referrer = request.headers.get("Referer", "")
    host = request.host_url.rstrip("/")
    if referrer.startswith(host + "/"):
        return web.local_path(referrer.removeprefix(host), url_for("home.index"))
    if request.url_rule is not None and "GET" in (request.url_rule.methods or ()):
        return web.local_path(request.script_root + request.path, url_for("home.index"))
    return url_for("home.index")


def _http(error: HTTPException) -> Answer:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if status == 401 and not request.path.startswith("/api/"):
        return _sign_in(error)
    more: dict[str, Any] = {}
    if status == 403:
        more["roles"] = needed_roles()
    if isinstance(error, CSRFError):
        more["expired"] = way_back()
    elif status in (400, 409, 413, 422):
        more["back"] = way_back()
    response = answer(status, error, **more)
    if isinstance(error, TooManyRequests) and error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 405 and (allow := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(allow)
    return response


def _sign_in(error: HTTPException) -> Answer:
    """To the sign-in page, and back to where the stranger wanted to go."""
    if "account.login" not in current_app.view_functions:
        return answer(401, error)
    query = request.query_string.decode("ascii", "replace")
    wanted = request.script_root + request.path + (f"?{query}" if query else "")
    if request.method not in ("GET", "HEAD"):
        wanted = way_back()
    return redirect(url_for("account.login", next=web.local_path(wanted, url_for("home.index"))), 303)


def needed_roles() -> list[str]:
    """The roles that may pass this door, in words."""
    view = current_app.view_functions.get(request.endpoint or "")
    may = getattr(view, "may", None)
    names = {
        Role.OWNER: _("业主"),
        Role.FIRM: _("中介机构"),
        Role.OPERATOR: _("平台管理员"),
        Role.REGULATOR: _("监管部门"),
    }
    return [names[r] for r in Role if may is not None and r in access.GRANTS[may]]


def _refused(error: Refused) -> Response:
    """A no that no door caught: its words as a page."""
    response = answer(error.status, error, web.said(*error.refusals), back=way_back())
    until = next((r.values["until"] for r in error.refusals if "until" in r.values), None)
    if error.status == 429 and isinstance(until, datetime):
        response.headers["Retry-After"] = str(max(1, round((until - g.received_at).total_seconds())))
    return response


def _down(error: DatabaseDown) -> Response:
    response = answer(503, error)
    response.headers["Retry-After"] = "10"
    return response


def _fault(error: Exception) -> Response:
    return answer(500, error)


def init(app: Flask) -> None:
    """Every way a request may end badly."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(DatabaseDown, _down)
    app.register_error_handler(Exception, _fault)
