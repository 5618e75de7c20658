"""What a job is measured by: the scale and coefficients its fee standard asks for, drawn from the project, and its
baseline, ceiling and hidden figure (sample_city.md and decisions.md, Sample city)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from bidding.methods.allowed import allowed, sample_rules
from market.catalogue.rules import Baseline, baseline, supervision_base
from market.catalogue.shipped import shipped_standards
from market.jobs.rules import FUNDING, raised
from portal.sample.luck import log_normal
from portal.sample.projects import Project
from portal.sample.services import BUILDINGS, Service

HUNDRED_YUAN = 10_000
WAN = 1_000_000
FEE_BASE, CIVIL, TENDERED = 0.78, 0.55, 0.70
"""计费额, 土建投资 and 中标金额 as shares of the investment."""
YUAN_A_METRE = 3_200
SHARES = {
    "supervision": FEE_BASE, "design": FEE_BASE, "swc_plan": CIVIL, "swc_acceptance": CIVIL,
    "tender_works": TENDERED, "tender_goods": TENDERED * 0.25, "tender_services": TENDERED * 0.08,
    "land_appraisal": 0.15, "real_estate_appraisal": 0.20, "asset_appraisal": 0.50,
}  # fmt: skip
"""Shares by standard; goods, services and appraised values are our assumption. Others take the investment."""
AREAS = ("drawing_review_area", "house_survey")

EIA_INDUSTRY = {
    "park": "e", "road": "c", "bridge": "c", "school": "e", "hospital": "e", "housing": "e", "culture": "e",
    "sewage": "c", "river": "b", "utility": "c", "farmland": "c",
    "化纤面料": "a", "食品添加剂": "a", "医用敷料": "a", "包装材料": "a", "新型建材": "c",
}  # fmt: skip
EIA_LISTED = frozenset(
    ("school", "hospital", "housing", "culture", "sewage", "river", "utility", "farmland", "新型建材", "电子元器件")
)
"""Sectors that 发改价格[2011]534号 names."""
STUDY_INDUSTRY = {
    "park": "4", "road": "5", "bridge": "5", "school": "4", "hospital": "4", "housing": "4", "culture": "4",
    "sewage": "5", "river": "2", "utility": "5", "farmland": "4", "化纤面料": "2", "新型建材": "5",
}  # fmt: skip
SUPERVISION = {"bridge": "1.1", "river": "0.9", "farmland": "0.9"}
DESIGN = {"road": "0.9", "bridge": "1.1", "river": "0.8", "farmland": "0.9", "化纤面料": "1.2", "医用敷料": "1.2"}

EVIDENCE = {
    "sensitivity": "项目厂界外 500 米内有集中居住区，属环境敏感区（见立项批复附图）",
    "industry": "行业按立项批复所列国民经济行业类别确定",
    "specialty": "专业类别按初步设计批复的主体工程确定",
    "complexity": "复杂程度按初步设计说明书第三章的等级表确定",
    "use": "房屋用途按规划许可证附件的用途分类确定",
}
"""What an owner gives as evidence for a coefficient that raises the baseline."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Amounts in fen. `fee` None: no baseline; `hidden` is then what the market would pay, shown to nobody."""

    scale: int | None
    coefficients: Mapping[str, str]
    inputs: Mapping[str, int]
    evidence: str
    fee: int | None
    hidden: int
    ceiling: int


def measure(rng: Random, project: Project, service: Service) -> Measured:
    """Scale, coefficients, baseline and ceiling; drawn anew, for a part of the project, until §6 allows the amount."""
    coefficients = _coefficients(rng, project, service)
    for attempt in range(10_000):
        part = 1.0 if attempt == 0 else math.exp(-rng.uniform(0.0, min(4.0, 0.5 + attempt * 0.05)))
        found = _measured(rng, project, service, coefficients, part)
        if allowed(sample_rules(), _posting(project, service, found.ceiling)) is None:
            return found
    raise AssertionError(f"{service.code} of {project.title} fits no band.")


def _posting(project: Project, service: Service, ceiling: int) -> dict[str, Any]:
    return {
        "funding": FUNDING[project.owner.kind], "amount": ceiling, "method": "lowest_price", "min_competitors": 3,
        "reason": None, "category": service.category,
    }  # fmt: skip


