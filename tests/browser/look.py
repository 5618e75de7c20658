"""What holds for every page, whoever looks at it: axe, no overflow, one title, unique ids, targets, no refusal.

With script off the browser runs nothing of ours either, so the page as it stands is opened a second time in a
browser with script (`Walk.checked`), without the site's own script.
"""

import hashlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_PACKAGE = find_spec("axe_playwright_python")
assert _PACKAGE is not None and _PACKAGE.origin is not None
AXE = (Path(_PACKAGE.origin).parent / "axe.min.js").read_text("utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Hidden inputs and those inside a closed <details> have no box. A radio or box is hit by its whole label.
_FAULTS = """() => {
  const faults = [];
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) faults.push(`overflow: ${wide} px`);
  const h1 = document.querySelectorAll("h1").length;
  if (h1 !== 1) faults.push(`h1: ${h1}`);
  if (!document.title.trim()) faults.push("no title");
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) faults.push(`id twice: ${id}`);
  for (const e of document.querySelectorAll("[style], script:not([src]), style")) faults.push(`inline: ${e.tagName}`);
  for (const a of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(decodeURIComponent(a.hash.slice(1)))) faults.push(`link to nothing: ${a.hash}`);
  if (innerWidth > 400) return faults;
  for (const e of document.querySelectorAll("button, input, select, textarea, summary")) {
    const choice = e.matches("[type=radio], [type=checkbox]");
    const box = (choice ? e.closest("label") ?? e.parentElement : e).getBoundingClientRect();
    if (box.height && box.height < 43.5) faults.push(`${e.tagName} ${e.name ?? ""} ${box.height.toFixed(0)} px high`);
  }
  return faults;
}"""

_AXE = """async (tags) => {
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  return found.violations.map((v) => `${v.id} (${v.help}): ${v.nodes.map((n) => n.html).slice(0, 3).join(" | ")}`);
}"""


def faults_of(page: Page) -> list[str]:
    """Everything that is wrong with the page that `page` shows, in words. Needs script."""
    if not page.evaluate("() => typeof axe === 'object'"):
        page.evaluate(f"() => {{ {AXE} }}")
    found: list[str] = page.evaluate(_FAULTS)
    axe: list[str] = page.evaluate(_AXE, TAGS)
    return found + [f"axe: {v}" for v in axe]


def shape_of(html: str) -> str:
    """The elements of a page with their classes and ids, digits aside: pages of one shape differ in words alone."""
    tags = re.findall(r"<[a-z][^>]*>", html)
    kept = (re.sub(r'\b(?!class|id|lang|role|aria-\w+|type|open)[\w-]+="[^"]*"', "", tag) for tag in tags)
    return hashlib.sha256(re.sub(r"\d+", "0", "".join(kept)).encode()).hexdigest()


def weight_of(responses: list[Any]) -> tuple[int, int]:
    """Requests of a first view, and the bytes that came over the line for them (headers and compressed bodies)."""
    sizes = [r.request.sizes() for r in responses]
    return len(sizes), sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes)
