"""
Set up everything and run one task; needs only Python 3.11 or newer.

    python3 run.py reproduce      (Windows: py run.py reproduce)
    python3 run.py test           (Windows: py run.py test)

The first call makes the folder `.venv` beside this file and installs the project into it. Nothing
outside this folder is changed; delete `.venv` to start again. Tasks run in this folder, and
arguments after the task are passed on to it. Only the standard library is used, and no syntax
newer than Python 3.7, so that an old Python can still print which version is needed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STATE = VENV / "reesupply-run.json"
NEEDED = (3, 11)
UNFINISHED = "unfinished"

#: Every warning is an error, on all cores.
SPHINX = ("-n", "-W", "--keep-going", "-q", "-j", "auto")
# task: (extras it needs, commands for the Python of .venv, what it does)
TASKS = {
    "reproduce": (
        [],
        [["-m", "reesupply", "reproduce"]],
        "the main job: the balance to 2035 beside the published claims",
    ),
    "test": (["test"], [["-m", "pytest", "-n", "auto", "--dist", "worksteal"]], "all tests"),
    "lint": (
        ["lint", "test"],
        [["-m", "ruff", "check"], ["-m", "ruff", "format", "--check"], ["-m", "mypy"]],
        "style and types",
    ),
    "docs": (
        ["docs"],
        [["-m", "sphinx", *SPHINX, "docs", "docs/_build/html"]],
        "the documentation, into docs/_build/html",
    ),
    "notebooks": (["test"], [["-m", "pytest", "tests/test_notebooks.py"]], "every notebook"),
    "data": (
        ["data"],
        [["-m", "frictionless", "validate", "src/reesupply/data/datapackage.json"]],
        "the shipped data against their own description",
    ),
    "benchmark": (["test"], [["benchmarks/run.py"]], "time and memory of simulate()"),
    "performance": (
        ["test", "bench", "cluster", "compiled"],
        [["benchmarks/all.py"]],
        "all benchmarks, and one page of them",
    ),
}


def usage() -> str:
    """List the tasks."""
    lines = ["usage: python3 run.py TASK [arguments for the task]", ""]
    return "\n".join(lines + [f"  {name:<11} {about}" for name, (_, _, about) in TASKS.items()])


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would send packages or imports elsewhere."""
    unwanted = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PIP_USER": "0"}


def recipe() -> str:
    """Return a digest of all that makes an installed environment out of date."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode(), sys.version.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_state() -> dict[str, object]:
    """Return what an earlier run wrote about `.venv`, or nothing."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(key: str, extras: list[str], *, made_here: bool) -> None:
    """Note what `.venv` holds, and whether it was made here and may be replaced."""
    state = {"python": sys.version, "recipe": key, "extras": extras, "made_here": made_here}
    STATE.write_text(json.dumps(state, indent=1), encoding="utf-8")


def works() -> bool:
    """Whether the Python of `.venv` starts and is new enough."""
    check = f"import sys; sys.exit(sys.version_info < {NEEDED})"
    try:
        done = subprocess.run(
            [str(PYTHON), "-c", check], check=False, env=clean_environment(), capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


def make_environment(state: dict[str, object]) -> bool:
    """Create `.venv` where it is missing or of no use; return whether it was made here."""
    made_here = bool(state.get("made_here"))
    unfinished = state.get("recipe") == UNFINISHED or state.get("python") != sys.version
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if works() and (inside or not (made_here and unfinished)):
        return made_here
    if inside or (PYTHON.exists() and not made_here):
        sys.exit(f"{VENV} holds a Python that does not work or is too old; please delete it.")
    with_pip = importlib.util.find_spec("pip") is None
    if with_pip and importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            "This Python has neither pip nor ensurepip; install one of them first "
            "(Debian, Ubuntu: apt install python3-venv)."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    VENV.mkdir()
    write_state(UNFINISHED, [], made_here=True)
    # symlinks: a copied interpreter does not start on macOS framework builds
    venv.create(VENV, with_pip=with_pip, symlinks=os.name != "nt")
    return True


def pip_command() -> list[str]:
    """Return the pip that fills `.venv`: the host's works where ensurepip is missing (Debian)."""
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if inside or importlib.util.find_spec("pip") is None:
        return [str(PYTHON), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def install(extras: list[str]) -> None:
    """Bring `.venv` to the point where the project and these extras are installed in it."""
    key = recipe()
    state = read_state()
    fresh = state.get("recipe") == key and PYTHON.exists()
    listed = state.get("extras") if fresh else []
    present = [str(extra) for extra in listed] if isinstance(listed, list) else []
    missing = [extra for extra in extras if extra not in present]
    if fresh and not missing:
        return
    what = f"reesupply[{','.join(missing)}]" if missing else "reesupply"
    print(f"Installing {what} into {VENV}; the first time takes a minute or two ...", flush=True)
    made_here = make_environment(state)
    write_state(UNFINISHED, [], made_here=made_here)
    # all extras at once: those that are there would not be looked at, and may need other versions
    target = f"{ROOT}[{','.join(sorted({*present, *missing}))}]" if missing else str(ROOT)
    # pip itself too: without it, an activated .venv would fall back on the pip of the host
    options = ["install", "-qq", "--disable-pip-version-check", "pip", "-e", target]
    command = [*pip_command(), *options]
    status = subprocess.call(command, cwd=str(ROOT), env=clean_environment())
    if status == 0:
        write_state(key, sorted({*present, *missing}), made_here=made_here)
        return
    if fresh:  # pip changes nothing when it finds no solution: what was there still works
        write_state(key, present, made_here=made_here)
    sys.exit(f"The installation stopped with status {status}; its message is above.")


def main(arguments: list[str]) -> int:
    """Run one task and return its exit status."""
    if sys.version_info[:2] < NEEDED:
        sys.exit(f"reesupply needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
    if not arguments or arguments[0] not in TASKS:
        print(usage())
        return 0 if arguments[:1] in (["-h"], ["--help"]) else 2
    extras, commands, _ = TASKS[arguments[0]]
    try:
        install(extras)
        for position, command in enumerate(commands, start=1):
            passed_on = arguments[1:] if position == len(commands) else []
            full = [str(PYTHON), *command, *passed_on]
            status = subprocess.call(full, cwd=str(ROOT), env=clean_environment())
            if status != 0:
                return status if status > 0 else 128 - status
    except subprocess.CalledProcessError as error:
        sys.exit(f"{VENV} could not be made: {error}")
    except (OSError, ValueError) as error:
        sys.exit(f"{VENV} cannot be made or used: {error}.")
    except KeyboardInterrupt:
        sys.exit("Stopped; run the same command again to go on.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
