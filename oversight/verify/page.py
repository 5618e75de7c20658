"""A verdict in words, on one page (pure): what holds, what does not and where."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from oversight.verify.bundle import Finding, Verdict

Lang = Literal["zh", "en"]
MOST: Final = 40
"""Findings of a page; the others are counted."""
_PARTS: Final = {
    "places": ("日志位置", "places of the log"), "records": ("公开的记录", "records told"),
    "checkpoints": ("检查点", "checkpoints"), "baselines": ("参考基准重算", "baselines computed again"),
    "without_baseline": ("没有基准的项目", "jobs without a baseline"),
    "auctions": ("结果重新评定", "results decided again"), "rows": ("明细", "rows of figures"),
    "totals": ("汇总数", "totals"), "scores": ("信用分重算", "credits computed again"),
}  # fmt: skip


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """The words for each kind of finding."""
    found: Mapping[str, Mapping[str, str]] = json.loads(
        files("oversight.verify").joinpath("words.json").read_text("utf-8")
    )
    return found


def told(finding: Finding, lang: Lang) -> str:
    """One finding: file, line, what does not hold, and of what."""
    zh = lang == "zh"
    where = finding.file
    if finding.line is not None:
        where += f" 第 {finding.line} 行" if zh else f", line {finding.line}"
    said = words().get(finding.kind, {}).get(lang, finding.kind)
    about = (f"（{finding.what}）" if zh else f" ({finding.what})") if finding.what else ""
    return f"✗ {where}{'：' if zh else ': '}{said}{about}"


def page(verdict: Verdict, lang: Lang) -> Iterator[str]:
    """The lines of the page."""
    zh = lang == "zh"
    if verdict.holds:
        yield "✓ 全部相符" if zh else "✓ Everything holds"
    else:
        n = len(verdict.findings)
        yield f"✗ {n} 处不符" if zh else f"✗ {n} thing(s) do not hold"
    for name, (chinese, english) in _PARTS.items():
        if name in verdict.counts:
            yield f"  {chinese if zh else english}{'：' if zh else ': '}{verdict.counts[name]:,}"
    trusted = verdict.key or "—"
    if verdict.pinned:
        yield f"  按指定的公钥核对：{trusted}" if zh else f"  Held to the key that was given: {trusted}"
    elif zh:
        yield f"  没有指定公钥，按数据包自带的核对：{trusted}；请与网站公布的比较，再用 --key 指定。"
    else:
        yield f"  No key was given, so the bundle's own was trusted: {trusted}"
        yield "  Compare it with the one the city publishes, then give that with --key."
    for finding in verdict.findings[:MOST]:
        yield told(finding, lang)
    if len(verdict.findings) > MOST:
        rest = len(verdict.findings) - MOST
        yield f"  另有 {rest} 处" if zh else f"  and {rest} more"
