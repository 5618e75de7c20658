"""A person at a browser: opens pages, clicks, types; every page that comes is looked at, every act is counted."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Response, Route, expect

from tests.browser.look import faults_of, shape_of

TOUR = os.environ.get("TOUR")
"""A folder to put the pictures of docs/tour.md into; empty: none are made."""
HEIGHT, TALL = 800, 1000
"""Pixels of a screen, and of the tallest picture."""


@dataclass
class Effort:
    """Clicks made and fields typed or chosen in a stretch of the way (ux.md §1: C and F)."""

    clicks: int = 0
    fields: int = 0


@dataclass
class Eyes:
    """How somebody looks at the site."""

    width: int = 1280
    script: bool = True
    seen: set[str] = field(default_factory=set)
    """Shapes of pages looked at: a second page of the same elements in the same place needs no second look."""


class Walk:
    """One person with a browser of their own (cookies are not shared)."""

    def __init__(self, browser: Browser, address: str, eyes: Eyes, shots: str | None = None) -> None:
        self._address, self._eyes, self._shots = address, eyes, shots
        size: Any = {"width": eyes.width, "height": HEIGHT}
        more: dict[str, Any] = {"viewport": size, "locale": "zh-CN", "reduced_motion": "reduce"}
        self._context = browser.new_context(java_script_enabled=eyes.script, base_url=address, **more)
        self.page: Page = self._context.new_page()
        self._glass = None if eyes.script else browser.new_context(**more).new_page()
        self._efforts: list[Effort] = []
        self._troubles: list[str] = []
        self._asked: list[int] = []
        self.page.on("console", lambda m: self._trouble(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self._trouble(str(e)))
        for page in filter(None, (self.page, self._glass)):
            page.set_default_timeout(15_000)

    def close(self) -> None:
        """Leave."""
        self._context.close()
        if self._glass is not None:
            self._glass.context.close()

    def _trouble(self, text: str) -> None:
        # A refusal's page has a status of its own, which Chromium calls an error of the resource.
        if not re.search(r"status of 4(03|04|09|10|22)", text):
            self._troubles.append(text)

    # ── ways to another page ────────────────────────────────────────────────────────────────────────────────────

    def open(self, path: str, status: int = 200) -> None:
        """Type an address."""
        answer = self.page.goto(path)
        assert answer is not None and answer.status == status, f"{path}: {answer and answer.status}"
        self.look()

    def click(self, name: str, inside: str = "body") -> None:
        """Click the first link or button in sight whose name begins so, and look at the page that comes."""
        target = self._named(name, inside)
        with self.page.expect_navigation():
            target.click()
        self._count(clicks=1)
        self.look()

    def _named(self, name: str, inside: str) -> Locator:
        begins = re.compile(rf"^\s*{re.escape(name)}")
        room = self.page.locator(inside)
        found = room.get_by_role("link", name=begins).or_(room.get_by_role("button", name=begins))
        return found.filter(visible=True).first

    def reload_until(self, text: str, tries: int = 60) -> None:
        """Load the page again until another process has done its part; without script this is all there is."""
        for _ in range(tries):
            if self.page.get_by_text(text).filter(visible=True).count():
                self.look()
                return
            self.page.wait_for_timeout(300)
            self.page.reload()
        raise AssertionError(f"“{text}” did not come: {self.page.inner_text('main')[:1500]}")

    # ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────

    def type(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self._field(label).fill(text)
        self._count(fields=1)

    def correct(self, label: str, text: str) -> None:
        """Type once more what was refused; it is the same field, so it counts no second time."""
        self._field(label).fill(text)

    def choose_day(self, day: str) -> None:
        """Choose a day of the calendar by its ISO date."""
        self.page.locator(f"#day-{day}").check()
        self._count(fields=1)

    def pick(self, label: str, option: str) -> None:
        """Choose a line of a drop-down."""
        self._field(label).select_option(label=option)
        self._count(fields=1)

    def tick(self, label: str, inside: str = "main") -> None:
        """Tick a box or choose a radio by its own words."""
        begins = re.compile(rf"^\s*{re.escape(label)}")
        self.page.locator(inside).locator("label", has_text=begins).filter(visible=True).first.locator("input").check()
        self._count(fields=1)

    def attach(self, label: str, name: str, data: bytes, mime: str) -> None:
        """Choose a file."""
        self._field(label).set_input_files({"name": name, "mimeType": mime, "buffer": data})
        self._count(fields=1)

    def unfold(self, summary: str) -> None:
        """Open a part that is folded, if it is."""
        part = self.page.locator("details", has=self.page.locator("summary", has_text=summary)).first
        if part.get_attribute("open") is None:
            part.locator("summary").click()

    def _field(self, label: str) -> Locator:
        return self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}")).filter(visible=True).first

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────

    def sees(self, *texts: str) -> None:
        """All these words are in sight."""
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)

    def sees_no(self, *texts: str) -> None:
        """None of these words is on the page."""
        for text in texts:
            expect(self.page.locator("body")).not_to_contain_text(text)

    def kept(self, label: str, text: str) -> None:
        """What was typed is still there."""
        expect(self._field(label)).to_have_value(text)

    def look(self) -> None:
        """The page must be sound as it stands, at this width."""
        where = f"{self.page.url.removeprefix(self._address)} at {self._eyes.width} px"
        shape = f"{self._eyes.width} {shape_of(self.page.content())}"
        if shape in self._eyes.seen and not self._troubles:
            return
        faults = faults_of(self.page if self._glass is None else self._through_glass())
        assert not faults, f"{where}: " + "\n".join(faults)
        assert not self._troubles, f"{where}: {self._troubles}"
        self._eyes.seen.add(shape)

    def _through_glass(self) -> Page:
        """The same HTML in a browser with script, where axe can run; the site's own script stays out."""
        assert self._glass is not None
        html, url = self.page.content(), self.page.url.partition("#")[0]

        def answer(route: Route) -> None:
            if route.request.is_navigation_request():
                route.fulfill(body=html, content_type="text/html; charset=utf-8")
            elif "site.js" in route.request.url:
                route.fulfill(body="", content_type="text/javascript")
            else:
                route.continue_()

        self._glass.unroute_all()
        self._glass.route("**/*", answer)
        self._glass.goto(url)
        return self._glass

    def look_at(self, *widths: int, languages: tuple[str, ...] = ("zh", "en")) -> None:
        """Look at this page in each language at each width, and come back to where we were."""
        path = self.page.url.removeprefix(self._address)
        for lang in languages:
            if lang == "en":
                self.page.goto(f"/en{path}")
            for width in widths:
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
                kept, self._eyes.width = self._eyes.width, width
                try:
                    self.look()
                finally:
                    self._eyes.width = kept
            self.page.set_viewport_size({"width": self._eyes.width, "height": HEIGHT})
        if self.page.url.removeprefix(self._address) != path:
            self.page.goto(path)

    def in_english(self, *texts: str, shot: str = "") -> None:
        """The twin of this page says these words, and is as sound."""
        path = self.page.url.removeprefix(self._address)
        self.open(f"/en{path}")
        expect(self.page.locator("html")).to_have_attribute("lang", "en")
        self.sees(*texts)
        if shot:
            self.shoot(shot)
        self.page.goto(path)

    def shoot(self, name: str, full: bool = False, phone: bool = False) -> None:
        """Keep a picture for docs/tour.md: the first screen, or with `full` what lies below it too.

        On a phone only what is marked `phone` is kept: the folder is to stay small.
        """
        narrow = self._eyes.width < 400
        if not TOUR or self._shots is None or (narrow and not phone):
            return
        Path(TOUR).mkdir(parents=True, exist_ok=True)
        page = self.page.locator("html").bounding_box()
        tall = min(page["height"], TALL) if full and page else HEIGHT
        clip: Any = {"x": 0, "y": 0, "width": self._eyes.width, "height": tall}
        self.page.screenshot(path=Path(TOUR) / f"{name}{self._shots}.png", full_page=full, clip=clip)

    # ── counting ────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def at_most(self, clicks: int, fields: int) -> Iterator[Effort]:
        """A stretch of the way that must not take more than this."""
        effort = Effort()
        self._efforts.append(effort)
        yield effort
        self._efforts.remove(effort)
        assert effort.clicks <= clicks and effort.fields <= fields, f"{effort} where {clicks}/{fields} is the ceiling"

    def _count(self, clicks: int = 0, fields: int = 0) -> None:
        for effort in self._efforts:
            effort.clicks += clicks
            effort.fields += fields

    # ── the ways everybody goes ─────────────────────────────────────────────────────────────────────────────────

    def sign_in(self, email: str, password: str) -> None:
        """Sign in from the first page."""
        self.open("/")
        self.click("登录")
        self.type("电子邮箱", email)
        self.type("密码", password)
        self.click("登录", "main")

    def first_view(self, path: str) -> list[Response]:
        """Every response of opening a page with an empty cache."""
        found: list[Response] = []
        self.page.on("response", lambda response: found.append(response))
        self.page.goto(path, wait_until="networkidle")
        return found
