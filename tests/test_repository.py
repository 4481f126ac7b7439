"""What the files around the code promise, and what must not be in any of them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import reesupply

ROOT = Path(__file__).parents[1]
README_COMMANDS = ("python3 run.py reproduce", "python3 run.py test")

# Written so that they do not match themselves: folders of somebody's machine, package registries.
MACHINE_PATH = re.compile(rb"(?<![\w.\-])/(?:work|root|home|Users)/|\b[A-Z]:\\+Users\\", re.ASCII)
REGISTRY = re.compile(rb"pythonhosted\.org|\bpypi\.org|registry\.npmjs|conda\.anaconda", re.ASCII)
NOT_OURS = ("docs/_static/mathjax/",)


def project_version() -> str:
    """Return the version of `pyproject.toml`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def tracked_files() -> list[Path]:
    """Return all files that are, or are about to be, in version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    names = [name for name in listed.decode().split("\0") if name]
    return [ROOT / n for n in names if not n.startswith(NOT_OURS) and (ROOT / n).is_file()]


def test_the_version_is_the_same_everywhere() -> None:
    """A release changes pyproject.toml, CITATION.cff and the changelog together."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    found = re.search(r"^version: *[\"']?([^\s\"']+)", citation, flags=re.MULTILINE)

    assert found is not None
    assert found.group(1) == project_version()
    assert reesupply.__version__ == project_version()
    assert f"\n## {project_version()}" in changelog


def test_the_licence_is_there_and_is_the_one_named() -> None:
    """The licence that pyproject.toml names is the text in LICENSE."""
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")

    assert "Apache License" in licence
    assert "Version 2.0" in licence
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_readme_gives_the_two_commands_near_the_top() -> None:
    """A newcomer finds both commands on the first screen."""
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40]

    for command in README_COMMANDS:
        assert any(command in line for line in first_screen)


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    """What the README promises is what is tested before a merge."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert '"$python" run.py test' in script


def test_every_public_name_is_in_the_reference() -> None:
    """A name that is exported is documented."""
    reference = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    documented = {line.strip() for line in reference.splitlines()}

    missing = {n for n in reesupply.__all__ if not n.startswith("_")} - documented

    assert missing == set()


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["machine path", "registry"])
def test_no_file_mentions_a_machine(pattern: re.Pattern[bytes]) -> None:
    """The repository works anywhere and points to no registry of its own."""
    offenders = [
        f"{path.relative_to(ROOT)}: {found.group().decode(errors='replace')}"
        for path in tracked_files()
        if (found := pattern.search(path.read_bytes()))
    ]

    assert offenders == []
