"""The services of the shipped catalogue, and which types of projects need them."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from market.catalogue.shipped import shipped

STAGES = ("land", "initiation", "planning_design", "construction_permit", "acceptance")

BUILDINGS = ("factory", "park", "school", "hospital", "housing", "culture")
PUBLIC_WORKS = ("road", "bridge", "school", "hospital", "sewage", "river", "utility", "farmland", "culture")
_ALL = (*BUILDINGS, "road", "bridge", "sewage", "river", "utility", "farmland")
_REPORT = ("factory", "road", "bridge", "sewage", "hospital")

FITS: Mapping[str, tuple[str, ...]] = {
    "S003": ("road", "bridge", "school", "hospital", "sewage", "river", "utility", "culture"),
    "S004": ("factory", "park", "housing"),
    "S005": ("factory", "park", "housing"),
    "S006": PUBLIC_WORKS, "S007": PUBLIC_WORKS, "S008": PUBLIC_WORKS,
    "S009": ("factory", "park", "hospital", "housing", "sewage", "school", "culture"),
    "S010": ("road", "bridge", "hospital", "housing", "sewage"),
    "S011": _REPORT, "S013": _REPORT,
    "S012": ("factory", "park", "school", "housing", "river", "utility", "culture", "farmland"),
    "S015": ("factory", "sewage", "utility"),
    "S016": ("bridge", "river", "road", "park"),
    "S017": ("factory", "park"),
    "S018": BUILDINGS,
    "S019": ("road", "school", "hospital", "housing", "culture", "park"),
    "S022": PUBLIC_WORKS,
    "S023": BUILDINGS, "S024": ("housing", "hospital", "school", "culture", "park"),
    "S025": (*BUILDINGS, "sewage"), "S026": BUILDINGS, "S034": BUILDINGS, "S035": (*BUILDINGS, "sewage", "bridge"),
    "S038": ("factory", "hospital"), "S039": ("factory",), "S040": PUBLIC_WORKS,
    "S042": ("housing", "park", "factory"), "S043": ("park", "housing"), "S044": ("road", "housing", "river"),
    "S045": ("factory", "hospital"),
}  # fmt: skip
"""Services that not every type of project needs; those not named fit all. Our assumption."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the catalogue has it. `days`: baseline working days; `standard` None: no fee standard."""

    code: str
    stage: int
    name: str
    category: str
    qualification: str
    days: int
    standard: str | None

    def fits(self, project_type: str) -> bool:
        """Whether a project of this type needs it."""
        return project_type in FITS.get(self.code, _ALL)


@cache
def services() -> tuple[Service, ...]:
    """All services, by code."""
    rows = csv.DictReader(shipped("approval_items.csv").decode("utf-8-sig").splitlines())
    return tuple(
        Service(
            row["code"], STAGES.index(row["stage"]), row["service_zh"], row["category_code"], row["qualification_zh"],
            int(row["baseline_working_days"]), row["fee_standard_id"] or None,
        )
        for row in rows
    )  # fmt: skip


@cache
def qualifications() -> Mapping[str, tuple[str, ...]]:
    """Category → the certificates its services ask for, by name; "" where one asks for none."""
    found: dict[str, set[str]] = {}
    for service in services():
        found.setdefault(service.category, set()).add(service.qualification)
    return {category: tuple(sorted(asked)) for category, asked in sorted(found.items())}
