"""Fee standards (收费标准) and the baseline (参考基准) calculated from them: pure, exact, one rounding at the end.

`standards` reads the price tables, `figure` finds the table figure, `calculate` makes the baseline, `explain` puts
it into words, `cases` answers files of cases. The law of the calculation is data/README.md of this room.
"""

from market.catalogue.rules.calculate import Baseline, Factor, NoBaseline, baseline, supervision_base
from market.catalogue.rules.cases import load_cases, parse_coefficients, run_cases
from market.catalogue.rules.explain import coefficient_label, explain, key_label, kind_label, show_scale
from market.catalogue.rules.standards import (
    Coefficient,
    Kind,
    Standard,
    Standards,
    StandardsError,
    parse_standards,
    phase_of,
    stages_that_fit,
)

__all__ = [
    "Baseline",
    "Coefficient",
    "Factor",
    "Kind",
    "NoBaseline",
    "Standard",
    "Standards",
    "StandardsError",
    "baseline",
    "coefficient_label",
    "explain",
    "key_label",
    "kind_label",
    "load_cases",
    "parse_coefficients",
    "parse_standards",
    "phase_of",
    "run_cases",
    "show_scale",
    "stages_that_fit",
    "supervision_base",
]
