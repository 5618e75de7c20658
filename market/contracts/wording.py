"""The words of the paper of a contract (pure): facts in, the texts that contract.typ sets out.

Chinese is the contract; the English page is a summary. The articles say what the platform's rules do (the rules page)
and leave to the parties what is theirs; they cite no statute, since none was checked against the parties' case.
"""

from datetime import datetime
from fractions import Fraction
from typing import Any

from market.clock import BEIJING
from market.contracts.facts import Paper, Part, Side
from market.money import Fen, daxie, decimals, show_fraction_percent, show_yuan

_TAX = {"included": ("含税", "tax included"), "excluded": ("不含税", "tax not included")}
_FUNDING = {"fiscal": "财政资金", "state": "国有资金", "private": "企业自筹"}
_STATE = {
    "opened": ("待双方确认", "waits for both confirmations"),
    "active": ("履行中", "in force"),
    "accepted": ("已验收", "accepted"),
    "completed": ("已结清", "completed and paid"),
    "terminated": ("已终止", "terminated"),
    "refused": ("未签订", "not signed"),
}
HEADS = ("序号", "里程碑", "比例", "金额", "期限")
HEADS_EN = ("No.", "Milestone", "Share", "Amount", "Due")


def day(at: datetime) -> str:
    """2026年5月12日, in Beijing."""
    here = at.astimezone(BEIJING)
    return f"{here.year}年{here.month}月{here.day}日"


def instant(at: datetime) -> str:
    """2026年5月12日 17:00:00（北京时间）."""
    return f"{day(at)} {at.astimezone(BEIJING):%H:%M:%S}（北京时间）"


