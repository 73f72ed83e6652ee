"""Patterns are of the paths that they would be of in a `.gitignore`."""

import subprocess
from pathlib import Path

import pytest

from responsibility.cli.sources.folders import Ignored

PATHS = (
    *("README.md", "docs/a.md", "docs/a.yaml", "docs/old/x.yaml", "x/docs/y.yaml", "docsx/a.yaml"),
    *("config/a/old/x.yaml", "config/old/x.yaml", "config/x.yaml", "a.b", "axb", "x/a.b"),
)
PATTERNS = (
    *(
        "*.md",
        "docs",
        "docs/",
        "/docs",
        "docs/*.yaml",
        "docs/**",
        "/config/**/old",
        "**/old",
        "a?b",
    ),
    *("a.b", "config/*/x.yaml", "x.yaml", "none"),
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_of_what_git_would_ignore(pattern: str, tmp_path: Path) -> None:
    def git(*words: str, given: str = "") -> str:
        command = ["git", "-C", str(tmp_path), *words]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    git("init", "-q")
    (tmp_path / ".gitignore").write_text(f"{pattern}\n", encoding="utf-8")
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    theirs = git("check-ignore", "--stdin", given="".join(f"{path}\n" for path in PATHS))
    ignored = Ignored.of([pattern])
    assert [path for path in PATHS if ignored.fits(path)] == theirs.splitlines()


@pytest.mark.parametrize("pattern", ["*", "**", "/", ".", "", "**/*"])
def test_nothing_passes_over_everything(pattern: str) -> None:
    with pytest.raises(ValueError, match="would pass over everything"):
        Ignored.of([pattern])
