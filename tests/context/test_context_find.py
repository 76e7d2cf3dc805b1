"""What is found for a Dockerfile, in which order, and what is said of the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.context.evidence import kinds
from optimizer.context.evidence.build import Evidence, Strength, without_marks
from optimizer.context.evidence.kinds import kind_of
from optimizer.context.find import COPIED_FILES, OWN_FOLDER, RepositoryEvidence, find_contexts
from tests.context.repositories import Answer, Repository, lay_out


def test_its_own_folder_where_nothing_mentions_it(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "== app/Dockerfile\nFROM scratch\n")
    assert repository.answers("app/Dockerfile") == [Answer("app", OWN_FOLDER, None, {})]
    assert repository.notes("app/Dockerfile") == []


@pytest.mark.parametrize(
    ("copy", "context"),
    [
        ("COPY docker/app/start.sh package.json /", "."),
        ("COPY app/start.sh /", "docker"),
        ("COPY start.sh /", "docker/app"),
        # What no folder has may be made before the build, in any of them.
        ("COPY target/app.jar package.json /", "docker/app"),
        ("COPY --from=build /package.json /", "docker/app"),
        ("COPY package*.json $FILE https://example.org/package.json /", "docker/app"),
        ("COPY <<package.json /package.json\npackage.json", "docker/app"),
        ("COPY ../package.json /", "."),
        ("COPY", "docker/app"),
    ],
)
def test_the_next_folder_above_that_has_what_is_copied(
    tmp_path: Path, copy: str, context: str
) -> None:
    repository = Repository(
        tmp_path,
        f"""
== package.json
{{}}
== docker/app/start.sh
== docker/app/Dockerfile
FROM scratch
COPY . /
{copy}
""",
    )
    said = OWN_FOLDER if context == "docker/app" else COPIED_FILES
    assert repository.places("docker/app/Dockerfile") == [(context, said)]


def test_the_convenience_function_answers_the_same(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "== compose.yaml\nservices: {a: {build: .}}\n== Dockerfile\n")
    (found,) = find_contexts(root / "Dockerfile", root).found
    assert (found.path, found.found_by) == (root.resolve(), "compose.yaml:services.a.build")


def test_the_strongest_evidence_comes_first(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== docker/Dockerfile
# docker build --target one -f docker/Dockerfile .
FROM scratch
== Makefile
build:
\tdocker build --target two -f docker/Dockerfile .
== .github/workflows/ci.yml
jobs: {b: {steps: [{run: docker build --target three -f docker/Dockerfile .}]}}
== compose.yaml
services: {a: {build: {context: ., dockerfile: docker/Dockerfile, target: four}}}
""",
    )
    found = repository.found("docker/Dockerfile")
    assert [each.target for each in found] == ["four", "three", "two", "one"]
    assert [each.strength for each in found] == sorted(Strength)


def test_equal_answers_are_one_that_names_all_places(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== Dockerfile
== Makefile
build:
\tdocker build --platform linux/arm64 .
== compose.yaml
services: {a: {build: {context: ., platforms: [linux/amd64]}}}
""",
    )
    (found,) = repository.found("Dockerfile")
    assert found.found_by == "compose.yaml:services.a.build"
    assert found.also == ("Makefile:2",)
    assert found.platforms == ("linux/amd64", "linux/arm64")


def test_different_arguments_are_different_answers(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== Dockerfile
== build.sh
docker build --build-arg V=1 .
docker build --build-arg V=2 .
docker build --build-arg V .
""",
    )
    assert [each.build_args for each in repository.answers("Dockerfile")] == [
        {"V": "1"},
        {"V": "2"},
        {"V": None},
    ]


