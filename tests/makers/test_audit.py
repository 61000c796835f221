"""The audit: what is known about the pins, their licences, whether all are there, and what it says of each."""

import datetime
import http.server
import json
import os
import sys
import threading
import tomllib

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from makers import audit

TODAY = datetime.date(2026, 11, 27)
PINNED = {"wobble": "1.0", "tidy": "2.0"}
ADVISORY = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "summary": "It wobbles.", "affected": [
    {"package": {"name": "wobble", "ecosystem": "PyPI"},
     "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]}]}  # fmt: skip
JUDGED = {"id": "PYSEC-2026-1", "package": "wobble", "reason": "We don't.", "until": datetime.date(2027, 1, 31)}
whole = pytest.mark.skipif(
    (sys.version_info[:2], sys.platform) != audit.TESTED, reason="the pins are for Python 3.11 on Linux"
)

# --- vulnerabilities ---


DEAD = ("--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:9")


@pytest.fixture
def database(monkeypatch):
    """A server on the loopback address that says what OSV would; what makes pip-audit ask it."""

    class Database(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            body = json.dumps({"vulns": [ADVISORY]} if name == "wobble" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Database) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield *DEAD[:-1], f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def found(monkeypatch):
    """What pip-audit finds: advisories by package."""
    answers = {"tidy": [], "wobble": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"]}]}
    monkeypatch.setattr(audit, "ask", lambda *_: answers)
    return answers


def test_pip_audit_asks_the_next_service_what_the_first_does_not_tell(database, monkeypatch):
    monkeypatch.setattr(audit, "SERVICES", (DEAD, database))
    (sentence,), unasked = audit.vulnerabilities(PINNED, [], TODAY)
    assert unasked == []
    assert sentence.startswith("wobble==1.0 has a known vulnerability, PYSEC-2026-1. Take wobble 1.1, or say in ")
    assert audit.vulnerabilities(PINNED, [JUDGED | {"id": "CVE-2026-1"}], TODAY) == ([], [])


def test_where_no_version_mends_it_nobody_is_sent_to_one(found):
    found["wobble"][0]["fix_versions"] = []
    (sentence,), _ = audit.vulnerabilities(PINNED, [], TODAY)
    assert "No version mends it yet" in sentence


@pytest.mark.parametrize("name", ["PYSEC-2026-1", "CVE-2026-1"])
def test_an_advisory_that_is_judged_passes_by_any_of_its_names(found, name):
    assert audit.vulnerabilities(PINNED, [JUDGED | {"id": name}], TODAY) == ([], [])


def test_a_judgement_ends_on_its_day(found):
    (sentence,), _ = audit.vulnerabilities(PINNED, [JUDGED], JUDGED["until"])
    assert "to be looked at again on 2027-01-31" in sentence


@pytest.mark.parametrize("stale", [JUDGED | {"id": "PYSEC-2020-7"}, JUDGED | {"package": "gone"}])
def test_a_judgement_of_nothing_is_named(found, stale):
    (sentence,), _ = audit.vulnerabilities(PINNED, [JUDGED, stale], TODAY)
    assert f"explains {stale['id']} of {stale['package']}, which isn't found any more" in sentence


def test_a_judgement_of_another_package_does_not_count(found):
    found["tidy"], found["wobble"] = found["wobble"], []
    problems, _ = audit.vulnerabilities(PINNED, [JUDGED], TODAY)
    assert [sentence.split("==")[0].split(" ")[0] for sentence in problems] == ["tidy", "makers/audit.toml"]


def test_while_the_database_is_silent_no_judgement_is_called_stale(monkeypatch):
    monkeypatch.setattr(audit, "ask", lambda *_: {})
    assert audit.vulnerabilities(PINNED, [JUDGED], TODAY) == ([], ["tidy", "wobble"])


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the command on two pins whose licences and lock are right; return its status and what it says."""
    (tmp_path / "constraints.txt").write_text("wobble==1.0\ntidy==2.0\n")
    packages = [audit.Package(name, version, "MIT", "") for name, version in PINNED.items()]
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    monkeypatch.setattr(audit, "pins", lambda: (PINNED, []))
    monkeypatch.setattr(audit, "lock", list)
    monkeypatch.setattr(audit, "licences", lambda *_: (packages, []))
    monkeypatch.setattr(audit, "JUDGED", tmp_path / "audit.toml")
    monkeypatch.setattr(sys, "argv", ["makers audit"])

    def command(judged: str = "") -> tuple[int, str, str]:
        (tmp_path / "audit.toml").write_text(judged)
        status = audit.main()
        return status, *capsys.readouterr()

    return command


def test_the_status_says_what_was_found(run, found):
    status, _, said = run()
    assert (status, said.count("\n")) == (1, 1)
    status, out, said = run('[[advisory]]\nid = "CVE-2026-1"\npackage = "wobble"\nreason = "."\nuntil = 9999-01-31\n')
    assert (status, out.splitlines()[-1], said) == (0, "All is well.", "")


def test_without_a_network_it_says_so_in_a_sentence_and_has_a_status_of_its_own(run, monkeypatch):
    monkeypatch.setattr(audit, "SERVICES", (DEAD,))
    status, out, said = run()
    assert (status, "All is well" in out) == (audit.NOT_ASKED, False)
    assert said == (
        "Neither PyPI nor OSV told the advisories of any of them: run make audit again where they can be reached.\n"
    )


@whole
def test_what_is_wrong_comes_before_what_could_not_be_asked(run, monkeypatch):
    monkeypatch.setattr(audit, "ask", lambda *_: {})
    monkeypatch.setattr(audit, "lock", lambda: ["constraints.txt lacks tidy."])
    status, _, said = run()
    assert status == 1
    assert said.startswith("constraints.txt lacks tidy.\nNeither PyPI nor OSV told")


@pytest.mark.parametrize("knows", [[], ["tidy"]])
def test_a_mirror_of_packages_that_has_no_advisories_is_not_taken_for_a_clean_bill(run, monkeypatch, tmp_path, knows):
    """pip-audit ends with status 0 and `No known vulnerabilities found` where it could look up nothing."""
    rows = [{"name": name, "version": "1", "vulns": []} if name in knows else
            {"name": name, "skip_reason": "Dependency not found on PyPI"} for name in PINNED]  # fmt: skip
    (tmp_path / "pip_audit.py").write_text(f"print({json.dumps(json.dumps({'dependencies': rows}))})")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    status, out, said = run()
    assert status == audit.NOT_ASKED
    assert f"{len(knows)} of 2 packages" in out
    assert ("of wobble: run" if knows else "of any of them: run") in said


# --- licences ---


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("MIT", "MIT"),
        ("MIT license", "MIT"),
        ("Apache Software License", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD", "BSD-2-Clause OR BSD-3-Clause"),
        ("ISC License (ISCL)", "ISC"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("MPL-2.0 AND MIT", "MPL-2.0 AND MIT"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception"),
        ("GNU General Public License (GPL)", "GPL-1.0-or-later"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("Copyright (c) 2015, someone; all rights reserved", ""),
        ("UNKNOWN", ""),
        ("MIT AND Nonesuch", ""),
        ("", ""),
    ],
)
def test_ways_to_write_a_licence(text, means):
    assert audit.spdx(text) == means


@pytest.mark.parametrize(
    ("licence", "group"),
    [
        ("MIT", "permissive"),
        ("LicenseRef-scancode-public-domain", "permissive"),
        ("LGPL-2.1-or-later", "weak copyleft"),
        ("MIT AND MPL-2.0", "weak copyleft"),
        ("GPL-3.0-only", "strong copyleft"),
        ("MIT OR GPL-3.0-only", "permissive"),
        ("MIT AND (GPL-3.0-only OR MPL-2.0)", "weak copyleft"),
        ("Apache-2.0 WITH LLVM-exception", "permissive"),
        ("LicenseRef-Proprietary", "unknown"),
        ("", "unknown"),
    ],
)
def test_groups_of_licences(licence, group):
    assert audit.group(licence) == group


@given(st.recursive(
    st.sampled_from([("MIT", 0), ("CC0-1.0", 0), ("MPL-2.0", 1), ("LGPL-3.0-only", 1), ("AGPL-3.0-only", 2)]),
    lambda parts: st.tuples(st.sampled_from(["AND", "OR"]), st.lists(parts, min_size=2, max_size=3)),
))  # fmt: skip
def test_of_a_choice_the_lightest_counts_and_of_a_sum_the_heaviest(tree):
    def walk(node) -> tuple[str, int]:
        if node[0] not in ("AND", "OR"):
            return node
        texts, ranks = zip(*map(walk, node[1]), strict=True)
        return f"({f' {node[0]} '.join(texts)})", (max if node[0] == "AND" else min)(ranks)

    text, rank = walk(tree)
    assert audit.group(text) == audit.GROUPS[rank]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make packages that are installed, with metadata."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def package(name: str, *lines: str, version: str = "1.0") -> None:
        (folder := tmp_path / f"{name}-{version}.dist-info").mkdir()
        text = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines, "", "text"])
        (folder / "METADATA").write_text(text, encoding="utf-8")

    return package


GPL, BSD = (f"Classifier: License :: OSI Approved :: {what}" for what in (
    "GNU General Public License v3 (GPLv3)", "BSD License"))  # fmt: skip
ODD = "Classifier: License :: Other/Proprietary License"


@pytest.mark.parametrize(
    ("lines", "licence", "wrong"),
    [
        (["License-Expression: MIT"], "MIT", None),
        (["License-Expression: MIT", GPL], "MIT", None),  # an expression is the last word
        (["License: BSD 3-Clause", BSD], "BSD-3-Clause", None),
        (["License: Copyright (c) 2015", BSD], "BSD-2-Clause OR BSD-3-Clause", None),
        (["License: UNKNOWN", "Classifier: License :: OSI Approved", BSD], "BSD-2-Clause OR BSD-3-Clause", None),
        ([GPL], "GPL-3.0-only", "wobble has the licence 'GPL-3.0-only'. Read it"),
        ([BSD, GPL], "(BSD-2-Clause OR BSD-3-Clause) AND GPL-3.0-only", "wobble has the licence"),
        ([BSD, ODD], "", "wobble names no licence that is known here. Read it"),
        (["License: Ask me"], "", "wobble names no licence that is known here. Read it"),
        ([], "", "wobble names no licence that is known here. Read it"),
    ],
)
def test_the_licence_of_a_package(install, lines, licence, wrong):
    install("wobble", *lines)
    (package,), problems = audit.licences({"wobble": "1.0"}, [])
    assert package.licence == licence
    assert problems == [] if wrong is None else (len(problems) == 1 and problems[0].startswith(wrong))


def test_a_licence_that_people_have_read_is_taken_until_the_metadata_say_something_else(install):
    install("wobble", BSD, GPL)
    row = {"package": "wobble", "said": "(BSD-2-Clause OR BSD-3-Clause) AND GPL-3.0-only", "licence": "BSD-2-Clause"}
    row["reason"] = "No file of the wheel is under the GPL."
    packages, problems = audit.licences({"wobble": "1.0"}, [row])
    assert (packages, problems) == ([audit.Package("wobble", "1.0", "BSD-2-Clause", row["reason"])], [])
    assert packages[0].group == "permissive"
    accepted = row | {"licence": "GPL-3.0-only"}
    assert audit.licences({"wobble": "1.0"}, [accepted])[1] == []
    (sentence,) = audit.licences({"wobble": "1.0"}, [row | {"licence": "BSD-2-Klause"}])[1]
    assert "wobble has the licence 'BSD-2-Klause'" in sentence
    (sentence,) = audit.licences({"wobble": "1.0"}, [row | {"said": "MIT"}])[1]
    assert "judged wobble when its licence read 'MIT'" in sentence
    (sentence,) = audit.licences({"wobble": "1.0"}, [row, row | {"package": "gone"}])[1]
    assert "judges gone, which isn't pinned any more" in sentence


def test_a_licence_is_read_of_the_pinned_version_only(install):
    install("wobble", "License-Expression: MIT", version="1.1")
    install("tidy", "License-Expression: MIT", version="2.0+cpu")
    _, problems = audit.licences({"wobble": "1.0", "tidy": "2.0", "gone": "3"}, [])
    assert [sentence.split(":")[0] for sentence in problems] == [
        "gone isn't installed, so its licence can't be read",
        "wobble 1.1 is installed, but 1.0 is pinned",
    ]


def test_the_report_has_students_and_maintainers_apart_and_the_heaviest_first():
    mine = [audit.Package("soft", "1", "MIT", ""), audit.Package("hard", "2", "MPL-2.0", "Two files are from there.")]
    page = audit.report(mine, [audit.Package("odd", "3", "", "")])
    students, makers = page.split("## What only maintainers install")
    assert students.index("| hard | 2 | MPL-2.0 | weak copyleft |") < students.index("| soft | 1 | MIT | permissive |")
    assert "- hard: Two files are from there." in students
    assert "| odd | 3 | ? | unknown |" in makers
    assert audit.count(mine) == "1 permissive, 1 weak copyleft"


# --- the lock ---

GRAPHS = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"), max_size=3), min_size=1)


@given(GRAPHS, st.data())
def test_a_pin_that_is_missing_and_one_that_nothing_needs_are_named(tmp_path_factory, graph, data):
    first = min(graph)
    reached, todo = set(), [first]
    while todo:
        if (name := todo.pop()) not in reached:
            reached.add(name)
            todo += graph.get(name, ())
    folder = tmp_path_factory.mktemp("lock")

    def requires(name, extra):
        if name == "course-utils":
            return [first] if extra == "dev" else []
        return [f"{needed}>=1" for needed in graph.get(name, ())]

    def lock(names) -> list[str]:
        (folder / "constraints.txt").write_text("".join(f"{name}==1.0\n" for name in names), encoding="utf-8")
        return audit.lock(folder, requires)

    assert lock(reached) == []
    assert lock(reached | {"z"}) == ["constraints.txt pins z, which nothing needs."]
    lost = data.draw(st.sampled_from(sorted(reached)))
    (sentence,) = lock(reached - {lost})
    assert sentence.startswith(f"constraints.txt lacks {lost}, which ")


@pytest.fixture
def lock(tmp_path):
    """Return what is wrong with a constraints file, where `course-utils[dev]` needs some packages."""
    course = {"dev": ["Wob_ble[Fast]>=2", "course-utils[lab]", "pip"], "lab": ["tidy"], "": ["torch"]}
    wobble = (
        "tidy<3; python_version > '3'",
        "never; python_version < '3'",
        "slow; extra == 'slow'",
        "quick; extra == 'fast'",
    )
    packages = {"wob-ble": wobble, "torch": ["nvidia-cublas-cu12==12.8", "triton==3.4"]}

    def check(text: str) -> list[str]:
        (tmp_path / "constraints.txt").write_text(text, encoding="utf-8")
        return audit.lock(
            tmp_path, lambda name, extra: course[extra] if name == "course-utils" else packages.get(name, [])
        )

    return check


RIGHT = "# Written by: pip freeze\nquick==1.0\ntidy==2.5\ntorch==2.13.0\nuv==0.13\nwob.ble==2.1\n"


def test_extras_markers_and_other_spellings_are_followed(lock):
    assert lock(RIGHT) == []
    assert lock(RIGHT.replace("quick==1.0\n", "")) == ["constraints.txt lacks quick, which wob-ble needs."]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tidy==2.5", "tidy==3.0", "tidy==3.0 is pinned, but wob-ble needs tidy<3."),
        ("tidy==2.5", "tidy==2.5\nTidy==2.5", "line 4: 'Tidy==2.5' is pinned twice."),
        ("tidy==2.5", "tidy==2.5\nnever==1", "constraints.txt pins never, which nothing needs."),
        ("tidy==2.5", "tidy==2.5\nslow==1", "constraints.txt pins slow, which nothing needs."),
        ("#", "-e .\n#", "line 1: '-e .' should be name==version and nothing else."),
        ("#", "--index-url https://example.org/simple\n#", "should be name==version and nothing else."),
        ("#", "more @ https://example.org/more.whl\n#", "should be name==version and nothing else."),
        ("#", "more>=1\n#", "should be name==version and nothing else."),
        ("#", "more==1.*\n#", "should be name==version and nothing else."),
        ("#", "more==1; python_version > '3'\n#", "should be name==version and nothing else."),
        ("#", "more==1+cpu\n#", "should be name==version and nothing else."),
    ],
)
def test_a_line_that_is_wrong_is_named(lock, old, new, said):
    (sentence,) = lock(RIGHT.replace(old, new, 1))
    assert sentence.endswith(said)


# --- this repository ---


@whole
def test_constraints_pin_what_the_course_needs_and_nothing_else():
    assert audit.lock() == []


@whole
def test_licences_are_known_and_none_is_of_strong_copyleft():
    judged = tomllib.loads(audit.JUDGED.read_text(encoding="utf-8"))
    packages, problems = audit.licences(audit.pins()[0], judged["licence"])
    assert problems == []
    assert {package.group for package in packages} == {"permissive", "weak copyleft"}


def test_judgements_have_a_reason_and_a_day():
    judged = tomllib.loads(audit.JUDGED.read_text(encoding="utf-8"))
    assert set(judged) <= {"advisory", "licence"}
    for kind, keys in (("advisory", "id package reason until"), ("licence", "package said licence reason")):
        for row in judged.get(kind, []):
            assert " ".join(sorted(row)) == " ".join(sorted(keys.split()))
            assert row["reason"].endswith(".")
            assert audit.canonicalize_name(row["package"]) == row["package"]
            assert isinstance(row.get("until", TODAY), datetime.date)


def test_packages_come_from_an_index_by_name():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    assert all(Requirement(text).url is None for text in texts)
