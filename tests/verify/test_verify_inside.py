"""Languages are asked inside both images, and only what fails in the second alone counts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.verify.builders import Built
from optimizer.verify.containers import Completed
from optimizer.verify.image import Entry, Image
from optimizer.verify.inside import inside, probes
from tests.verify.rootfs_images import image

PROGRAM = Entry("file", 0o755, 0, 0)


def labels(of: Image, manifests: Mapping[str, str]) -> list[str]:
    return [probe.label for probe in probes(of, manifests)]


def found(of: Image, manifests: Mapping[str, str], label: str, *answers: Completed) -> list[str]:
    """What the check says where the probe ``label`` answers so in the two images."""
    wanted = next(probe.argv for probe in probes(of, manifests) if probe.label == label)

    def run(reference: str, argv: Sequence[str]) -> Completed:
        if tuple(argv) != wanted:
            return Completed(0, "")
        return answers[0] if reference == "before" else answers[1]

    before, after = Built(of, "before", 1.0), Built(of, "after", 1.0)
    verdict = inside(run, manifests)(before, after)
    assert (verdict.outcome == "broken") == bool(verdict.findings)
    return [finding.message for finding in verdict.findings]


PIP = "/usr/lib/python3/dist-packages/pip/__main__.py"
PYTHON = image({"/usr/bin/python3": PROGRAM, PIP: ""})
REQUIREMENTS = {"requirements.txt": "psycopg2==2.9  # db\n-r more.txt\nFlask[async]>=2\n./local\n"}


def test_only_languages_of_the_image_are_asked() -> None:
    assert labels(image({}), REQUIREMENTS) == []
    assert labels(PYTHON, {}) == ["pip check"]
    assert labels(image({"/usr/bin/python3": PROGRAM}), {}) == []
    assert labels(PYTHON, REQUIREMENTS) == ["pip check", "import"]


def test_the_packages_are_those_that_the_manifest_names() -> None:
    project = '[project]\nname = "x"\ndependencies = ["httpx ; python_version > \'3\'", 3, "a b"]\n'
    manifests = {**REQUIREMENTS, "app/pyproject.toml": project, "b/pyproject.toml": "= broken"}
    argv = next(probe.argv for probe in probes(PYTHON, manifests) if probe.label == "import")
    assert argv[3:] == ("Flask", "httpx", "psycopg2")


def test_a_package_that_cannot_be_imported_any_more_is_named() -> None:
    error = "dockopt:psycopg2\tImportError: libpq.so.5: cannot open shared object file"
    assert found(
        PYTHON, REQUIREMENTS, "import", Completed(0, "hello\n"), Completed(0, f"hello\n{error}\n")
    ) == [
        "psycopg2 cannot be imported: ImportError: libpq.so.5: cannot open shared object file",
    ]


def test_what_fails_in_the_original_does_not_count() -> None:
    failing = Completed(0, "dockopt:psycopg2\tImportError: x\n")
    assert found(PYTHON, REQUIREMENTS, "import", failing, failing) == []
    broken = Completed(1, "a 1 requires b, which is not installed.\n")
    assert found(PYTHON, {}, "pip check", broken, broken) == []
    assert found(PYTHON, {}, "pip check", Completed(127, ""), broken) == []


def test_new_lines_of_pip_check_count() -> None:
    one = "a 1 requires b, which is not installed.\n"
    two = f"{one}c 1 requires d, which is not installed.\n"
    assert found(PYTHON, {}, "pip check", Completed(1, one), Completed(1, two)) == [
        "pip check: c 1 requires d, which is not installed."
    ]


def test_an_image_without_pip_is_no_broken_image() -> None:
    gone = Completed(1, "", "/usr/bin/python3: No module named pip\n")
    assert found(PYTHON, {}, "pip check", Completed(0, "No broken requirements found."), gone) == []


def test_a_language_that_is_gone_is_named() -> None:
    gone = Completed(127, "", "no such file")
    assert found(PYTHON, REQUIREMENTS, "import", Completed(0, ""), gone) == [
        "`import` does not start any more"
    ]


def test_java_is_asked_to_find_its_main_class() -> None:
    config = {"Entrypoint": ["java", "-Xmx1g", "-jar", "app.jar"]}
    of = image({"/usr/bin/java": PROGRAM}, config)
    (probe,) = probes(of, {})
    assert probe.argv == ("java", "--dry-run", "-Xmx1g", "-jar", "app.jar")
    failed = Completed(1, "", "Error: Unable to access jarfile app.jar\n")
    assert found(of, {}, "java --dry-run", Completed(0, ""), failed) == [
        "java does not find the main class: Error: Unable to access jarfile app.jar"
    ]


def test_a_lost_php_extension_is_named() -> None:
    of = image({"/usr/bin/php": PROGRAM, "/app/vendor/autoload.php": ""}, {"WorkingDir": "/app"})
    assert labels(of, {}) == ["php -m", "vendor/autoload.php"]
    before = Completed(0, "dockopt:pdo\ndockopt:curl\n")
    assert found(of, {}, "php -m", before, Completed(0, "dockopt:pdo\n")) == [
        "the PHP extension curl is gone"
    ]


def test_a_requirement_that_composer_misses_is_named() -> None:
    of = image(
        {"/usr/bin/php": PROGRAM, "/usr/bin/composer": PROGRAM, "/app/composer.json": "{}"},
        {"WorkingDir": "/app"},
    )
    assert labels(of, {}) == ["php -m", "composer check-platform-reqs"]
    kept = "ext-ctype  8.2.7    success\nphp        8.2.7    success\n"
    lost = "ext-ctype  n/a      acme/x requires ext-ctype (*) missing\nphp  8.2.7  success\n"
    before, after = Completed(0, kept), Completed(1, lost)
    assert found(of, {}, "composer check-platform-reqs", before, after) == [
        "composer check-platform-reqs: ext-ctype n/a acme/x requires ext-ctype (*) missing"
    ]
    assert found(of, {}, "composer check-platform-reqs", after, after) == []


def test_gems_that_cannot_be_loaded_are_named() -> None:
    of = image(
        {"/usr/bin/ruby": PROGRAM, "/usr/bin/bundle": PROGRAM, "/app/Gemfile.lock": ""},
        {"WorkingDir": "/app"},
    )
    assert labels(of, {}) == ["bundle check", "Bundler.require"]
    lost = Completed(0, "dockopt:Gemfile\tLoadError: libffi.so.8: cannot open\n")
    assert found(of, {}, "Bundler.require", Completed(0, ""), lost) == [
        "the gems of the Gemfile cannot be loaded: LoadError: libffi.so.8: cannot open"
    ]


def test_what_fails_in_the_original_is_said() -> None:
    def run(reference: str, argv: Sequence[str]) -> Completed:
        return Completed(1, "", "Unrecognized option: --dry-run\n")

    of = image({"/usr/bin/java": PROGRAM}, {"Cmd": ["java", "-jar", "app.jar"]})
    verdict = inside(run, {})(Built(of, "before", 1.0), Built(of, "after", 1.0))
    assert (verdict.outcome, verdict.notes) == (
        "kept",
        ("`java --dry-run` fails in the original image too: Unrecognized option: --dry-run",),
    )


def test_production_dependencies_of_node_are_resolved() -> None:
    of = image({"/usr/bin/node": PROGRAM})
    manifests = {
        "package.json": '{"dependencies": {"express": "4"}, "devDependencies": {"jest": "1"}}',
        "a/package.json": "[]",
        "b/package.json": "{",
    }
    (probe,) = probes(of, manifests)
    assert probe.argv[-2:] == ("--", "express")


@given(
    st.dictionaries(
        st.sampled_from(["requirements.txt", "pyproject.toml", "package.json"]), st.text()
    )
)
def test_no_manifest_crashes(manifests: Mapping[str, str]) -> None:
    probes(image({"/usr/bin/python3": PROGRAM, "/usr/bin/node": PROGRAM}), manifests)


def test_the_python_probe_names_what_cannot_be_imported(tmp_path: Path) -> None:
    """The probe itself, run with distributions as pip leaves them."""
    for name, top in (("Good-One", "good"), ("Bad", "bad"), ("Older", "older")):
        folder = tmp_path / f"{name.replace('-', '_')}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (folder / "RECORD").write_text(f"{top}/__init__.py,,\n{folder.name}/METADATA,,\n")
        (tmp_path / top).mkdir()
        (tmp_path / top / "__init__.py").write_text("print('dear reader')\n")
    (tmp_path / "bad" / "__init__.py").write_text("raise ImportError('libpq.so.5:\\n gone')\n")
    (tmp_path / "Older-1.dist-info" / "top_level.txt").write_text("older\n")
    manifests = {"requirements.txt": "good-one\nbad\nolder\nabsent\n"}
    (probe,) = [probe for probe in probes(PYTHON, manifests) if probe.label == "import"]
    done = subprocess.run(
        [sys.executable, *probe.argv[1:]],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("dockopt:")]
    assert told[0].startswith("dockopt:absent\tPackageNotFoundError")
    assert told[1:] == ["dockopt:bad\tImportError: libpq.so.5: gone"]


@pytest.mark.parametrize("path", ["/opt/venv/bin/python", "/usr/local/bin/python"])
def test_the_python_on_path_is_asked(path: str) -> None:
    folder = path.rpartition("/")[0]
    of = image({path: PROGRAM, PIP: ""}, {"Env": [f"PATH={folder}:/bin"]})
    assert next(iter(probes(of, {}))).argv[0] == "python"
