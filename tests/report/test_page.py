"""The page of a report: its structure, its numbers, the same bytes, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import reesupply as rs
from pages import Node, column, heads, numbers, parse, rows
from reesupply.analysis.claims import shipped_discrepancies
from reesupply.analysis.sensitivity.door import REST
from reesupply.report.page import Effort, Evidence, page_date, page_of, render, write_page
from reesupply.report.page.matching import least_shift_parts
from reesupply.report.page.names import input_words, row_names
from reesupply.report.page.parts import UNKNOWN, Table, percent, tonnes
from reesupply.report.page.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

ASSETS = Path(render.__file__).parent / "assets"
#: Little beside the run, as for the page of the fixtures.
EFFORT = Effort(between=0, vintages=(2018,), hindcasts=200)
#: Names of the sections, from the top.
ORDER = (
    "headline",
    "claims",
    "balance",
    "waterfall",
    "belief",
    "sensitivity",
    "verification",
    "sources",
    "provenance",
)


@pytest.fixture(scope="module")
def page(html: str) -> Node:
    """The page as a tree."""
    return parse(html)


@pytest.fixture(scope="module")
def small() -> Evidence:
    """So few draws that no claim can be conditioned on."""
    return Evidence(rs.reproduce("slips", draws=64, rng=1), "2026-01-02", EFFORT)


@pytest.fixture(scope="module")
def small_html(small: Evidence) -> str:
    """Its page."""
    return page_of(small)


def close(found: list[float], expected: object) -> None:
    """Numbers are those of a table, to the digits that a page keeps."""
    np.testing.assert_allclose(found, np.asarray(expected, dtype=float), rtol=1e-11, atol=1e-12)


# ------------------------------------------------------------------------------- structure


def test_the_page_is_one_document(page: Node, html: str) -> None:
    """A language, a width for phones, one title, and sections in their order under headings."""
    assert html.startswith("<!doctype html>")
    assert page.one("html").attrs["lang"] == "en"
    viewport = [m.attrs for m in page.all("meta") if m.attrs.get("name") == "viewport"]
    assert viewport == [{"name": "viewport", "content": "width=device-width, initial-scale=1"}]
    assert page.one("h1").text == page.one("title").text
    assert [node.attrs["id"] for node in page.all("section")] == list(ORDER)
    levels = [node.tag for node in page.walk() if re.fullmatch(r"h[1-6]", node.tag)]
    assert levels[:2] == ["h1", "h2"]
    assert (levels.count("h1"), levels.count("h2")) == (1, len(ORDER))
    assert {"h3"} == {*levels} - {"h1", "h2"}


def test_identifiers_are_unique_and_what_refers_to_them_is_there(page: Node) -> None:
    """Links inside the page and labels lead somewhere."""
    names = [node.attrs["id"] for node in page.walk() if "id" in node.attrs]
    assert len(set(names)) == len(names)
    referred = [node.attrs["aria-labelledby"] for node in page.walk() if _labelled(node)]
    inside = [a.attrs["href"][1:] for a in page.all("a") if a.attrs["href"].startswith("#")]
    assert len(referred) > 10
    assert len(inside) > len(ORDER)
    assert {*referred, *inside} <= set(names)


def _labelled(node: Node) -> bool:
    return "aria-labelledby" in node.attrs


def test_every_table_can_be_read_aloud(page: Node) -> None:
    """A caption, headers with their scope, and as many cells in each row."""
    tables = page.all("table")
    assert len(tables) > 10
    for table in tables:
        assert table.one("caption").text
        assert [th.attrs["scope"] for th in table.one("thead").all("th")] == ["col"] * len(
            heads(table)
        )
        assert all(heads(table))
        assert len(rows(table)) > 0
        for first, *others in rows(table):
            assert (first.tag, first.attrs["scope"]) == ("th", "row")
            assert [cell.tag for cell in others] == ["td"] * (len(heads(table)) - 1)


def test_every_figure_says_what_it_shows(page: Node) -> None:
    """Alternative text, a caption, and a picture that is XML with paths in it."""
    figures = page.all("figure")
    assert len(figures) >= 7
    for figure in figures:
        assert len(figure.one("img").attrs["alt"]) > 60
        assert figure.one("figcaption").text
        for uri in _uris(figure):
            head, _, data = uri.partition(",")
            assert head == "data:image/svg+xml;base64"
            root = ET.fromstring(base64.b64decode(data, validate=True))
            assert len(root.findall(".//{http://www.w3.org/2000/svg}path")) > 10
    assert any(figure.all("source") for figure in figures)


def _uris(figure: Node) -> Iterator[str]:
    for node in (*figure.all("img"), *figure.all("source")):
        yield node.attrs.get("src") or node.attrs["srcset"]


def test_nothing_comes_from_elsewhere(page: Node, html: str) -> None:
    """Only the reader's click on a source leads to the network; the browser is told so."""
    for node in page.walk():
        for name in ("src", "srcset", "href", "action", "data", "poster", "background"):
            value = node.attrs.get(name, "")
            if node.tag == "a" and name == "href":
                assert value.startswith(("#", "https://", "http://"))
            elif value:
                assert value.startswith("data:")
        assert node.tag not in {"iframe", "object", "embed", "form", "base"}
        assert not [name for name in node.attrs if name.startswith("on")]
    style = page.one("style").text
    assert "@import" not in style
    assert "url(" not in style
    pictures = [base64.b64decode(u.partition(",")[2]) for f in page.all("figure") for u in _uris(f)]
    for picture in pictures:
        assert not re.findall(rb"(?:href|src)=\"(?!#|data:image/png;base64,)", picture)
        assert b"@import" not in picture
    script = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    policy = next(m.attrs["content"] for m in page.all("meta") if "http-equiv" in m.attrs)
    assert policy == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )


