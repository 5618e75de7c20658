"""A baseline in words, Chinese and English: what was asked, every number that was used, and what it rests on."""

import re
from fractions import Fraction

from market.catalogue.rules.calculate import Baseline
from market.catalogue.rules.figure import Flat, Line, Piece
from market.catalogue.rules.standards import Coefficient, Standard
from market.catalogue.rules.words import KEYS, KINDS, NAMES, SCALES
from market.money import Fen, decimals, show_yuan

_ENGLISH = re.compile(r" *\([^()]*[A-Za-z]{3}[^()]*\)")
_FULL = str.maketrans("()[]", "（）〔〕")


def coefficient_label(coefficient: Coefficient, lang: str) -> str:
    """The name of a coefficient on a form; for one without words of ours, the document's own (Chinese) name."""
    words = NAMES.get(coefficient.name)
    return words[lang == "en"] if words else coefficient.meaning.split(" (")[0].split(":")[0]


def key_label(coefficient: Coefficient, key: str, lang: str) -> str:
    """What a key means: the document's list in Chinese; in English our words, else the key with that list."""
    words = KEYS.get((coefficient.name, key))
    if words:
        return words[lang == "en"]
    listed = coefficient.labels.get(key, "").translate(_FULL)
    if lang == "en":
        return f"{key} ({listed})" if listed else key
    return listed or key


def kind_label(kind: str, lang: str) -> str:
    """What kind of document a baseline rests on; never a statute or a price in force today."""
    return KINDS[kind][lang == "en"]


def show_scale(standard: Standard, scale: int, lang: str) -> str:
    """A scale with its unit: an amount, or 12,345.67 m²."""
    if standard.scale_unit == "fen":
        return show_yuan(Fen(scale), lang)
    return f"{decimals(Fraction(scale, 100))} m²"


def scale_label(standard: Standard, lang: str) -> str:
    """Which amount the scale is: 估算投资额, 计费额, 中标金额, 建筑面积 …"""
    chinese = re.split(r"[ :;]", standard.scale_means)[0]
    return SCALES.get(chinese, chinese) if lang == "en" else chinese.translate(_FULL)


def explain(found: Baseline, lang: str) -> list[str]:
    """Sentences that let anyone recalculate `found`, `lang` zh or en: source, scale, table, factors, cap, rounding."""
    standard, en = found.standard, lang == "en"
    lines = [
        f"Source: {document(standard, lang)}, {title(standard, lang)}. Kind: {kind_label(standard.kind, lang)}."
        if en
        else f"依据：{document(standard, lang)}，{title(standard, lang)}。性质：{kind_label(standard.kind, lang)}。",
        f"Scale: {scale_label(standard, lang)} {show_scale(standard, found.scale, lang)}."
        if en
        else f"规模：{scale_label(standard, lang)} {show_scale(standard, found.scale, lang)}。",
    ]
    lines += [_piece(found, piece, lang) for piece in found.figure.pieces]
    lines.append(f"Table figure: {_sum(found.table, lang)}." if en else f"查表得：{_sum(found.table, lang)}。")
    lines += _factor_lines(found, lang)
    if found.capped:
        cap = show_yuan(Fen(found.standard.cap or 0), lang)
        lines.append(f"More than the cap: {cap} counts." if en else f"超过封顶数，按 {cap} 计。")
    fee = show_yuan(found.fee, lang)
    lines.append(f"Rounded once to a fen, half up: {fee}." if en else f"只在最后四舍五入到分：{fee}。")
    return lines + _corridor(found, lang)


def document(standard: Standard, lang: str) -> str:
    """The document's number, in Chinese with the brackets of official papers."""
    return standard.document if lang == "en" else standard.document.translate(_FULL).replace("; ", "；")


def title(standard: Standard, lang: str) -> str:
    """What the table prices. The titles are Chinese; remarks in English stand only on English pages."""
    if lang == "en":
        return standard.title
    return _ENGLISH.sub("", standard.title).replace(" (", "(").translate(_FULL)


