"""`taozhongjie baseline`: fee baselines from a file of cases, or one explained in words, by the shipped standards."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from market.catalogue.rules import (
    NoBaseline,
    Standard,
    baseline,
    coefficient_label,
    explain,
    key_label,
    load_cases,
    parse_coefficients,
    run_cases,
)
from market.catalogue.shipped import shipped_standards
from market.errors import Refusal
from market.ids import NumberError, whole_number
from portal.words import say

MOST = 10**18 - 1


def run_file(file: Path) -> Iterator[str]:
    """One JSON answer a line for each case of a file, in order."""
    try:
        document = load_cases(file.read_text("utf-8"))
        for answer in run_cases(shipped_standards(), document):
            yield json.dumps(answer)
    except OSError as wrong:
        raise click.ClickException(f"{file}: {wrong.strerror}") from None
    except ValueError as wrong:
        raise click.ClickException(f"{file} 不是 JSON 的案例文件 / is no JSON file of cases: {wrong}") from None


def explain_one(standard: str, scale: str, coefficients: Sequence[str], lang: str) -> tuple[list[str], bool]:
    """A baseline in words, or the refusal and how to mend it; whether there is one. Scale in the standard's unit."""
    pairs = []
    for given in coefficients:
        name, equals, value = given.partition("=")
        if not equals:
            raise click.UsageError(f"--coef {given}: write NAME=VALUE.")
        pairs.append((name, value))
    try:
        amount: object = whole_number(scale, 1, MOST)
    except NumberError:
        amount = scale
    standards = shipped_standards()
    found = baseline(standards, standard, amount, parse_coefficients(standards.get(standard), pairs))
    if isinstance(found, NoBaseline):
        words = say(Refusal(f"baseline.{found.code}", values={"name": found.name or ""}), lang)
        return [words.why, words.do, *_options(standards.get(standard), lang)], False
    return explain(found, lang), True


def _options(standard: Standard | None, lang: str) -> list[str]:
    """What may follow --coef for a standard: each coefficient with its keys, or its limits."""
    lines = []
    for coefficient in standard.asked if standard else ():
        keys = [f"{key} {key_label(coefficient, key, lang)}" for key in coefficient.values or ()]
        limits = [] if coefficient.least is None else [f"{coefficient.least}–{coefficient.most}"]
        lines.append(
            f"  --coef {coefficient.name}=  {coefficient_label(coefficient, lang)}: {' | '.join(keys or limits)}"
        )
    return lines