def test_text_of_a_scenario_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A title with markup is shown, not obeyed."""
    title = "</title><script>alert('1')</script> & \"more\""
    path = tmp_path / "mine.toml"
    path.write_text(f"title = {json.dumps(title)}\n", encoding="utf-8")
    monkeypatch.setattr(render, "SECTIONS", SECTIONS[-1:])
    html = page_of(Evidence(rs.reproduce(path, draws=64, rng=1), "2026-01-02"))
    page = parse(html)
    assert title in page.by_id("facts").text
    assert len(page.all("script")) == 2
    assert "<script>alert" not in html


def test_colours_can_be_told_apart() -> None:
    """Text has the contrast of 4.5 to 1 that WCAG 2.1 asks for, on every ground it stands on."""
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    colour = dict(re.findall(r"--(\w+): (#\w{6});", css))
    for text in ("ink", "faint", "mark", "link"):
        for ground in ("#ffffff", colour["soft"], colour["bar"]):
            if (text, ground) != ("faint", colour["bar"]):  # bars are behind ink only
                assert _contrast(colour[text], ground) >= 4.5, (text, ground)


def _contrast(one: str, other: str) -> float:
    light = sorted((_luminance(one), _luminance(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


# --------------------------------------------------------------------------------- numbers


def test_the_claims(page: Node, evidence: Evidence) -> None:
    """Every reading is there once, with the numbers of the reproduction, in the order of it."""
    found = evidence.found.claims
    names = {"t oxide/yr": "claims-t-oxide-yr", "t oxide": "claims-t-oxide", "1": "claims-shares"}
    assert set(found["unit"]) == set(names)
    for unit, group in found.groupby("unit"):
        table = page.by_id(names[str(unit)])
        for head, source in (
            ("Published", "value"),
            ("P5", "P5"),
            ("P50", "P50"),
            ("P95", "P95"),
            ("Claim falls at", "percentile"),
            ("z", "z"),
            ("Mean if believed", "conditioned"),
        ):
            close(numbers(table, head), group[source])
        marked = ["marked" in row.attrs.get("class", "") for row in table.one("tbody").children]
        assert marked == list(group["preferred"])
        shown = [cell.text for cell in column(table, "P50")]
        write = percent(1) if unit == "1" else tonnes
        assert shown == [write(value) for value in group["P50"]]


def test_the_joint_distance(page: Node, evidence: Evidence) -> None:
    """The claims and their sum, as the analysis has them."""
    found, table = evidence.found.joint, page.by_id("joint")
    close(numbers(table, "z"), found["z"])
    close(numbers(table, "Distance squared"), found["distance2"])
    close(numbers(table, "Nearer, of our draws"), found["percentile of draws"] / 100.0)
    assert rows(table)[-1][0].text == "jointly"


def test_the_balance_by_year(page: Node, evidence: Evidence) -> None:
    """Quantiles, chances of a deficit and first years, and bars as long as their chance."""
    result, table = evidence.result, page.by_id("years")
    assert numbers(table, "Year") == list(result.plan.years)
    for head, q in (("P5", 0.05), ("P50", 0.5), ("P95", 0.95)):
        close(numbers(table, head), result.quantile("balance", q, element="Dy+Tb"))
    chance = result.deficit_probability(element="Dy+Tb")
    close(numbers(table, "Any deficit"), chance)
    first = result.first_deficit_year()["probability"]
    close(numbers(table, "First deficit")[1:], [first[year] for year in result.plan.years[1:]])
    for cell, share in zip(column(table, "Any deficit"), np.asarray(chance), strict=True):
        assert cell.one("span").attrs["style"] == f"--share:{share:.4f}"


def test_the_waterfall(page: Node, evidence: Evidence) -> None:
    """The steps of the bridge, which add up to the last balance."""
    table = page.by_id("steps")
    change = numbers(table, "Change")
    close(change, evidence.found.bridge["change"])
    assert sum(change[:-1]) == pytest.approx(change[-1], abs=1e-6)


def test_what_a_belief_costs(page: Node, evidence: Evidence) -> None:
    """Each claim and all of them: diagnostics, and the balance under the weights."""
    result, table = evidence.result, page.by_id("costs")
    claims = [claim.name for claim in evidence.claims]
    assert claims == [
        "cru-deficit-2035.annual",
        "cru-mines-29.global-gross",
        "benchmark-91-2030.final-use",
    ]
    errors = shipped_discrepancies()
    soft = [rs.Target(name, sd=errors[name]) for name in claims]
    runs = [result.condition(name) for name in claims]
    runs += [result.condition(*soft), result.condition(*claims)]
    for head, name in (
        ("Effective draws", "effective draws"),
        ("KL, nats", "KL divergence"),
        ("Pareto k", "Pareto k"),
    ):
        diagnostics = [run.conditioning.diagnostics for run in runs if run.conditioning]
        close(numbers(table, head), [each.loc[name, "value"] for each in diagnostics])
    where: Any = {"year": 2035, "element": "Dy+Tb"}
    close(numbers(table, "P50"), [run.quantile("balance", 0.5, **where) for run in runs])
    jointly = runs[-1].conditioning
    assert jointly is not None
    shifts = jointly.shifts.head(12)
    close(numbers(page.by_id("shifts-2"), "Shift, sd"), shifts["shift"])
    assert [cell.one("small").text for cell in column(page.by_id("shifts-2"), "Input")] == list(
        shifts.index
    )
    left = page.by_id("leave-one-out")
    close(numbers(left, "KL, nats"), jointly.leave_one_out["KL divergence"])


def test_sensitivity_and_value_of_information(page: Node, evidence: Evidence) -> None:
    """The tables are those of `rs.sensitivity` and `rs.value_of_information`."""
    shares = rs.sensitivity(evidence.result)["value"].xs("shapley", level="measure")
    table = page.by_id("groups")
    assert [row[0].text for row in rows(table)] == [name for name in shares.index if name != REST]
    close(numbers(table, "Shapley effect"), shares.drop(REST))
    assert evidence.thresholds == (0.0, 500.0)
    worth = rs.value_of_information(evidence.result, below=-500.0)
    table = page.by_id("information-2")
    assert [row[0].text for row in rows(table)] == list(worth.index)
    close(numbers(table, "Saves, t"), worth["value"])


def test_between_two_scenarios(page: Node, evidence: Evidence) -> None:
    """Steps are those of `rs.decompose`; they and the parts of the balance add up."""
    found = evidence.between
    assert not isinstance(found, str)
    table, books = page.by_id("between"), page.by_id("books")
    close(numbers(table, "2035"), found.steps()["adds"])
    *steps, last = numbers(table, "2035")
    assert sum(steps) == pytest.approx(last, abs=1e-6)
    adds = numbers(books, "Adds to the deficit")
    assert sum(adds) == pytest.approx(last - steps[0], abs=1e-6)


def test_the_region(page: Node, evidence: Evidence) -> None:
    """What claims leave of the space of knobs, and which knobs they pull."""
    match = evidence.match
    assert not isinstance(match, str)
    close(numbers(page.by_id("region"), "Share of settings left"), match.volumes["share"])
    pull = match.region["pull"]
    close(numbers(page.by_id("knobs"), "Pull"), pull.sort_values(key=abs, ascending=False))


def test_the_least_shift(page: Node, evidence: Evidence) -> None:
    """Groups and inputs with their price; another scenario than the baseline has no such shift."""
    assert isinstance(evidence.shift, str)
    assert evidence.shift in page.by_id("belief").text
    other = Evidence(rs.reproduce(draws=256, rng=1), "2026-01-02", EFFORT)
    found = other.shift
    assert not isinstance(found, str)
    parts = {part.name: part for part in least_shift_parts(other) if isinstance(part, Table)}
    nats = [float(row.cells[2].key) for row in parts["shift-groups"].rows]
    close(nats, found.groups["nats"])
    assert sum(nats) == pytest.approx(found.nats)
    shifts = [float(row.cells[2].key) for row in parts["shift-inputs"].rows]
    close(shifts, found.inputs["shift"].head(len(shifts)))
    assert len(parts["shift-claims"].rows) == 3


def test_scores_of_the_past(page: Node, evidence: Evidence) -> None:
    """Every forecast of every quantity with its score, lost ones too."""
    summary = evidence.record.summary
    whole, parts = page.by_id("scores"), page.by_id("scores-by-quantity")
    close([*numbers(whole, "CRPS, log"), *numbers(parts, "CRPS, log")], _together(summary["crps"]))
    verdicts = [cell.text for cell in (*column(whole, "Verdict"), *column(parts, "Verdict"))]
    assert verdicts == list(_together(summary["verdict"]))
    assert "model worse" in verdicts
    assert "lost to a simpler or a published forecast in" in page.by_id("headline").text


def _together(column: Any) -> Any:
    """The rows of all quantities before those of single ones."""
    whole = column.index.get_level_values("quantity").str.startswith("all")
    return [*column[whole], *column[~whole]]


def test_the_headline_is_computed(page: Node, evidence: Evidence) -> None:
    """Its numbers are those of the run, rounded."""
    result = evidence.result
    where: Any = {"year": 2035, "element": "Dy+Tb"}
    low, middle, high = (float(result.quantile("balance", q, **where)) for q in (0.05, 0.5, 0.95))
    chance = float(result.probability("balance", below=0.0, **where))
    text = page.by_id("headline").text
    assert f"in {100 * chance:.0f} % of 2,048 simulated futures" in text
    for value in (low, middle, high):
        kind = "deficit" if value < 0.0 else "surplus"
        assert f"a {kind} of {abs(value):,.0f} t" in text
    done = evidence.beliefs[0].conditioning
    assert done is not None
    assert f"{done.divergence:.2f} nats" in text


def test_the_provenance(page: Node, evidence: Evidence) -> None:
    """What repeats the run is on the page, for people and for programs."""
    said = evidence.result.provenance
    facts = {row[0].text: row[1].text for row in rows(page.by_id("facts"))}
    assert facts["Scenario hash (SHA-256)"] == said["scenario_hash"]
    assert facts["Seed"] == "1"
    assert facts["Draws"] == "2,048"
    assert facts["Version of reesupply"] == rs.__version__
    assert facts["Page written"] == "2026-01-02"
    assert facts["Repeat it"] == "reesupply report SCENARIO.toml --draws 2048 --seed 1"
    assert len(rows(page.by_id("changes"))) == len(said["changes"]) == 2
    assert json.loads(page.by_id("provenance-json").text) == said


def test_sources_have_addresses(page: Node) -> None:
    """Each source of a claim is named, most with a link, and the others are folded away."""
    shown = page.by_id("sources-claims")
    assert len(rows(shown)) >= 5
    links = [a.attrs["href"] for a in shown.all("a")]
    assert len(links) >= 5
    assert all(link.startswith("http") for link in links)
    assert page.one("details").one("table").attrs["id"] == "sources-others"


def test_names_of_inputs_for_readers() -> None:
    """Names of projects and end uses, and symbols of elements, stand for their ids."""
    names = row_names(rs.load_scenario())
    words = input_words("trajectories.ev-cars.dy_fraction.world.change", names)
    assert words == f"{names['ev-cars']} · Dy fraction · change"
    assert input_words("projects.lofdal.works", names) == f"{names['lofdal']} · works"
    assert input_words("factors.policy-support", names) == "named factor · policy support"
    assert input_words("anchors.regime.value", names) == "anchors · regime"


# ------------------------------------------------------------------------ few draws, no draws


def test_a_refusal_is_printed(small: Evidence, small_html: str) -> None:
    """Where conditioning is refused the page says why, and has no numbers of it."""
    page = parse(small_html)
    verdicts = [cell.text for cell in column(page.by_id("costs"), "Verdict")]
    assert verdicts[0] == verdicts[-1] == "refused"
    first = small.beliefs[0]
    assert first.result is None
    assert "effective draws of 64 would be left" in first.said
    assert first.said.removeprefix("condition: ") in page.by_id("belief").text
    assert np.isnan(numbers(page.by_id("costs"), "KL, nats")[0])
    assert column(page.by_id("costs"), "KL, nats")[0].text == UNKNOWN


def test_what_few_draws_cannot_tell_is_left_open(small_html: str) -> None:
    """All sections are there, and the error of so few draws is said to be unknown."""
    page = parse(small_html)
    assert [node.attrs["id"] for node in page.all("section")] == list(ORDER)
    assert "their own error is not known" in page.by_id("provenance").text


def test_a_conditioned_run_is_refused(evidence: Evidence, tmp_path: Path) -> None:
    """The page sets untuned and conditioned side by side, so it starts from the former."""
    other = evidence.result.condition("cru-mines-29.global-gross")
    with pytest.raises(rs.ReesupplyError, match=r"result\.conditioning\.prior"):
        rs.Reproduction(other).report(tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


# --------------------------------------------------------------------------- same run, same page


def test_same_run_same_bytes_but_for_the_date(small_html: str) -> None:
    """Another number of workers changes nothing, another day only the day."""
    again = rs.reproduce("slips", draws=64, rng=1, workers=1)
    other = page_of(Evidence(again, "2031-12-30", EFFORT))
    assert other != small_html
    assert other.replace("2031-12-30", "2026-01-02") == small_html


def test_the_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument counts, then the variable of reproducible builds, then the clock."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert page_date("2026-05-31") == "2026-05-31"
    assert page_date() == "1970-01-02"
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", page_date())


@pytest.mark.parametrize("seconds", ["soon", "1e9", "99999999999999999999"])
def test_a_date_that_is_none(seconds: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what was found."""
    with pytest.raises(rs.ReesupplyError, match="date: found '31"):
        page_date("31.5.2026")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", seconds)
    with pytest.raises(rs.ReesupplyError, match=f"SOURCE_DATE_EPOCH: found '{seconds}'"):
        page_date()


