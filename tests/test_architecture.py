"""
The structure of the package, checked on its source.

The order and its reasons are in docs/architecture.md. A rule that has to be broken is changed here,
with the reason, in the same change.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "reesupply"

# From left to right; nothing imports to its right. Modules of one level may know each other.
LEVELS = (
    {"errors", "units"},
    {"distributions", "sampling"},
    {"models"},
    {"scenario"},
    {"engine", "result", "compiled"},
    {"analysis"},
    {"plots", "report", "export"},
    {"cli", "__init__", "__main__"},
)
LEVEL = {name: number for number, names in enumerate(LEVELS) for name in names}

# Methods of a Result that lead on to an outer layer (`result.plot`, `result.to_iamc()`); allowed
# only inside a function, or for type checkers.
DOORS = {
    ("result", "analysis"),
    ("result", "plots"),
    ("result", "report"),
    ("result", "export"),
    ("analysis", "report"),  # text() and .write() of Reproduction, Decomposition, Verification
    ("analysis", "plots"),  # plot() of Comparison, Decomposition, BackTest, Verification
}

# scipy.sparse: a product of a sparse matrix adds up rows of a table for the draws of a block
MODELS_MAY_IMPORT = {"numpy", "numpy.typing", "scipy.special", "scipy.sparse"}
MODELS_MAY_IMPORT_STDLIB = {
    *("__future__", "abc", "collections.abc", "dataclasses", "functools", "typing")
}
MODELS_MAY_IMPORT_OURS = {"reesupply.errors", "reesupply.units"}

HEAVY = ("pandas", "scipy.stats", "matplotlib", "statsmodels", "xarray", "pydantic", "numba")
MODULE_LINES = 400
FUNCTION_LINES = 60


@dataclass(frozen=True)
class Import:
    """One imported module, and whether the import runs when its own module is loaded."""

    place: str
    source: str
    target: str
    at_load: bool


def modules() -> list[Path]:
    """Return every Python file of the package."""
    return sorted(SOURCE.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """Return the parsed source of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def dotted(path: Path) -> str:
    """Return the module name of a file."""
    parts = ("reesupply", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


def is_module(name: str) -> bool:
    """Whether a dotted name of ours is a file or a folder, not a name inside one."""
    place = SOURCE.joinpath(*name.split(".")[1:])
    return place.with_suffix(".py").is_file() or place.is_dir()


def targets(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules that a statement imports; `from scipy import special` is scipy.special."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if base.split(".")[0] == "reesupply":
        return [n if is_module(n := f"{base}.{alias.name}") else base for alias in node.names]
    if base == "scipy":
        return [f"scipy.{alias.name}" for alias in node.names]
    return [base]


def for_type_checkers(node: ast.stmt) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(path: Path) -> list[Import]:
    """Return all imports of a file, those inside functions too."""
    found: list[Import] = []

    def visit(node: ast.AST, *, at_load: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            place = f"{path.relative_to(SOURCE)}:{node.lineno}"
            found.extend(Import(place, dotted(path), name, at_load) for name in targets(node))
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            late = inside or (isinstance(child, ast.stmt) and for_type_checkers(child))
            visit(child, at_load=at_load and not late)

    visit(tree(path), at_load=True)
    return found


def part(name: str) -> str:
    """Return which part of the package a module belongs to: `reesupply.models.rampup` -> models."""
    pieces = name.split(".")
    return pieces[1] if len(pieces) > 1 else "__init__"


def test_every_module_has_a_level() -> None:
    """A new part of the package is given its place in the order before anything uses it."""
    parts = {part(dotted(path)) for path in modules()} - {"data"}

    assert parts <= set(LEVEL)


def test_nothing_imports_to_its_right() -> None:
    """What comes later in the way of the data is unknown to what comes before."""
    wrong = []
    for found in (one for path in modules() for one in imports_of(path)):
        if not found.target.startswith("reesupply"):
            continue
        source, target = part(found.source), part(found.target)
        door = (source, target) in DOORS and not found.at_load
        if not door and LEVEL[source] < LEVEL.get(target, 0):
            wrong.append(f"{found.place} imports {found.target}")

    assert wrong == []


def model(name: str) -> str:
    """Return the model that a module is or is a part of: reesupply.models.<model>[.<part>]."""
    return ".".join(name.split(".")[:3])


def test_models_are_arithmetic_only() -> None:
    """A model imports numpy, scipy.special and scipy.sparse, no other model, nothing that reads."""
    allowed = MODELS_MAY_IMPORT | MODELS_MAY_IMPORT_STDLIB | MODELS_MAY_IMPORT_OURS
    wrong = [
        f"{found.place} imports {found.target}"
        for path in sorted((SOURCE / "models").rglob("*.py"))
        if path != SOURCE / "models" / "__init__.py"
        for found in imports_of(path)
        if found.target not in allowed and model(found.target) != model(found.source)
    ]

    assert wrong == []


def test_models_draw_no_random_number() -> None:
    """Random numbers come as arrays from outside."""
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sorted((SOURCE / "models").rglob("*.py"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"np.random", "numpy.random"}
    ]

    assert wrong == []


def test_the_engine_does_not_know_what_dysprosium_is() -> None:
    """Elements are data: the engine and the models name none."""
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.value!r}"
        for folder in ("engine", "models")
        for path in sorted((SOURCE / folder).rglob("*.py"))
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and node.value in {"Dy", "Tb", "dy", "tb"}
    ]

    assert wrong == []


def test_the_import_is_light() -> None:
    """Heavy packages are loaded by the function that uses them, not by `import reesupply`."""
    code = f"import sys, reesupply; print(*[n for n in {HEAVY!r} if n in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.split() == []


def test_modules_are_short() -> None:
    """A newcomer reads a module in one sitting."""
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    }

    assert long == {}


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, text: list[str]) -> int:
    """Count the lines of a function without its docstring, blank lines and comments."""
    first, last = node.lineno, node.end_lineno or node.lineno
    body = node.body[0]
    skipped: range = range(0)
    if isinstance(body, ast.Expr) and ast.get_docstring(node) is not None:
        skipped = range(body.lineno, (body.end_lineno or body.lineno) + 1)
    return sum(
        bool(line := text[number - 1].strip()) and not line.startswith("#")
        for number in range(first, last + 1)
        if number not in skipped
    )


def test_functions_fit_a_screen() -> None:
    """A function is read without scrolling."""
    long = {
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}": lines
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := code_lines(node, path.read_text(encoding="utf-8").splitlines()))
        > FUNCTION_LINES
    }

    assert long == {}
