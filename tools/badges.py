"""Write the repository's address into pyproject.toml, README.md and the notebooks: ``make badges REPO=owner/name``.

The one place that holds the address is ``[project.urls]`` of pyproject.toml. Without an argument, what it says is
written again into the README's and the notebooks' badges and into the notebooks' first code cell, whose sources
(``tools/notebooks/``) stay without it.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

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


def stamp_notebook(notebook: dict, repo: str, path: str) -> None:
    """Write a badge into a notebook, ``path`` below ``notebooks/``, and the address into its first code cell."""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if "<!-- badges -->" in source:
            source = BADGES.sub(f"<!-- badges -->\n{badge(repo, path)}\n<!-- /badges -->", source)
        elif "COURSE_UTILS_SPEC" in source:
            spec = f"course-utils @ git+https://github.com/{repo}@v{version()}"
            source = SPEC.sub(f'SPEC = "{spec}"', source)
        else:
            continue
        cell["source"] = source.splitlines(keepends=True)


def stamp_readme(text: str, repo: str) -> str:
    """Return the README with a badge in each row of its table of notebooks."""
    return re.sub(
        r"(\| \[(0\d_\w+)\]\(notebooks/\2\.ipynb\).*\| ).*? \|$",
        lambda row: f"{row[1]}{badge(repo, row[2] + '.ipynb')} |",
        text,
        flags=re.MULTILINE,
    )


def stamp(repo: str, root: Path = ROOT) -> None:
    """Write the address everywhere below ``root``."""
    from tools import make_notebooks

    project = root / "pyproject.toml"
    text = re.sub(r'^Repository = ".*"\n', "", project.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("[project.urls]\n", f'[project.urls]\nRepository = "https://github.com/{repo}"\n')
    project.write_text(text, encoding="utf-8", newline="\n")
    readme = root / "README.md"
    readme.write_text(stamp_readme(readme.read_text(encoding="utf-8"), repo), encoding="utf-8", newline="\n")
    make_notebooks.write(root)


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