# ---------------------------------------------------------------------------- nothing is lost


@pytest.fixture
def one_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the content is of no account one section is enough."""
    monkeypatch.setattr(render, "SECTIONS", SECTIONS[-1:])


@pytest.mark.usefixtures("one_section")
def test_a_page_is_written_and_replaced(small: Evidence, tmp_path: Path) -> None:
    """Folders are made, links are followed, and nothing is left beside the page."""
    path = tmp_path / "deep" / "page.html"
    assert small.found.report(path, "2026-01-02") == path
    first = path.read_bytes()
    link = tmp_path / "latest.html"
    link.symlink_to(path)
    write_page(small.found, link, "2026-01-03")
    assert link.is_symlink()
    assert path.read_bytes() != first
    assert path.read_bytes().replace(b"2026-01-03", b"2026-01-02") == first
    assert [each.name for each in path.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError, OSError])
def test_an_earlier_page_stays_whole(
    small: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException]
) -> None:
    """Stopped while it is made or written, the old page is there and no draft."""
    path = tmp_path / "page.html"
    path.write_text("the old page", encoding="utf-8")

    def fail(*_: object) -> None:
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr(render, "page_of", fail)
        with pytest.raises(stop):
            write_page(small.found, path)
    monkeypatch.setattr(render, "SECTIONS", SECTIONS[-1:])
    monkeypatch.setattr(Path, "replace", fail)
    expected = rs.ReesupplyError if stop is OSError else stop
    with pytest.raises(expected):
        write_page(small.found, path)
    assert path.read_text(encoding="utf-8") == "the old page"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "found a folder"),
        ("page.pdf", "'.pdf', allowed is .html"),
        ("file/page.html", "cannot"),
    ],
)
def test_where_no_page_can_be(small: Evidence, tmp_path: Path, name: str, text: str) -> None:
    """One sentence, and nothing is touched."""
    (tmp_path / "file").write_text("years of work", encoding="utf-8")
    with pytest.raises(rs.ReesupplyError, match=re.escape(text)) as error:
        write_page(small.found, tmp_path / name)
    assert "\n" not in str(error.value)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
