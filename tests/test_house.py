"""The house: who may import whom, and that every module has its tests."""

from __future__ import annotations

import ast
import gc
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ticker"
ROW = re.compile(r"^\| *(\d+) *\| *(.+?) *\|", re.MULTILINE)


def ranks() -> dict[str, int]:
    """Module → rank, as the table in the docs has it."""
    found: dict[str, int] = {}
    for rank, modules in ROW.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")):
        for module in re.findall(r"`([a-z_.]+)`", modules):
            assert module not in found, f"{module} stands twice in the table"
            found[module] = int(rank)
    return found


def modules() -> dict[str, Path]:
    """Every module of the package by its name without `ticker.`."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "__init__.py"
    }


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax of a file."""
    # What the garbage collector calls may parse as well (pytest does, to tell of what was left open), and Python 3.11
    # counts its recursion wrongly when one parse comes into another.
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports, wherever it does."""
    known, found = modules(), set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ticker":
            base = node.module.removeprefix("ticker").removeprefix(".")
            names = {f"{base}.{alias.name}".removeprefix(".") for alias in node.names}
            found |= {name for name in names if name in known} or {base}
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("ticker.") for alias in node.names if alias.name.startswith("ticker.")}
    return found - {""}


def test_every_module_has_its_rank() -> None:
    """The table names each module once, and none that is not there."""
    assert set(modules()) == set(ranks())


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_from_lower_ranks(module: str) -> None:
    """Siblings never import each other, and nothing points up."""
    rank = ranks()
    wrong = {other: rank[other] for other in imported(modules()[module]) if rank[other] >= rank[module]}
    assert {} == wrong, f"{module} has rank {rank[module]}"


@pytest.mark.parametrize("module", modules())
def test_every_module_has_a_test_file_of_its_own(module: str) -> None:
    """Named after it."""
    *folders, name = module.replace("__main__", "main").split(".")
    assert (ROOT / "tests" / Path(*folders) / f"test_{name}.py").is_file()


@pytest.mark.parametrize("module", modules())
def test_a_module_stays_within_one_sitting(module: str) -> None:
    """At most 350 lines, and one sentence on top."""
    path = modules()[module]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350
    assert ast.get_docstring(parsed(path))


def test_only_the_store_knows_redis() -> None:
    """Everybody else sees our own errors."""
    knows = {
        name
        for name, path in modules().items()
        if re.search(r"^\s*(from|import) redis\b", path.read_text(), re.MULTILINE)
    }
    assert {"store", "topology"} == knows


def test_only_one_module_knows_opentelemetry() -> None:
    """Who wants no traces does not have it (`test_traces` sees that it is not imported)."""
    knows = {
        name
        for name, path in modules().items()
        if re.search(r"^\s*(from|import) opentelemetry\b", path.read_text(), re.MULTILINE)
    }
    assert {"otel"} == knows


def test_no_page_writes_markup() -> None:
    """What editors write reaches the page as text only."""
    pattern = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(")
    files = [*ROOT.glob("web/**/*.js"), *ROOT.glob("web/**/*.html")]
    assert files
    assert [] == [path.name for path in files if pattern.search(path.read_text(encoding="utf-8"))]
