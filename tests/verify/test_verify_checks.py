"""Which checks a builder's images are put to, and which manifests they are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.context.tree import BuildContext
from optimizer.verify.builders import Built, Order, Watch
from optimizer.verify.checks import checks, read_manifests, smoke_check
from optimizer.verify.image import Image


@dataclass
class Remote:
    """A builder whose images nobody here can run."""

    name: str = "remote"
    run_command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        raise AssertionError

    def build(self, order: Order, watch: Watch) -> Built:
        raise AssertionError

    def image_bytes(self, image: str) -> int | None:
        return None

    def remove(self, built: Built) -> None:
        raise AssertionError


BUILT = Built(Image({}, {}), None, 1.0)


def test_images_that_cannot_be_run_are_only_read() -> None:
    (closure,) = checks(Remote(), {})
    assert closure(BUILT, BUILT).outcome == "kept"


def test_a_smoke_command_that_cannot_run_keeps_nobody_in_good_faith() -> None:
    smoke = smoke_check(Remote(), ["true"])
    assert smoke is not None
    assert smoke(BUILT, BUILT).outcome == "unverifiable"


def test_an_engine_runs_smoke_and_languages_too() -> None:
    engine = Remote(run_command=("docker", "run"))
    assert len(checks(engine, {})) == 2
    assert smoke_check(engine, ["true"]) is not None


def test_nobody_who_asks_for_no_smoke_gets_any() -> None:
    assert smoke_check(Remote(run_command=("docker", "run")), []) is None


def test_manifests_are_read_from_the_top_of_the_context(tmp_path: Path) -> None:
    for path in (
        "package.json",
        "requirements.txt",
        "requirements-dev.txt",
        "apps/web/package.json",
        "node_modules/x/package.json",
        "a/b/c/package.json",
        "ignored/pyproject.toml",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / ".dockerignore").write_text("ignored\n")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "package.json").mkdir()
    found = dict(read_manifests(BuildContext(tmp_path)))
    assert found.pop("broken/package.json") == ""
    names = ["requirements.txt", "requirements-dev.txt", "package.json", "apps/web/package.json"]
    assert found == {name: name for name in names}
