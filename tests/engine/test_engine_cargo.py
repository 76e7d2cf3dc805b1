"""Rust applications, built cold with crates from their registry: what dockopt makes of them keeps
its promises. Their lockfiles name a registry, so the machine's own cargo writes them here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.engine.bases import provide
from tests.engine.daemon import Engine
from tests.engine.test_engine_apps import fixed, kept_images

pytestmark = pytest.mark.engine

NUMBERS = (
    "pub fn shown(number: u64) -> String {\n    itoa::Buffer::new().format(number).into()\n}\n"
)


def dockerfile(build: str) -> str:
    return (
        f"FROM rust:1.85 AS build\nWORKDIR /app\nCOPY . .\nRUN {build}\n\n"
        "FROM debian:trixie-slim\n"
        "COPY --from=build /app/target/release/numbers /usr/local/bin/\n"
        'CMD ["numbers"]\n'
    )


def package(name: str, more: str) -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}'


PROGRAM = {
    "Dockerfile": dockerfile("cargo build --release --locked"),
    ".dockerignore": "target\n",
    "Cargo.toml": package("numbers", '[dependencies]\nitoa = "=1.0.11"\n'),
    "src/main.rs": 'mod shown;\n\nfn main() {\n    println!("{}", shown::shown(42));\n}\n',
    "src/shown.rs": NUMBERS,
}
WORKSPACE = {
    "Dockerfile": dockerfile("cargo build --release --bin numbers"),
    "Cargo.toml": '[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n\n'
    '[workspace.dependencies]\nitoa = "=1.0.11"\nshown = { path = "shown" }\n',
    ".cargo/config.toml": "[net]\nretry = 5\n",
    "crates/numbers/Cargo.toml": package(
        "numbers", "build = 'build.rs'\n[dependencies]\nshown.workspace = true\n"
    ),
    "crates/numbers/build.rs": 'fn main() {\n    println!("cargo:rustc-env=ANSWER=42");\n}\n',
    "crates/numbers/src/main.rs": "mod answer;\n\nfn main() {\n"
    '    println!("{}", shown::shown(answer::ANSWER.parse().unwrap()));\n}\n',
    "crates/numbers/src/answer.rs": 'pub const ANSWER: &str = env!("ANSWER");\n',
    "shown/Cargo.toml": package("shown", "[dependencies]\nitoa.workspace = true\n"),
    "shown/src/lib.rs": NUMBERS,
}
NAMED = {
    **PROGRAM,
    "Dockerfile": dockerfile(
        "cargo install --locked --path . --root /out"
        " && mkdir -p target/release && cp /out/bin/numbers target/release/"
    ),
    "Cargo.toml": PROGRAM["Cargo.toml"] + '[[bin]]\nname = "numbers"\npath = "src/main.rs"\n',
}


def fill(context: Path, files: Mapping[str, str]) -> None:
    """Writes ``files`` and the lockfile that cargo finds for them."""
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("cargo, which writes the lockfile, is not installed")
    for name, text in files.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    # rustup's cargo looks for its toolchains below HOME, where those of this machine need not be.
    rustup = Path(cargo).parents[2] / ".rustup"
    more = {"RUSTUP_HOME": str(rustup)} if rustup.is_dir() else {}
    subprocess.run(
        [cargo, "generate-lockfile"],
        cwd=context,
        env={**more, **os.environ},
        check=True,
        capture_output=True,
    )
    lockfile = context / "Cargo.lock"
    # cargo 1.85 reads no newer form than this one.
    assert lockfile.read_text().split("\n")[2] in ("version = 3", "version = 4")


@pytest.mark.parametrize(
    "files", [PROGRAM, WORKSPACE, NAMED], ids=["program", "workspace", "named"]
)
def test_a_download_of_crates_keeps_its_promise(
    files: Mapping[str, str], engine: Engine, context: Path
) -> None:
    fill(context, files)
    provide(engine, ["rust:1.85", "debian:trixie-slim"])

    file = fixed(engine, context)

    assert [change["safety"] for change in file["applied"]] == ["same-image"], file["held"]
    assert all(change["confirmed"] for change in file["applied"])
    assert "\nRUN cargo fetch" in file["after"]
    images = kept_images(engine)
    assert len(images) >= 3
    try:
        for image in images:
            done = engine.docker("run", "--rm", "--network", "none", image)
            assert done.stdout == b"42\n", done.stderr
    finally:
        engine.docker("image", "rm", "--force", *images)
