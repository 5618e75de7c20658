"""Affiliations among firms (关联): 24 pairs and 4 triples, of the kinds that sample_city.md gives."""

import itertools
from random import Random

from portal.sample.firms import Firm, Link, Professional
from portal.sample.luck import luck
from portal.sample.names import account, holding_brand, uscc

PAIRS, TRIPLES = 24, 4
KINDS = (("legal_rep", 40), ("control", 35), ("payer", 15), ("lead", 10))
PARENT_CODE = 40_001


def tie_firms(seed: int, firms: list[Firm], scale: float) -> None:
    """Join firms into groups, two thirds within one category; no firm is in two."""
    rng = luck(seed, "affiliations")
    sizes = [3] * max(1, round(TRIPLES * scale)) + [2] * max(2, round(PAIRS * scale))
    kinds = _kinds(rng, len(sizes))
    free = list(firms)
    for number, (size, kind) in enumerate(zip(sizes, kinds, strict=True)):
        members = _members(rng, free, size, same=number % 3 != 2)
        for firm in members:
            firm.group = number
            free.remove(firm)
        _JOIN[kind](rng, number, members)


def _kinds(rng: Random, many: int) -> list[str]:
    """The kinds in their shares, shuffled."""
    found = [kind for kind, share in KINDS for _ in range(round(many * share / 100))]
    found = (found + ["legal_rep"] * many)[:many]
    rng.shuffle(found)
    return found


def _members(rng: Random, free: list[Firm], size: int, same: bool) -> list[Firm]:
    first = rng.choice(free)
    near = [f for f in free if f is not first and (not same or f.categories[0] == first.categories[0])]
    if len(near) < size - 1:
        near = [f for f in free if f is not first]
    return [first, *rng.sample(near, size - 1)]


def _one_rep(rng: Random, number: int, members: list[Firm]) -> None:
    for firm in members[1:]:
        firm.rep = members[0].rep


def _one_account(rng: Random, number: int, members: list[Firm]) -> None:
    shared = Link("payer", account(9_000_000 + number), "account", "澄浦银行")
    for firm in members:
        firm.links = [link for link in firm.links if link.kind != "payer"] + [shared]


def _one_controller(rng: Random, number: int, members: list[Firm]) -> None:
    """A parent outside the market, or the first firm itself; a triple may be a chain."""
    draw = rng.random()
    if draw < 0.4:
        parent = Link(
            "control", uscc(PARENT_CODE + number, "91339901"), "company", f"澄浦{holding_brand(number)}控股有限公司"
        )
        for firm in members:
            firm.links.append(parent)
    elif draw < 0.7:
        for firm in members:
            firm.links.append(Link("control", members[0].rep[1], "person", members[0].rep[0]))
    else:
        for above, firm in itertools.pairwise(members):
            firm.links.append(Link("control", above.uscc, "company", above.name))


def _one_lead(rng: Random, number: int, members: list[Firm]) -> None:
    shared = members[0].people[0]
    for firm in members[1:]:
        firm.people[0] = Professional(shared.name, shared.certificate)


_JOIN = {"legal_rep": _one_rep, "control": _one_controller, "payer": _one_account, "lead": _one_lead}
