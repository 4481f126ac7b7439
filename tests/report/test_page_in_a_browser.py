"""The page in a headless Chromium: silent, complete, sortable, readable on a phone and on paper."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the extra browser is not installed", exc_type=ImportError
)

#: Chromium as distributions and vendors call it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
A4_INSIDE = 688  # CSS pixels between the margins of a printed page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that is on this machine; CHROMIUM names one elsewhere."""
    given = os.environ.get("CHROMIUM")
    path = given or next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium here")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path)
        yield browser
        browser.close()


class Watched:
    """A page and all that it complained of or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(5_000)
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))


@pytest.fixture(scope="module")
def desktop(browser: Browser, page_file: Path) -> Iterator[Watched]:
    """The page on a desk."""
    watched = Watched(browser.new_page(viewport={"width": 1280, "height": 900}))
    watched.page.goto(page_file.as_uri())
    yield watched
    watched.page.close()


@pytest.fixture(scope="module")
def phone(browser: Browser, page_file: Path) -> Iterator[Page]:
    """The page on a phone of 360 pixels."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, device_scale_factor=2, is_mobile=True
    )
    page = context.new_page()
    page.goto(page_file.as_uri())
    yield page
    context.close()


def columns(page: Page, table: str, place: int) -> list[Any]:
    """Return what a column is sorted by, from the top."""
    script = """([name, place]) => [...document.getElementById(name).tBodies[0].rows]
        .map(row => row.cells[place].dataset.key)"""
    found = page.evaluate(script, [table, place])
    assert isinstance(found, list)
    return found


def sort_by(page: Page, table: str, head: str) -> str | None:
    """Click a header; return how the column says it is sorted."""
    cell = page.locator(f"#{table} thead th", has=page.get_by_role("button", name=head, exact=True))
    cell.get_by_role("button").click()
    order: str | None = cell.get_attribute("aria-sort")
    return order


# --------------------------------------------------------------------------------- on a desk


def test_it_opens_in_silence(desktop: Watched, page_file: Path) -> None:
    """No message on the console, and nothing asked for but the file and what is in it."""
    assert desktop.said == []
    assert desktop.asked[0] == page_file.as_uri()
    assert all(url.startswith("data:") for url in desktop.asked[1:])


def test_the_images_are_there(desktop: Watched) -> None:
    """Each is decoded and has a size on the page."""
    script = """() => Promise.all([...document.images].map(
        image => image.decode().then(() => [image.naturalWidth, image.clientWidth])))"""
    sizes = desktop.page.evaluate(script)
    assert len(sizes) >= 7
    assert all(natural > 200 and shown > 300 for natural, shown in sizes)


def test_a_table_sorts_by_a_click(desktop: Watched) -> None:
    """Numbers fall, rise, and come back to the order they had; one column at a time."""
    page, table = desktop.page, "claims-t-oxide-yr"
    given = columns(page, table, 5)
    as_numbers = sorted(map(float, given))
    assert sort_by(page, table, "P50") == "descending"
    assert list(map(float, columns(page, table, 5))) == as_numbers[::-1]
    assert sort_by(page, table, "P50") == "ascending"
    assert list(map(float, columns(page, table, 5))) == as_numbers
    assert sort_by(page, table, "P50") is None
    assert columns(page, table, 5) == given
    assert sort_by(page, table, "Claim") == "ascending"
    names = columns(page, table, 0)
    assert names == sorted(names, key=str.lower)
    assert sort_by(page, table, "z") == "descending"
    assert page.locator(f"#{table} [aria-sort]").count() == 1
    for _ in range(2):
        sort_by(page, table, "z")
    assert columns(page, table, 5) == given


def test_what_is_not_known_comes_last(desktop: Watched) -> None:
    """A claim without spread has no z, up or down."""
    page, table = desktop.page, "claims-shares"
    assert "" in columns(page, table, 8)
    for way in ("descending", "ascending"):
        assert sort_by(page, table, "z") == way
        assert columns(page, table, 8)[-1] == ""
        assert "" not in columns(page, table, 8)[:-1]
    sort_by(page, table, "z")