def instant_en(at: datetime) -> str:
    """2026-05-12 17:00:00 China time (UTC+8)."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S} China time (UTC+8)"


def yuan(fen: int, lang: str = "zh") -> str:
    """¥12,345.00."""
    return show_yuan(Fen(fen), lang)


def share(points: int) -> str:
    """30%, 12.5%: basis points without noughts that say nothing."""
    text = decimals(Fraction(points, 100))
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def against(amount: int, baseline: int | None) -> tuple[str, str]:
    """How the price stands to the baseline, in Chinese and English."""
    if not baseline:
        return "本项目没有参考基准，不计入节省", "no baseline"
    gap = Fraction(abs(amount - baseline), baseline)
    said = show_fraction_percent(gap, 1)
    if amount == baseline:
        return "与参考基准相同", "equal to the baseline"
    low = amount < baseline
    return f"比参考基准{'低' if low else '高'} {said}", f"{said} {'below' if low else 'above'} the baseline"


def facts(p: Paper) -> dict[str, Any]:
    """Every text of the paper, by the names contract.typ uses."""
    here = p.dated.astimezone(BEIJING)
    market = f"{p.city}中介服务市场・淘中介"
    return {
        "heading": f"中介服务合同 {p.code} {p.title}", "code": f"合同编号 {p.code}", "city": market, "market": market,
        "date": [here.year, here.month, here.day, here.hour, here.minute, here.second], "title": p.title,
        "footer": f"条款摘要 {p.terms[:16]}…", "status": _STATE[p.state][0], "status_more": _status(p),
        "head": _head(p), "owner": _side(p.owner), "firm": _side(p.firm), "preamble": _preamble(p),
        "scope_line": _scope(p), "summary": [line for line in p.summary.splitlines() if line.strip()],
        "amount": yuan(p.amount_now), "daxie": daxie(Fen(p.amount_now)), "price": _price(p), "days": _days(p),
        "milestone_heads": HEADS, "milestones": [_part(m) for m in p.parts], "total": _total(p), "pay": _pay(),
        "acceptance": _acceptance(), "pauses": _pauses(), "changes": _change_rules(p), "changed": _changed(p),
        "changed_heads": ("序号", "同意时间", "理由", "变更后价款", "工作日"), "ending": _ending(),
        "chosen": _chosen(p), "confirm_line": _CONFIRM, "terms": p.terms, "seal_line": _SEAL, "attest_plain": _ATTEST,
        "attest": _attested(p), "qr_alt": "本合同页面的二维码", "qr_line": "扫码核对本合同的现状与记录",
        "page_label": "合同页面：", "page_url": p.url,
        "english": _english(p), "english_heads": HEADS_EN, "english_milestones": [_part(m, "en") for m in p.parts],
        "english_notes": _english_notes(p),
    }  # fmt: skip


def _status(p: Paper) -> str:
    if p.signed_at is not None:
        return f"双方确认于 {instant(p.signed_at)}"
    if p.state == "refused":
        return "一方没有签订，本文件不构成合同"
    return "本文件供双方核对，双方都确认后合同才成立"


def _head(p: Paper) -> list[list[str]]:
    return [
        ["项目编号", p.job_code],
        ["服务类别", f"{p.category}・{p.service}" if p.service else p.category],
        ["服务地区", p.district],
        ["资金来源", _FUNDING.get(p.funding, p.funding)],
        ["价款", f"{yuan(p.amount_now)}（{_TAX[p.tax][0]}）", "b"],
        ["工期", f"{p.days_now} 个工作日", "b"],
    ]


def _side(side: Side) -> dict[str, Any]:
    rows = [["统一社会信用代码", side.uscc]]
    if side.representative:
        rows.append(["法定代表人", side.representative])
    if side.address:
        rows.append(["地址", side.address])
    if side.confirmed_at is None:
        signed = [["平台确认", "尚未确认"]]
    else:
        signed = [["确认人", side.person or "—"], ["确认时间", instant(side.confirmed_at).removesuffix("（北京时间）")]]
    return {"name": side.name, "rows": rows, "signed": signed}


def _preamble(p: Paper) -> str:
    return (
        f"根据项目 {p.job_code} 的公开选取结果（见第九条），甲乙双方就下列中介服务订立本合同。"
        "金额均为人民币；工作日按国务院办公厅公布的放假和调休安排计算，时间均为北京时间，以平台服务器记录为准。"
    )


def _scope(p: Paper) -> str:
    lead = f"乙方指派的项目负责人：{p.lead}。" if p.lead else ""
    return f"乙方为甲方完成“{p.title}”，按公开选取时发布的条件、乙方的报价和本合同交付成果。{lead}"


def _price(p: Paper) -> list[str]:
    found = [f"合同价款{_TAX[p.tax][0]}，为完成本合同全部服务的总价，{against(p.amount_now, p.baseline)[0]}。"]
    if p.baseline:
        found[0] = (
            found[0][:-1] + f"（参考基准 {yuan(p.baseline)}，在第一份报价之前已经固定，仅供比较，不是官方定价）。"
        )
    if p.amount_now != p.amount:
        found.append(
            f"签订时价款 {yuan(p.amount)}（{daxie(Fen(p.amount))}）；经双方同意的变更，现为 {yuan(p.amount_now)}。"
        )
    found.append("除按第七条变更外，任何一方不得加收或克扣价款。")
    return found


def _days(p: Paper) -> list[str]:
    found = [
        f"工期 {p.days_now} 个工作日，从合同签订和甲方资料交齐两者中较晚的一天之后起算，"
        "到经验收的交付之日为止，扣除按第六条不计的暂停。"
    ]
    if p.days_now != p.days:
        found.append(f"签订时工期 {p.days} 个工作日；经双方同意的变更，现为 {p.days_now} 个工作日。")
    if p.baseline_days:
        found.append(f"参考工期 {p.baseline_days} 个工作日，仅供比较。")
    if p.due_at is not None:
        found.append(f"按目前的记录，最后期限为 {day(p.due_at)} 17:00。")
    else:
        found.append("资料交齐由乙方在平台上确认；确认之前不起算，也不显示最后期限。")
    return found


def _part(part: Part, lang: str = "zh") -> dict[str, str]:
    zh = lang == "zh"
    due = f"起算后 {part.due_days} 个工作日" if zh else f"{part.due_days} working days after the start"
    if part.due_at is not None:
        stamp = day(part.due_at) if zh else f"{part.due_at.astimezone(BEIJING):%Y-%m-%d}"
        due += f"（{stamp}）" if zh else f" ({stamp})"
    return {
        "no": str(part.no), "name": part.name, "share": share(part.share), "amount": yuan(part.fen, lang), "due": due
    }  # fmt: skip


def _total(p: Paper) -> dict[str, str]:
    return {
        "share": share(sum(m.share for m in p.parts)), "amount": yuan(sum(m.fen for m in p.parts)), "due": "",
    }  # fmt: skip


def _pay() -> list[str]:
    return [
        "一个里程碑经甲方验收，该里程碑的款项即为应付；每个里程碑只付一次。",
        "甲方直接付给乙方，写明平台给出的付款附言。平台不经手、不保管任何一方的资金，不向任何一方收费。",
        "乙方按实收款项向甲方开具发票。",
    ]


def _acceptance() -> list[str]:
    return [
        "乙方在平台上提交成果，每次提交为一个版本，按文件摘要（SHA-256）保存，不覆盖以前的版本。",
        "甲方验收通过，或写明理由退回；退回后乙方改正再次提交。退回之前的时间照常计入工期。",
        "全部里程碑验收通过，本合同验收完成；实际用时算到最后一次通过验收的交付之日。",
    ]


def _pauses() -> list[str]:
    return [
        "因甲方（资料、场地、决定）或主管部门（审查、评审）的原因不能工作的，经双方同意记为暂停：写明的开始日当天照计，次日起到结束日为止不计入工期。",
        "因乙方自身原因的停顿照常计入工期。每次暂停写明是谁的原因、起止时间和理由。",
    ]


def _change_rules(p: Paper) -> list[str]:
    found = ["价款、工期或服务内容的变更须写明理由，由一方提出、另一方同意后生效；未经同意的变更无效。"]
    if p.limits[0]:
        found.append(p.limits[0])
    found.append("变更后的价款和工期公开；提高价款的变更会减少本项目计入的节省。")
    return found


def _changed(p: Paper) -> list[dict[str, str]]:
    return [
        {
            "no": str(c.no), "at": instant(c.at).removesuffix("（北京时间）"), "reason": c.reason,
            "amount": yuan(c.amount), "days": str(c.days),
        }
        for c in p.changes
    ]  # fmt: skip


def _ending() -> list[str]:
    return [
        "合同履行完毕、双方协商一致，或有法定的解除事由时终止；提出终止的一方须在平台上写明理由。已验收的里程碑照付。",
        "因本合同发生的争议由双方协商；协商不成的，依法向有管辖权的人民法院提起诉讼。双方另有书面仲裁协议的，从其约定。",
        "本合同未写明的，适用公开选取时发布的条件和有关法律的规定。",
    ]


def _chosen(p: Paper) -> list[str | list[str]]:
    c = p.chosen
    if c is None:
        return [f"乙方由项目 {p.job_code} 的公开选取产生。"]
    counted = f"有效且互相独立的报价 {c.bids} 份，" if c.bids else ""
    return [
        f"乙方由公开竞价 {c.auction} 产生：密封报价，{instant(c.closed_at)} 截标，{counted}按公布的规则排定名次。",
        ["截标纪要", c.protocol_url],
        ["竞价条件摘要（SHA-256）", c.terms_digest],
    ]


_CONFIRM = "双方的授权人员登录平台后分别确认同一份条款。所确认条款的摘要（SHA-256）："
_SEAL = "盖章、签字的原件可以上传到合同页面，平台按文件摘要保存；本文件上的空白处留给双方盖章、签字。"
_ATTEST = "本平台签名只证明记录，不是双方印章。"


def _attested(p: Paper) -> list[list[str]]:
    if p.attested is None:
        return [["平台签名", "双方都确认之后，平台对确认的记录签名；目前还没有。"], ["条款摘要（SHA-256）", p.terms]]
    return [
        ["被签名的记录", p.attested.text],
        ["条款摘要（SHA-256）", p.terms],
        ["平台签名（Ed25519）", p.attested.signature.hex()],
        ["签名密钥编号", p.attested.key_id],
    ]


def _english(p: Paper) -> list[list[str]]:
    def signed(side: Side) -> str:
        who = "not confirmed yet" if side.confirmed_at is None else f"confirmed {instant_en(side.confirmed_at)}"
        return f"{side.name}, {side.uscc}; {who}"

    rows = [
        ["Contract", f"{p.code}, {_STATE[p.state][1]}"],
        ["Job", f"{p.job_code} {p.title}"],
        ["Owner (party A)", signed(p.owner)],
        ["Intermediary (party B)", signed(p.firm)],
        ["Price", f"{yuan(p.amount_now, 'en')}, {_TAX[p.tax][1]}; {against(p.amount_now, p.baseline)[1]}", "b"],
        ["Time", f"{p.days_now} working days from the later of signing and complete inputs", "b"],
    ]
    if p.chosen is not None:
        rows.append(["Chosen by", f"sealed auction {p.chosen.auction}; protocol {p.chosen.protocol_url}"])
    return [*rows, ["Terms, SHA-256", " ".join(p.terms[i : i + 16] for i in range(0, len(p.terms), 16))]]


def _english_notes(p: Paper) -> list[str]:
    found = [
        "Working days follow the official calendar of mainland China. Pauses caused by the owner or an authority, "
        "agreed by both sides, do not count; the firm's own do.",
        "Each delivery is a version kept by its digest; the owner accepts it or returns it with reasons. An accepted "
        "milestone is due and paid once, from owner to firm directly; the platform holds no money.",
        f"A change of price, days or scope needs a reason and both sides' consent. {p.limits[1]}".strip(),
        "The platform's signature attests the record of the confirmations only; it is not the seal of either party.",
    ]
    return [*found, f"Page of this contract: {p.url}"]
