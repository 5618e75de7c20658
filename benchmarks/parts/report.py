"""One line a figure: its name, its value, the goal it is held to. A goal that is missed is said and fails the run."""

import sys
from dataclasses import dataclass, field
from statistics import median


@dataclass
class Report:
    """The lines of one benchmark."""

    missed: int = field(default=0)

    def say(self, text: str) -> None:
        """A line without a goal."""
        print(text, flush=True)

    def hold(self, text: str, value: float, least: float | None = None, most: float | None = None) -> None:
        """A line with its goal."""
        ok = (least is None or value >= least) and (most is None or value <= most)
        goal = f"≥ {least:g}" if least is not None else f"≤ {most:g}"
        self.missed += not ok
        print(f"{text}  [{goal}: {'met' if ok else 'MISSED'}]", flush=True)

    def end(self) -> None:
        """Leave with 1 if a goal was missed."""
        if self.missed:
            print(f"{self.missed} goal(s) MISSED")
        sys.exit(1 if self.missed else 0)


def middle(values: list[float]) -> float:
    """The median: two cores shared with other work make single rounds worth little."""
    return median(values)