def _factor_lines(found: Baseline, lang: str) -> list[str]:
    lines = []
    for factor in found.factors:
        coefficient = found.standard.coefficient(factor.name)
        if coefficient is None or not coefficient.by_owner:
            continue
        label, value = coefficient_label(coefficient, lang), plain(factor.factor)
        if coefficient.values is not None:
            chosen = key_label(coefficient, factor.key, lang)
        elif coefficient.several:
            chosen = factor.key or ("none" if lang == "en" else "无")
        else:
            lines.append(f"{label}: × {value}." if lang == "en" else f"{label}：× {value}。")
            continue
        lines.append(f"{label}: {chosen}: × {value}." if lang == "en" else f"{label}（{chosen}）：× {value}。")
    if lines:
        product = _sum(_product(found), lang)
        lines.append(f"Together: {product}." if lang == "en" else f"相乘得：{product}。")
    return lines


def _product(found: Baseline) -> Fraction:
    value = found.table
    for factor in found.factors:
        value *= factor.factor
    return value


def _piece(found: Baseline, piece: Piece, lang: str) -> str:
    en, standard = lang == "en", found.standard
    if isinstance(piece, Line):
        x, x0, x1 = (_amount(standard, value) for value in (found.scale, piece.x0, piece.x1))
        y0, y1 = (decimals(Fraction(y, 100)) for y in (piece.y0, piece.y1))
        sum_ = f"{y0} + ({y1} − {y0}) × ({x} − {x0}) ÷ ({x1} − {x0})"
        return f"On the straight line from {x0} to {x1}: {sum_}." if en else f"在 {x0} 与 {x1} 之间按直线内插：{sum_}。"
    if isinstance(piece, Flat):
        start, fee = show_scale(standard, piece.start, lang), show_yuan(Fen(piece.fee), lang)
        if piece.beyond:
            return f"From {start} on the table gives {fee}." if en else f"{start} 以上，表列为 {fee}。"
        return f"At {start} the table gives {fee}." if en else f"{start} 处，表列为 {fee}。"
    part, fee = show_scale(standard, piece.part, lang), _sum(piece.sum, lang)
    if standard.scale_unit == "fen":
        rate = f"{plain(piece.rate * 100)}%"
    else:
        rate = f"CNY {plain(piece.rate)}/m²" if en else f"{plain(piece.rate)} 元/m²"
    where = {
        "band": ("本档", "This band"),
        "below": ("低于表列最低一档，按比例", "Below the table, in proportion"),
        "custom": (
            "低于表列最低一档，文件未作规定，按惯例依比例",
            "Below the table, where the document is silent, in proportion by custom",
        ),
        "above": ("高于表列最高一档，按比例", "Above the table, in proportion"),
        "whole": ("按比例", "In proportion"),
    }["custom" if piece.edge == "below" and standard.below_basis else piece.edge][en]
    equals = "" if fee.startswith("≈") else "= "
    return f"{where}: {part} × {rate} {equals}{fee}." if en else f"{where}：{part} × {rate} {equals}{fee}。"


def _corridor(found: Baseline, lang: str) -> list[str]:
    if found.low is None or found.high is None:
        return []
    low, high = show_yuan(found.low, lang), show_yuan(found.high, lang)
    if found.figure.low is not None:
        return [f"The document's range: {low} to {high}." if lang == "en" else f"文件规定的幅度：{low} 至 {high}。"]
    if lang == "en":
        return [f"Range of ±20% beside it: {low} to {high}. The baseline itself never floats."]
    return [f"浮动 ±20%：{low} 至 {high}。参考基准本身不浮动。"]


def _amount(standard: Standard, scale: int) -> str:
    return decimals(Fraction(scale, 100)) + ("" if standard.scale_unit == "fen" else " m²")


def _sum(fen: Fraction, lang: str) -> str:
    """An amount that need not be whole fen: exact, or rounded with ≈ and the exact fraction beside it."""
    if fen.denominator == 1:
        return show_yuan(Fen(fen.numerator), lang)
    shown = f"≈ {'CNY ' if lang == 'en' else '¥'}{decimals(fen / 100)}"
    exact = f"{fen.numerator}/{fen.denominator}"
    return f"{shown} (exactly {exact} fen)" if lang == "en" else f"{shown}（精确值 {exact} 分）"


def plain(value: Fraction) -> str:
    """A fraction as the shortest exact decimal (0.85), or as p/q where there is none."""
    for places in range(19):
        scaled = value * 10**places
        if scaled.denominator == 1:
            digits = f"{abs(scaled.numerator):0{places + 1}d}"
            text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
            return f"−{text}" if value < 0 else text
    return f"{value.numerator}/{value.denominator}"