def test_named_contexts_are_told_apart(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path,
        """
== Dockerfile
== build.sh
docker build .
docker build --build-context base=docker-image://alpine .
""",
    )
    first, second = repository.found("Dockerfile")
    assert first.named_contexts == {}
    assert second.named_contexts == {"base": "docker-image://alpine"}


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        pytest.param(
            "{context: ../.., dockerfile: sub/Dockerfile}", None, id="the-dockerfile-is-not-there"
        ),
        pytest.param("{context: '${WHERE}'}", "known only", id="a-variable-nobody-sets"),
        pytest.param("{context: 'sub/${WHERE}'}", "known only", id="a-variable-inside-a-path"),
        pytest.param("/srv/app", None, id="an-absolute-path"),
    ],
)
def test_what_leads_nowhere_is_not_used(tmp_path: Path, build: str, reason: str | None) -> None:
    repository = Repository(
        tmp_path, f"== sub/Dockerfile\n== compose.yaml\nservices: {{a: {{build: {build}}}}}\n"
    )
    assert repository.places("sub/Dockerfile") == [("sub", OWN_FOLDER)]
    notes = repository.notes("sub/Dockerfile")
    assert (reason is None) == (notes == [])
    assert all("compose.yaml:services.a.build" in n and str(reason) in n for n in notes)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        pytest.param("docker build -f sub/Dockerfile ..", "lies outside", id="above-the-root"),
        pytest.param("docker build -f sub/Dockerfile /srv", "lies outside", id="an-absolute-path"),
        pytest.param("docker build -f sub/Dockerfile ~/app", "lies outside", id="a-home-folder"),
        pytest.param("docker build -f sub/Dockerfile nope", "does not exist", id="no-such-folder"),
        pytest.param("docker build -f sub/Dockerfile file", "does not exist", id="a-file"),
        pytest.param("docker build -f sub/Dockerfile out", "is a link out", id="a-link-out"),
        pytest.param("docker build -f sub/Dockerfile $1", "is known only", id="an-argument"),
        pytest.param("docker build -f sub/$1 .", "is known only", id="the-file-is-an-argument"),
        pytest.param("docker build --target $1 -f sub/Dockerfile .", "its target", id="a-target"),
    ],
)
def test_the_answer_says_what_was_not_used(tmp_path: Path, command: str, reason: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    repository = Repository(root, f"== sub/Dockerfile\n== file\n== Makefile\nall:\n\t{command}\n")
    (root / "out").symlink_to(tmp_path)
    (note,) = repository.notes("sub/Dockerfile")
    assert note.startswith("Makefile:2: ")
    assert reason in note


def test_vague_notes_give_way_to_definite_answers(tmp_path: Path) -> None:
    text = "== {0}/Dockerfile\n== build.sh\nfor i in a b; do docker build $i; done\n"
    repository = Repository(tmp_path, text.format("a") + "docker build a\n")
    assert repository.places("a/Dockerfile") == [("a", "build.sh:2")]
    assert repository.notes("a/Dockerfile") == []


def test_an_unknown_target_keeps_the_context(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "== d/Dockerfile\n== x.sh\ndocker build --target $T d\n")
    assert repository.answers("d/Dockerfile") == [Answer("d", "x.sh:1", None, {})]


def test_a_link_to_a_dockerfile_is_the_dockerfile(tmp_path: Path) -> None:
    repository = Repository(
        tmp_path, "== docker/prod\n== compose.yaml\nservices: {a: {build: .}}\n"
    )
    (tmp_path / "Dockerfile").symlink_to("docker/prod")
    place = [(".", "compose.yaml:services.a.build")]
    assert repository.places("Dockerfile") == place
    assert repository.places("docker/prod") == place


def test_a_link_inside_the_root_may_be_a_context(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "== real/Dockerfile\n== x.sh\ndocker build link\n")
    (tmp_path / "link").symlink_to("real")
    assert repository.places("real/Dockerfile") == [("real", "x.sh:1")]


def test_lower_case_is_the_second_choice(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "== a/dockerfile\n== x.sh\ndocker build a\n")
    assert repository.places("a/dockerfile") == [("a", "x.sh:1")]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("node_modules/x/compose.yaml", id="installed"),
        pytest.param("ignored/compose.yaml", id="ignored-folder"),
        pytest.param("compose.local.yaml", id="ignored-file"),
        pytest.param("sub/.git/compose.yaml", id="inside-git"),
        pytest.param("nested/compose.yaml", id="another-repository"),
    ],
)
def test_files_of_others_are_no_evidence(tmp_path: Path, path: str) -> None:
    up = "../" * path.count("/") or "."
    repository = Repository(
        tmp_path,
        f"""
== .gitignore
/ignored/
*.local.yaml
== Dockerfile
== nested/.git/
== {path}
services: {{a: {{build: {up}}}}}
""",
    )
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


def test_evidence_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "== Dockerfile\n== x\nservices: {a: {build: .}}\n")
    (tmp_path / "compose.yaml").symlink_to("x")
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


def test_large_files_are_not_read(tmp_path: Path) -> None:
    padding = "#" * (1 << 20)
    repository = Repository(tmp_path, f"== Dockerfile\n== x.sh\ndocker build .\n{padding}\n")
    assert repository.places("Dockerfile") == [(".", OWN_FOLDER)]


