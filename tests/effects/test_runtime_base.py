"""Which smaller image a stage could start from, as a view answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from optimizer.effects.brought import DEEPEST, MOST_STEPS
from optimizer.effects.runtime_base import RuntimeBase
from optimizer.knowledge.installs import Obstacle
from optimizer.view import View
from tests.views import view


def ask(text: str, files: Mapping[str, str] | None = None) -> RuntimeBase | Obstacle | None:
    seen = view(text, {name: content.encode() for name, content in (files or {}).items()})
    target = seen.stages.target
    assert target is not None
    return seen.runtime_twin(target)


def image(text: str, files: Mapping[str, str] | None = None) -> str:
    found = ask(text, files)
    assert isinstance(found, RuntimeBase), found
    return found.image


def code(text: str, files: Mapping[str, str] | None = None) -> str:
    found = ask(text, files)
    assert isinstance(found, Obstacle), found
    return found.code


APP = {"app.py": 'print("hello")\n'}
PYTHON = 'WORKDIR /app\nCOPY app.py .\nCMD ["python", "app.py"]\n'


def test_silent_where_there_is_no_twin() -> None:
    for base in ("scratch", "python:3.12-slim", "node:20-alpine", "php:8.3-cli", "$NOTHING"):
        assert ask(f"FROM {base}\n{PYTHON}", APP) is None


def test_what_a_build_has_shown_to_be_needed_is_installed() -> None:
    seen = view(f"FROM python:3.12\n{PYTHON}", {"app.py": b""})
    shown = View(seen.dockerfile, replace(seen.build, shown_needed=("libpq5", "tini")))
    assert shown.stages.target is not None
    found = shown.runtime_twin(shown.stages.target)
    assert isinstance(found, RuntimeBase)
    assert found.packages == ("libpq5", "tini")


@pytest.mark.parametrize(
    "line",
    [
        "RUN wget https://example.com/x",
        "RUN echo a && git init .",
        "RUN bash -c 'curl https://example.com'",
        "RUN sudo make",
        "RUN tar xjf a.tar.bz2",
        "RUN tar --xz -xf -",
        "RUN if true; then unzip a.zip; fi",
        "RUN /usr/bin/gcc -o a a.c",
    ],
)
def test_a_program_of_the_full_image_runs_here(line: str) -> None:
    found = code(f"FROM python:3.12-bookworm\n{line}\n{PYTHON}", APP)
    assert found in ("program-not-in-twin", "compiles-in-this-stage")


def test_what_the_stage_installs_is_there() -> None:
    text = (
        "RUN apt-get update && apt-get install -y git wget=1.21* && git init /x && wget --version"
    )
    assert image(f"FROM python:3.12-bookworm\n{text}\n{PYTHON}", APP).endswith("slim-bookworm")


def test_what_it_installs_below_is_not_there_above() -> None:
    text = "RUN git init /x\nRUN apt-get update && apt-get install -y git"
    assert code(f"FROM python:3.12-bookworm\n{text}\n{PYTHON}", APP) == "program-not-in-twin"


@pytest.mark.parametrize(
    "line", ["RUN useradd app", "RUN mkdir -p /data && chown 1000 /data", "RUN tar xzf a.tar.gz"]
)
def test_programs_of_every_debian_run_here(line: str) -> None:
    assert image(f"FROM python:3.12-bookworm\n{line}\n{PYTHON}", APP).endswith("slim-bookworm")


def test_adduser_is_not_in_trixie_slim() -> None:
    line = "RUN adduser --system app"
    for release, packages in (("trixie", ("adduser",)), ("bookworm", ())):
        found = ask(f"FROM python:3.12-{release}\n{line}\n{PYTHON}", APP)
        assert isinstance(found, RuntimeBase)
        assert found.packages == packages


def test_registry_in_front_is_kept() -> None:
    for prefix in ("docker.io/library/", "index.docker.io/library/", "docker.io/", "library/",
                   "public.ecr.aws/docker/library/"):  # fmt: skip
        found = image(f"FROM {prefix}python:3.12-bookworm\n{PYTHON}", APP)
        assert found == f"{prefix}python:3.12-slim-bookworm"


def test_a_copy_of_docker_hub_holds_no_distroless() -> None:
    text = (
        "FROM golang:1.26-bookworm AS b\nCOPY . /src\nWORKDIR /src\n"
        "RUN CGO_ENABLED=0 go build -o /app .\n"
        "FROM public.ecr.aws/docker/library/golang:1.26-bookworm\n"
        'COPY --from=b /app /app\nWORKDIR /d\nENTRYPOINT ["/app"]\n'
    )
    files = {"go.mod": "module x\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() {}\n"}
    assert image(text, files) == "public.ecr.aws/docker/library/debian:bookworm-slim"
    assert image(text.replace("public.ecr.aws/docker/library/", ""), files).startswith("gcr.io/")


def test_base_of_a_stage_that_is_copied_whole_counts() -> None:
    text = f"FROM rust:1.80 AS b\nFROM python:3.12-bookworm\nCOPY --from=b /lib /lib\n{PYTHON}"
    assert code(text, APP) == "runtime-needs-not-known"


def test_what_a_mount_brings_counts() -> None:
    build = "FROM rust:1.80 AS b\nRUN make -C /src install\n"
    mount = "RUN --mount=type=bind,from=b,source=/out,target=/o cp /o/tool /usr/local/bin/tool"
    text = f"{build}FROM python:3.12-bookworm\n{mount}\n{PYTHON}"
    assert code(text, APP) == "runtime-needs-not-known"
    uv = "RUN --mount=from=ghcr.io/astral-sh/uv,source=/uv,target=/bin/uv uv --version"
    assert image(f"FROM python:3.12-bookworm\n{uv}\n{PYTHON}", APP).endswith("slim-bookworm")


def test_certificates_of_another_image_are_no_programs() -> None:
    copy = "COPY --from=b /etc/ssl /etc/ssl"
    text = f"FROM alpine:3.20 AS b\nFROM python:3.12-bookworm\n{copy}\n{PYTHON}"
    assert image(text, APP).endswith("slim-bookworm")


def test_stages_that_take_from_each_other_come_to_an_end() -> None:
    stages = ["FROM python:3.12-bookworm AS s0\nRUN mkdir /x"]
    stages += [
        f"FROM python:3.12-bookworm AS s{n}\nCOPY --from=s{n - 1} /x{n - 1} /x{n}"
        for n in range(1, 10 * DEEPEST)
    ]
    text = "\n".join(stages) + f"\nCOPY app.py .\n{PYTHON}"
    assert code(text, APP) == "runtime-needs-not-known"


def test_many_ways_to_the_same_stage_come_to_an_end() -> None:
    stages = ["FROM python:3.12-bookworm AS s0\nRUN mkdir /x"]
    for n in range(1, 40):
        copies = "\n".join(f"COPY --from=s{n - 1} /x{k} /x{k}" for k in range(40))
        stages.append(f"FROM python:3.12-bookworm AS s{n}\n{copies}")
    text = "\n".join(stages) + f"\nCOPY app.py .\n{PYTHON}"
    assert isinstance(ask(text, APP), Obstacle | RuntimeBase)
    assert MOST_STEPS < 100_000


GO = {
    "go.mod": "module ex.com/x\n\ngo 1.24\n",
    "main.go": 'package main\n\nimport "net/http"\n\nfunc main() { http.Get("https://x") }\n',
    "fix.sh": "",
    "company.crt": "",
}
BUILDS = "FROM golang:1.26-bookworm AS builder\nWORKDIR /src\nCOPY . .\nRUN go build -o /app .\n"
RUNS = 'COPY --from=builder /app /app\nWORKDIR /\nENTRYPOINT ["/app"]\n'


def certificates(builds: str, runs: str, files: Mapping[str, str] = GO) -> str | None:
    """Returns what is done for the certificates: the stage they are copied from, "apt" or None."""
    found = ask(builds + runs, files)
    assert isinstance(found, RuntimeBase), found
    assert found.packages == () or found.lists is None
    return "apt" if "ca-certificates" in found.packages else found.lists


BASE = "FROM golang:1.26-bookworm\n"


def test_the_list_of_authorities_is_copied_from_the_builder() -> None:
    assert certificates(BUILDS, BASE + RUNS) == "builder"
    unnamed = BUILDS.replace(" AS builder", "")
    assert certificates(unnamed, BASE + RUNS.replace("builder", "0")) == "0"
    assert certificates(BUILDS + "RUN apt-get update && apt-get install -y git\n", BASE + RUNS)


@pytest.mark.parametrize(
    "line",
    [
        "COPY company.crt /usr/local/share/ca-certificates/",
        "COPY . /etc/ssl/certs/",
        "RUN update-ca-certificates",
        "RUN rm -rf /etc/ssl",
        "RUN rm -rf /etc",
        "RUN apt-get update && apt-get install -y ca-certificates",
    ],
)
def test_a_builder_that_may_change_the_list_is_not_copied_from(line: str) -> None:
    assert certificates(f"{BUILDS}{line}\n", BASE + RUNS) == "apt"


def test_a_builder_that_runs_an_unknown_program_is_not_copied_from() -> None:
    said = f"# dockopt: needs=\n{BASE}"

    assert certificates(BUILDS, said + RUNS) == "builder"
    assert certificates(BUILDS + "RUN sh fix.sh\n", said + RUNS) == "apt"


@pytest.mark.parametrize(
    "line",
    [
        "ENV SSL_CERT_DIR=/etc/ssl/certs",
        "COPY company.crt /usr/local/share/ca-certificates/",
        "COPY --from=ghcr.io/astral-sh/uv:0.8 /uv /usr/local/bin/",
        "RUN apt-get update && apt-get install -y libpq5",
    ],
)
def test_certificates_stay_where_more_may_look_for_them(line: str) -> None:
    plain = {**GO, "main.go": "package main\n\nfunc main() {}\n"}
    assert certificates(BUILDS, f"{BASE}{RUNS}", plain) is None
    found = certificates(BUILDS, f"{BASE}{line}\n{RUNS}", plain)
    assert found == ("builder" if "astral" in line else "apt")


def test_the_library_of_the_distribution_looks_for_links_to_authorities() -> None:
    lock = 'version = 3\n[[package]]\nname = "openssl-sys"\nversion = "0.9.1"\n'
    files = {
        "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\n',
        "Cargo.lock": lock,
        "src/main.rs": "fn main() {}\n",
    }
    builds = "FROM rust:1-trixie AS builder\nWORKDIR /src\nCOPY . .\nRUN cargo build -r\n"
    runs = RUNS.replace("/app /app", "/src/target/release/app /app")

    assert certificates(builds, f"FROM rust:1-trixie\n{runs}", files) == "apt"


def test_alpine_keeps_its_package_of_time_zones() -> None:
    found = ask(
        BUILDS.replace("bookworm", "alpine3.22") + BASE.replace("bookworm", "alpine3.22") + RUNS, GO
    )
    assert isinstance(found, RuntimeBase)
    assert (found.packages, found.lists) == (("tzdata",), None)