def _measured(rng: Random, project: Project, service: Service, coefficients: dict[str, str], part: float) -> Measured:
    standards = shipped_standards()
    hidden = int(log_normal(rng, 65_000, 0.8)) * 100
    if service.standard is None:
        return Measured(None, {}, {}, "", None, hidden, _up(hidden * 13, 10))
    scale, inputs = _scale(project, service.standard, part)
    found = baseline(standards, service.standard, scale, dict(coefficients))
    if not isinstance(found, Baseline):
        return Measured(scale, coefficients, inputs, "", None, hidden, _up(hidden * 13, 10))
    evidence = "；".join(EVIDENCE[name] for name in raised(found))
    fee = int(found.fee)
    return Measured(scale, coefficients, inputs, evidence, fee, fee, _up(fee * 105, 100))


def inflated(project: Project, service: Service, true: Measured) -> Measured | None:
    """The same job measured against the project: sensitive, complexity III, the scale × 1.6. None where that does not
    raise the fee, or where the amount would not be allowed."""
    if true.scale is None or true.fee is None or service.standard is None or service.standard in AREAS:
        return None
    wrong = replace(project, complexity="III")
    keys = {**true.coefficients}
    if "sensitivity" in keys:
        keys["sensitivity"] = "sensitive"
    if "complexity" in keys:
        keys["complexity"] = "III"
    if "stage" in keys:
        keys["stage"] = _stage(wrong, service)
    inputs = {name: fen * 8 // 5 // WAN * WAN for name, fen in true.inputs.items()}
    scale = int(supervision_base(**inputs)) if inputs else true.scale * 8 // 5 // WAN * WAN
    found = baseline(shipped_standards(), service.standard, scale, dict(keys))
    if not isinstance(found, Baseline) or int(found.fee) <= true.fee:
        return None
    evidence, fee = "；".join(EVIDENCE[name] for name in raised(found)), int(found.fee)
    measured = Measured(scale, keys, inputs, evidence, fee, fee, _up(fee * 105, 100))
    return measured if allowed(sample_rules(), _posting(project, service, measured.ceiling)) is None else None


def _up(fen: int, over: int) -> int:
    """`fen` ÷ `over`, rounded up to 100 yuan."""
    return -(-fen // (over * HUNDRED_YUAN)) * HUNDRED_YUAN


def _scale(project: Project, standard: str, part: float) -> tuple[int, dict[str, int]]:
    """The amount or area the standard names, in its unit: whole 万元, or whole square metres (0.01 m²)."""
    investment = project.investment * part
    if standard in AREAS:
        return max(1, round(investment / (YUAN_A_METRE * 100))) * 100, {}
    scale = max(1, round(investment * SHARES.get(standard, 1.0) / WAN)) * WAN
    if standard != "supervision":
        return scale, {}
    share = 0.3 if project.type in ("factory", "sewage") else 0.12
    equipment = round(scale * share / WAN) * WAN
    return int(supervision_base(scale - equipment, equipment)), {"works": scale - equipment, "equipment": equipment}


def _coefficients(rng: Random, project: Project, service: Service) -> dict[str, str]:
    """What the project is, as keys of the standard."""
    standard = service.standard or ""
    if standard.startswith("eia_"):
        found = {
            "sensitivity": "sensitive" if rng.random() < 0.2 else "normal",
            "industry": _of(project, EIA_INDUSTRY, "d"),
        }
        if not standard.endswith("_appraisal"):
            found["sector_cut"] = "listed" if _what(project) in EIA_LISTED else "other"
        return found
    if standard in ("proposal", "feasibility", "feasibility_appraisal", "application_report"):
        return {"industry": _of(project, STUDY_INDUSTRY, "3")}
    if standard == "supervision":
        return {"specialty": SUPERVISION.get(project.type, "1.0"), "complexity": project.complexity}
    if standard == "design":
        specialty = _of(project, DESIGN, "1.0")
        return {"specialty": specialty, "complexity": project.complexity, "stage": _stage(project, service)}
    if standard == "house_survey":
        return {
            "use": "residential" if project.type == "housing" else "mixed" if project.type == "park" else "commercial"
        }
    return {}


def _of(project: Project, table: Mapping[str, str], otherwise: str) -> str:
    return table.get(_what(project), otherwise)


def _what(project: Project) -> str:
    """The type of project; of a factory its product."""
    return project.product if project.type == "factory" else project.type


def _stage(project: Project, service: Service) -> str:
    """The phase of design: S018 a scheme, S020 a preliminary design, by the kind of works and its complexity."""
    phase = "scheme" if service.code == "S018" else "preliminary"
    if project.type == "housing":
        return f"housing_area_{phase}"
    if project.type in BUILDINGS:
        return f"building_{project.complexity}_{phase}"
    return f"municipal_{'III' if project.complexity == 'III' else 'I_II'}_{phase}"