def test_the_repository_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    scandir = os.scandir

    def counted(path: str) -> object:
        listed.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    repository = Repository(tmp_path, "".join(f"== {n}/Dockerfile\n" for n in "abc"))
    for name in "abcabc":
        repository.contexts(f"{name}/Dockerfile")
    assert sorted(listed) == sorted(map(str, [tmp_path, *(tmp_path / name for name in "abc")]))


def test_a_lone_dockerfile_needs_no_heavy_import(tmp_path: Path) -> None:
    lay_out(tmp_path, "== Dockerfile\nFROM node\nRUN npm run build\n== .gitignore\n*.log\n")
    code = (
        "import sys; from pathlib import Path; from optimizer.context.find import find_contexts;"
        f"root = Path({str(tmp_path)!r}); find_contexts(root / 'Dockerfile', root);"
        "print(sorted({'yaml', 'hcl2', 'pathspec', 'lark'} & set(sys.modules)),"
        "     sorted(m for m in sys.modules if m.startswith('optimizer.context.evidence.')))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    names = ("bases", "build", "kinds", "used")
    evidence = [f"optimizer.context.evidence.{name}" for name in names]
    assert printed.strip() == f"[] {evidence}"


def test_a_dockerfile_outside_the_root_has_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "Dockerfile").touch()
    evidence = RepositoryEvidence(tmp_path / "root")
    (found,) = evidence.contexts_of(tmp_path / "Dockerfile").found
    assert (found.path, found.found_by) == (tmp_path.resolve(), OWN_FOLDER)


def test_a_root_that_is_not_there_is_empty(tmp_path: Path) -> None:
    (found,) = find_contexts(tmp_path / "no/Dockerfile", tmp_path / "no").found
    assert found.found_by == OWN_FOLDER


class _NoFiles:
    def text(self, path: str) -> str | None:
        return None


_PATHS = (
    "compose.yaml", "docker-bake.hcl", "docker-bake.json", "skaffold.yaml", "Taskfile.yml",
    ".devcontainer/devcontainer.json", ".github/workflows/a.yml", ".gitlab-ci.yml",
    ".circleci/config.yml", "azure-pipelines.yml", "Jenkinsfile", "Makefile", "rules.mk",
    "justfile", "package.json", "build.sh", "scripts/build", "README.md", "Dockerfile",
)  # fmt: skip


def test_every_reader_that_is_named_exists() -> None:
    named = {kind.reader for each in kinds._KINDS.values() for kind in each}
    named |= {kind.reader for kind in (*kinds._FILES, kinds._DOCKERFILE)}
    used = {kind.reader for kind in map(kind_of, _PATHS) if kind is not None}
    assert used == named
    assert all(callable(kinds._imported(reader)) for reader in named)


@pytest.mark.parametrize("path", ["main.go", "file.ts", "compose.txt", "a.yaml", "Profile", "x.md"])
def test_other_files_are_not_opened(path: str) -> None:
    assert kind_of(path) is None


def _read(path: str, text: str) -> Iterator[Evidence]:
    kind = kind_of(path)
    assert kind is not None
    return kind.read(path, text, _NoFiles())


_PIECES = st.sampled_from(
    [
        "docker build ", "-f ", "--target ", ".", "/", "..", "\n", "\t", " ", "'", '"', "`", "\\",
        "$", "${", "}", "$(", ")", "(", "{{", "}}", "<<E", "&&", ";", "|", "#", "if ", "fi",
        "case ", "cd a", "X=", "services:", "build:", "context:", "jobs:", "steps:", "run:", "- ",
        ": ", "[", "]", "*a", "&a ", "<<: *a", "!reset ", 'target "a" {', "inherits = ", "= ",
        "sh '''", "/*",
        "tasks:", "cmds:", "artifacts:", '{"scripts": {"a": "', "ifeq", "define", "a:\n\t", "```",
    ]
)  # fmt: skip


@pytest.mark.parametrize("path", _PATHS)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.text(max_size=4)), max_size=40).map("".join))
def test_no_text_makes_a_reader_raise(path: str, text: str) -> None:
    for evidence in _read(path, without_marks(f"docker build {text}")):
        assert evidence.found_by.startswith(path)


def test_marks_in_a_file_are_not_taken_for_ours(tmp_path: Path) -> None:
    repository = Repository(tmp_path, "== a/Dockerfile\n== x.sh\ndocker build \1a\n")
    assert repository.places("a/Dockerfile") == [("a", OWN_FOLDER)]
