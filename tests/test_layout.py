"""One subject a file: few files, none tiny, none huge."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "klaviyo_analytics"
SANDBOX = PACKAGE / "sandbox"
SMALL_FAMILIES = {"resources", "app"}  # a family of the API with few operations may be a small file


def lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def modules() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py")]


def test_the_package_has_no_more_files_than_it_has_subjects() -> None:
    files = list(PACKAGE.rglob("*.py"))
    assert len([path for path in files if SANDBOX not in path.parents]) <= 200
    assert len([path for path in files if SANDBOX in path.parents]) <= 75


def test_no_file_is_a_fragment() -> None:
    small = {str(path.relative_to(PACKAGE)) for path in modules() if lines(path) < 50}
    assert {name for name in small if Path(name).parent.name not in SMALL_FAMILIES} == set()


def test_no_file_written_by_hand_is_a_heap() -> None:
    large = {str(path.relative_to(PACKAGE)) for path in modules() if lines(path) > 600}
    assert {name for name in large if "_generated" not in name} == set()
