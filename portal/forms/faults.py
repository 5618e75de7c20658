"""What is said of text that cannot be taken: one worded error for each code of ids, money and the fields."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

WORDS: Mapping[str, Any] = {
    "text.empty": lazy_gettext("请填写这一项。"),
    "text.too_long": lazy_gettext("太长了：最多 %(most)s 个字。"),
    "text.control": lazy_gettext("含有看不见的控制字符，请重新输入，不要从别处粘贴。"),
    "number.empty": lazy_gettext("请填写一个整数。"),
    "number.not_a_number": lazy_gettext("看不懂“%(typed)s”。请只写整数，例如 32。"),
    "number.too_small": lazy_gettext("太小了：不能小于 %(low)s。"),
    "number.too_large": lazy_gettext("太大了：不能大于 %(high)s。"),
    "money.empty": lazy_gettext("请填写金额。"),
    "money.not_a_number": lazy_gettext("看不懂“%(typed)s”。请只写一个数，例如 172800 或 17.28万。"),
    "money.sign": lazy_gettext("金额不带正负号，例如 172800。"),
    "money.grouping": lazy_gettext("“%(typed)s”里的逗号或空格位置不对，请写成 172,800 或 172800。"),
    "money.leading_zero": lazy_gettext("金额开头多了 0，请写成 172800。"),
    "money.decimals": lazy_gettext("金额最多到分，元后面最多两位小数。"),
    "money.overflow": lazy_gettext("金额太大，请检查是否多写了几位。"),
    "money.too_small": lazy_gettext("金额必须大于 0。"),
    "day": lazy_gettext("看不懂“%(typed)s”。请写成 2026-05-12。"),
    "day.empty": lazy_gettext("请填写日期。"),
    "uscc.length": lazy_gettext("统一社会信用代码是 18 位，现在不是。"),
    "uscc.character": lazy_gettext("统一社会信用代码只有数字和大写字母，没有 I、O、S、V、Z。"),
    "uscc.area": lazy_gettext("统一社会信用代码第 3 到 8 位应是数字。"),
    "uscc.check": lazy_gettext("统一社会信用代码的校验位不对，请对照营业执照再输一次。"),
    "pick": lazy_gettext("请从列出的选项中选一个。"),
    "tick": lazy_gettext("请勾选后再继续。"),
    "email": lazy_gettext("这不像一个电子邮箱，例如 name@example.com。"),
    "file": lazy_gettext("请选择一个文件。"),
}


def said(code: str, **values: Any) -> str:
    """The words of a field's error; what was typed is quoted short."""
    if "typed" in values:
        values["typed"] = str(values["typed"])[:30]
    return str(WORDS[code]) % values
