"""What cargo leaves for the run time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.knowledge.products import held, left, running

PACKAGE = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n'
APP = {"Cargo.toml": PACKAGE, "Cargo.lock": "version = 3\n", "src/main.rs": ""}
BINS = {
    **APP,
    "Cargo.toml": PACKAGE
    + '[features]\ndefault = ["mail"]\nmail = []\nadmin = []\n'
    + '[[bin]]\nname = "api"\npath = "src/main.rs"\n'
    + '[[bin]]\nname = "admin"\npath = "src/admin.rs"\nrequired-features = ["admin"]\n'
    + '[[bin]]\nname = "mailer"\nrequired-features = ["mail"]\n',
    "src/admin.rs": "",
    "src/bin/mailer.rs": "",
    "src/bin/worker.rs": "",
    "src/bin/tool/main.rs": "",
    "src/bin/data.txt": "",
}
WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/*"]\ndefault-members = ["crates/api"]\n',
    "Cargo.lock": "version = 3\n",
    "crates/api/Cargo.toml": PACKAGE.replace("shop", "api"),
    "crates/api/src/main.rs": "",
    "crates/cli/Cargo.toml": PACKAGE.replace("shop", "cli"),
    "crates/cli/src/main.rs": "",
    "crates/core/Cargo.toml": PACKAGE.replace("shop", "core"),
    "crates/core/src/lib.rs": "",
}
LIBRARY = {
    "Cargo.toml": PACKAGE.replace("shop", "my-plugin") + '[lib]\ncrate-type = ["cdylib"]\n',
    "src/lib.rs": "",
}
RUST = {"CARGO_HOME": "/usr/local/cargo", "HOME": "/root"}
MUSL = "x86_64-unknown-linux-musl"


@pytest.mark.parametrize(
    ("command", "files", "keeps"),
    [
        ("cargo build --release", APP, ["target/release/shop"]),
        ("cargo build -r", APP, ["target/release/shop"]),
        ("cargo +nightly build", APP, ["target/debug/shop"]),
        ("cargo build --profile dist", APP, ["target/dist/shop"]),
        ("cargo build --profile=dev", APP, ["target/debug/shop"]),
        ("cargo build --release --target-dir /t", APP, ["/t/release/shop"]),
        (f"cargo build --release --target {MUSL}", APP, [f"target/{MUSL}/release/shop"]),
        ("cargo build --release", BINS,
         ["target/release/api", "target/release/mailer", "target/release/tool",
          "target/release/worker"]),
        ("cargo build --release --no-default-features", BINS,
         ["target/release/api", "target/release/tool", "target/release/worker"]),
        ("cargo build --release --features admin", BINS,
         ["target/release/admin", "target/release/api", "target/release/mailer",
          "target/release/tool", "target/release/worker"]),
        ("cargo build --release --bin worker --bin api", BINS,
         ["target/release/api", "target/release/worker"]),
        ("cargo build --lib", BINS, []),
        ("cargo build --release --target wasm32-wasip1", APP,
         ["target/wasm32-wasip1/release/shop.wasm"]),
        ("cargo build --target x86_64-pc-windows-gnu", APP,
         ["target/x86_64-pc-windows-gnu/debug/shop.exe"]),
        ("cargo build --release", LIBRARY, ["target/release/libmy_plugin.so"]),
        ("cargo build --release --lib", LIBRARY, ["target/release/libmy_plugin.so"]),
        ("cargo build --release", WORKSPACE, ["target/release/api"]),
        ("cargo build --release --workspace", WORKSPACE,
         ["target/release/api", "target/release/cli"]),
        ("cargo build --release --workspace --exclude api", WORKSPACE, ["target/release/cli"]),
        ("cargo build --release -p cli -p core", WORKSPACE, ["target/release/cli"]),
        ("cargo build --release --manifest-path crates/cli/Cargo.toml", WORKSPACE,
         ["target/release/cli"]),
        ("cargo install --path .", APP, ["/usr/local/cargo/bin/shop"]),
        ("cargo install --path . --root /opt/x", APP, ["/opt/x/bin/shop"]),
        ("cargo install --path crates/cli", WORKSPACE, ["/usr/local/cargo/bin/cli"]),
        ("cargo fetch", APP, []),
        ("cargo test", APP, []),
        ("cargo chef cook --release", APP, []),
    ],
)  # fmt: skip
def test_programs_lie_where_cargo_puts_them(
    command: str, files: dict[str, Any], keeps: list[str]
) -> None:
    found = left(command, files, env=RUST)

    assert sorted(found.keeps) == [k if k.startswith("/") else f"/app/{k}" for k in keeps]


def test_settings_and_variables_move_the_target() -> None:
    settings = {
        ".cargo/config.toml": '[build]\ntarget-dir = "out"\ntarget = "x86_64-unknown-none"\n'
    }
    command = "cargo build --release"

    assert left(command, {**APP, **settings}).keeps == (
        "/app/out/x86_64-unknown-none/release/shop",
    )
    assert left(command, APP, env={"CARGO_TARGET_DIR": "/t"}).keeps == ("/t/release/shop",)
    assert left(command, APP, env={"CARGO_BUILD_TARGET": MUSL}).keeps == (
        f"/app/target/{MUSL}/release/shop",
    )
    several = {".cargo/config.toml": '[build]\ntarget = ["a", "b"]\n'}
    assert held(command, {**APP, **several}).code == "product-not-known"


@pytest.mark.parametrize(
    "command",
    ["cargo build --bin HOLE", "cargo build -p HOLE", "cargo build --target HOLE",
     "cargo build --target a --target b", "cargo build --out-dir /x -Z unstable-options"],
)  # fmt: skip
def test_a_program_whose_place_is_not_known_is_held(command: str) -> None:
    assert held(command, APP).code == "product-not-known"


def test_a_build_without_manifest_is_held() -> None:
    assert held("cargo build --release", {"src/main.rs": ""}).code == "product-not-known"
    assert held("cargo build", {"Cargo.toml": "[package"}).code == "unreadable-manifest"


def test_a_container_that_builds_keeps_its_tools() -> None:
    assert held("cargo build --release", APP, ["cargo run --release"]).code == "runs-from-sources"


@pytest.mark.parametrize(
    ("command", "env", "image", "linking"),
    [
        ("cargo build --release", {}, ("rust", "1.80"), "dynamic"),
        ("cargo build --release", {}, ("rust", "1.80-alpine"), "unknown"),
        ("cargo build --release", {}, None, "unknown"),
        (f"cargo build --target {MUSL}", {}, ("rust", "1.80"), "static"),
        (f"cargo build --target {MUSL}", {"RUSTFLAGS": "-C target-feature=-crt-static"},
         ("rust", "1.80"), "unknown"),
        ("cargo build --target x86_64-unknown-linux-gnu", {}, None, "dynamic"),
        ("cargo build", {"RUSTFLAGS": "-C target-feature=+crt-static"}, ("rust", "1"), "unknown"),
    ],
)  # fmt: skip
def test_linking_is_static_where_that_is_shown(
    command: str, env: dict[str, str], image: tuple[str, str] | None, linking: str
) -> None:
    assert left(command, APP, env=env, image=image).linking == linking


def test_crates_that_link_libraries_of_the_system_are_named() -> None:
    lock = 'version = 3\n[[package]]\nname = "openssl-sys"\nversion = "0.9.1"\n'
    found = left(f"cargo build --target {MUSL}", {**APP, "Cargo.lock": lock})

    assert (found.ecosystem, found.packages) == ("crates", ("openssl-sys",))
    assert found.linking == "unknown"


@pytest.mark.parametrize(
    ("crates", "source", "needed"),
    [
        ("shop serde tokio axum", "", False),
        ("shop linux-raw-sys windows-sys js-sys", "", False),
        ("shop rustls", "", True),
        ("shop native-tls", "", True),
        ("shop ureq", "", True),
        ("shop hyper-util", "", True),
        ("shop pq-sys", "", True),
        ("shop cc", "", True),
        ("shop", '#[link(name = "curl")] extern "C" {}', True),
        ("shop", 'println!("cargo:rustc-link-lib=ssl")', True),
        ("shop", 'File::open("/etc/ssl/certs/ca-certificates.crt")', True),
    ],
)
def test_certificates_are_needed_where_a_crate_may_speak_tls(
    crates: str, source: str, needed: bool
) -> None:
    lock = "".join(f'[[package]]\nname = "{name}"\n' for name in crates.split())
    found = left("cargo build", {**APP, "Cargo.lock": lock, "build.rs": source})

    assert ("certificates" in found.needs) == needed


def test_certificates_are_needed_where_the_crates_are_not_known() -> None:
    files = {name: text for name, text in APP.items() if name != "Cargo.lock"}

    assert "certificates" in left("cargo build", files).needs


def test_tools_stay_where_the_container_runs_them() -> None:
    def tool(command: str, *runs: str, opaque: str | None = None) -> tuple[Any, Any]:
        found = left(command, {}, running(*runs, opaque=opaque), env=RUST)
        return found.keeps, found.drops

    bin_ = "/usr/local/cargo/bin"
    assert tool("cargo install sqlx-cli", "./app") == ((), (f"{bin_}/sqlx", f"{bin_}/cargo-sqlx"))
    assert tool("cargo install sqlx-cli", "sqlx migrate run")[0] == (f"{bin_}/sqlx",)
    assert tool("cargo install cargo-chef", "./app")[0] == ()
    assert tool("cargo install unheard-of", "./app")[0] == ()
    blind = running("./app", opaque="a script")
    assert held("cargo install unheard-of", {}, blind, env=RUST).code == "product-not-known"


def test_what_the_program_may_read_stays() -> None:
    files = {
        **APP, "target/release/old": "", "build.rs": "", ".cargo/config.toml": "",
        "templates/a.html": "", "migrations/1.sql": "", "Rocket.toml": "", ".sqlx/q.json": "",
        "tests/api.rs": "", "tests/data/in.json": "", "Dockerfile": "",
    }  # fmt: skip
    found = left("cargo build --release", files, ["./target/release/shop"])

    assert found.build_only is not None
    assert set(found.build_only) == {
        "/app/Cargo.toml", "/app/Cargo.lock", "/app/src", "/app/target", "/app/build.rs",
        "/app/.cargo", "/app/.sqlx", "/app/tests/api.rs", "/app/Dockerfile",
    }  # fmt: skip