def test_a_table_sorts_from_the_keyboard(desktop: Watched) -> None:
    """A header is a button that a key presses."""
    page = desktop.page
    page.locator("#years").get_by_role("button", name="P5", exact=True).focus()
    page.keyboard.press("Enter")
    assert page.locator("#years [aria-sort=descending]").count() == 1
    keys = list(map(float, columns(page, "years", 1)))
    assert keys == sorted(keys, reverse=True)
    for _ in range(2):
        page.keyboard.press("Enter")
    assert page.locator("#years [aria-sort]").count() == 0


def test_every_table_of_several_rows_can_be_sorted(desktop: Watched) -> None:
    """Each header of each has its button."""
    script = """() => [...document.querySelectorAll("main table")].map(table => [
        table.tBodies[0].rows.length,
        table.tHead.rows[0].cells.length,
        table.querySelectorAll("thead button").length])"""
    found = desktop.page.evaluate(script)
    assert len(found) > 10
    for lines, heads, buttons in found:
        assert buttons == (heads if lines > 1 else 0)


# --------------------------------------------------------------------------------- on a phone


def test_a_phone_scrolls_down_only(phone: Page) -> None:
    """Wide tables and charts scroll by themselves; the page does not."""
    script = "() => [document.documentElement.scrollWidth, window.innerWidth]"
    assert phone.evaluate(script) == [360, 360]
    wide = """() => [...document.querySelectorAll(".scroll")]
        .filter(each => each.scrollWidth > each.clientWidth + 1).length"""
    assert phone.evaluate(wide) > 5
    # what is wide can be reached from the keyboard too
    assert phone.locator(".scroll:not([tabindex])").count() == 0


def test_a_phone_has_charts_of_its_own(phone: Page, desktop: Watched) -> None:
    """The fan is drawn for the width of a phone, with type as large as it is meant to be."""
    script = "() => document.querySelector('#figure-balance img').currentSrc.length"
    size = """() => {
        const image = document.querySelector("#figure-balance img");
        return [image.clientWidth, image.naturalWidth];
    }"""
    assert phone.evaluate(script) != desktop.page.evaluate(script)
    shown, natural = phone.evaluate(size)
    assert 0.85 < shown / natural <= 1.1


def test_type_is_not_small_on_a_phone(phone: Page) -> None:
    """No text below 11.5 pixels."""
    script = """() => Math.min(...[...document.querySelectorAll("body *")]
        .filter(each => each.textContent.trim() && each.checkVisibility())
        .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
    assert phone.evaluate(script) >= 11.5


# ---------------------------------------------------------------------- on paper, without script


def test_it_prints(browser: Browser, page_file: Path) -> None:
    """Nothing is cut at the side of an A4 page, the contents are left out, a PDF comes out."""
    page = browser.new_page(viewport={"width": A4_INSIDE, "height": 1000})
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= A4_INSIDE
    cut = """() => [...document.querySelectorAll(".scroll, picture, table")]
        .filter(each => each.getBoundingClientRect().right > innerWidth + 1)
        .map(each => each.outerHTML.slice(0, 80))"""
    assert page.evaluate(cut) == []
    assert not page.locator("nav").is_visible()
    assert page.locator("#headline").is_visible()
    pdf = page.pdf(prefer_css_page_size=True)
    page.close()
    assert pdf.startswith(b"%PDF")
    pages = pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type/Page/")
    assert 5 <= pages <= 25


def test_it_can_be_read_without_script(browser: Browser, page_file: Path) -> None:
    """Tables, charts and sources are there where scripts are off."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("#claims table").count() == 4
    assert page.locator("thead button").count() == 0
    page.locator("summary").click()
    assert page.locator("#sources-others").is_visible()
    context.close()
