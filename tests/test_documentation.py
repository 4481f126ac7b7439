"""What the documentation shows and is not executed when it is built: it runs, and it is true."""

from __future__ import annotations

import doctest
import importlib
import re
import tomllib
from pathlib import Path

import pytest

import reesupply as rs

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
EXAMPLES = [
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(SOURCE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_docstrings_hold(name: str) -> None:
    """What is behind >>> runs and prints what stands below it."""
    found = doctest.testmod(importlib.import_module(name))

    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("page", ["docs/index.md", "docs/tutorials/first-balance.md"])
def test_code_for_newcomers_runs(page: str) -> None:
    """The blocks of a page run from top to bottom, with fewer draws."""
    code = "".join(blocks(page, "python"))
    fewer = code.replace("16_384", "1_024").replace("reproduce()", "reproduce(draws=1_024)")

    assert "simulate(" in code
    exec(compile(fewer, page, "exec"), {})


@pytest.mark.parametrize(
    ("page", "text"),
    [(p, t) for p in ("README.md", "docs/how-to/own-scenario.md") for t in blocks(p, "toml")],
)
def test_scenarios_of_the_documentation_are_valid(tmp_path: Path, page: str, text: str) -> None:
    """A scenario file that a reader copies compiles; one without a base is a part of one."""
    file = tmp_path / "shown.toml"
    start = "" if "base" in tomllib.loads(text) else 'base = "baseline"\n'
    file.write_text(start + text, encoding="utf-8")

    assert rs.compile(file).scenario.changes, page


def test_the_readme_names_the_requirements() -> None:
    """Those that are installed with the package, all of them, in one sentence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.split(r"[<>=~]", each)[0] for each in project["dependencies"]}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sentence = re.search(r"Python 3\.\d+ or newer; (.*?)\.", readme, flags=re.DOTALL)

    assert sentence is not None
    assert set(re.findall(r"\w+", sentence.group(1))) - {"and"} == required
