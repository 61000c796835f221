"""Write the repository's address into pyproject.toml, README.md and the notebooks: ``make badges REPO=owner/name``.

The one place that holds the address is ``[project.urls]`` of pyproject.toml. Without an argument, what it says is
written again into the README's and the notebooks' badges and into the notebooks' first code cell; the lessons stay
without it.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

from makers import files

ROOT = Path(__file__).resolve().parents[1]
BADGES = re.compile(r"<!-- badges -->.*?<!-- /badges -->", re.DOTALL)
SPEC = re.compile(r'^SPEC = "[^"]*"', re.MULTILINE)


def address(root: Path = ROOT) -> str | None:
    """Return ``owner/name`` as pyproject.toml has it, or None."""
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    return urls["Repository"].removeprefix("https://github.com/") if "Repository" in urls else None


def version() -> str:
    """Return the version of the package, which names the tag that Colab installs."""
    return re.search(r'__version__ = "(.+)"', (ROOT / "course_utils/__init__.py").read_text(encoding="utf-8"))[1]


def badge(repo: str, notebook: str) -> str:
    """Return the Colab badge of a notebook in Markdown."""
    link = f"https://colab.research.google.com/github/{repo}/blob/v{version()}/notebooks/{notebook}"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({link})"


def stamp_cells(cells: list, repo: str, path: str) -> None:
    """Write a badge into the cells of a notebook, ``path`` below ``notebooks/``, and the address into the set-up."""
    spec = f"course-utils @ git+https://github.com/{repo}@v{version()}"
    for cell in cells:
        cell.source = BADGES.sub(f"<!-- badges -->\n{badge(repo, path)}\n<!-- /badges -->", cell.source)
        cell.source = SPEC.sub(f'SPEC = "{spec}"', cell.source)


def stamp(repo: str, root: Path = ROOT) -> None:
    """Write the address everywhere below ``root``."""
    from makers import lessons

    project = root / "pyproject.toml"
    text = re.sub(r'^Repository = ".*"\n', "", project.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("[project.urls]\n", f'[project.urls]\nRepository = "https://github.com/{repo}"\n')
    files.write(project, text)
    lessons.write(root)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repo", nargs="?", default=address(), help="owner/name (default: what pyproject.toml says)")
    repo = parser.parse_args().repo
    if not repo or not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        print("Say where the repository is: make badges REPO=owner/name", file=sys.stderr)
        return 2
    stamp(repo)
    print(f"Stamped {repo}, v{version()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
