"""cargo and cargo-chef: which commands bring in crates, and what they read and write."""

from __future__ import annotations

from typing import Any

import pytest

from optimizer.knowledge.installs import HOLE, Call, Inputs, Install, Obstacle, Touch
from optimizer.knowledge.rust import cargo
from tests.knowledge.conftest import Link, MemoryFiles

MANIFEST = '[package]\nname = "app"\nversion = "0.1.0"\n[dependencies]\nx = "1"\n'
LOCK = 'version = 4\n[[package]]\nname = "x"\nversion = "1.0.0"\nsource = "registry+https://h"\n'
APP = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, "src/main.rs": "", "src/web.rs": ""}


def step(command: str, files: dict[str, Any], env: Any = None, directory: str = "/app") -> Any:
    content = {k if k.startswith("/") else f"/app/{k}": v for k, v in files.items()}
    words = tuple(word.replace("HOLE", HOLE) for word in command.split())
    return cargo.dependency_step(Call(words, directory, env or {}), MemoryFiles(content))


@pytest.mark.parametrize(
    "command",
    ["cargo fetch", "cargo fetch --locked", "cargo +nightly fetch", "/root/.cargo/bin/cargo fetch",
     "cargo -q fetch --target x86_64-unknown-linux-musl", "cargo chef cook --release",
     "cargo fetch --manifest-path web/Cargo.toml", "cargo chef cook --recipe-path r.json"],
)  # fmt: skip
def test_downloads_are_recognised(recognise: Any, command: str) -> None:
    answer = recognise(cargo, command)

    assert isinstance(answer, Install)
    assert answer.ecosystem == "cargo"


@pytest.mark.parametrize(
    "command",
    ["cargo build", "cargo b -r", "cargo test", "cargo install ripgrep", "cargo install --path .",
     "cargo --version", "cargo", "cargo new app", "cargo clean", "cargo xtask dist", "rustc x.rs",
     "cargo chef --version", "go build"],
)  # fmt: skip
def test_builds_and_others_are_not_ours(recognise: Any, command: str) -> None:
    assert recognise(cargo, command) is None


def test_a_recipe_is_prepared_from_the_whole_tree(recognise: Any) -> None:
    answer = recognise(cargo, "cargo chef prepare --recipe-path out/recipe.json")

    assert isinstance(answer, Touch)
    assert "/app" in answer.reads
    assert "/app/out/recipe.json" in answer.writes


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("cargo update", "install-edits-manifest"),
        ("cargo generate-lockfile", "install-edits-manifest"),
        ("cargo add serde", "install-edits-manifest"),
        ("cargo vendor", "package-manager-not-covered"),
        ("cargo fetch --config net.offline=true", "unknown-install-flag"),
        ("cargo -C web fetch", "unknown-install-flag"),
    ],
)
def test_commands_that_do_more_are_obstacles(recognise: Any, command: str, code: str) -> None:
    assert recognise(cargo, command).code == code


WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["crates/*", "cli"]\nexclude = ["crates/old"]\n',
    "Cargo.lock": LOCK,
    "crates/a/Cargo.toml": '[package]\nname = "a"\n[lib]\npath = "a.rs"\n',
    "crates/a/a.rs": "",
    "crates/old/Cargo.toml": "[package]\nname='old'\n",
    "cli/Cargo.toml": '[package]\nname = "cli"\n[dev-dependencies]\nt = { path = "../t" }\n',
    "cli/src/main.rs": "",
    "t/Cargo.toml": "[package]\nname='t'\nbuild = 'b.rs'\n",
    "t/src/lib.rs": "",
    "docs/x.md": "",
}


@pytest.mark.parametrize(
    ("reason", "files", "reads"),
    [
        ("program", APP, ["Cargo.toml", "Cargo.lock", "src/main.rs"]),
        ("library first", {**APP, "src/lib.rs": ""}, ["Cargo.toml", "Cargo.lock", "src/lib.rs"]),
        (
            "named target",
            {**APP, "Cargo.toml": MANIFEST + '[[bin]]\nname = "app"\npath = "src/main.rs"\n'},
            ["Cargo.toml", "Cargo.lock"],
        ),
        (
            "settings and toolchain",
            {**APP, ".cargo/config.toml": "[net]\nretry = 3\n", "rust-toolchain.toml": "",
             "/root/.cargo/config.toml": "", "/root/.netrc": "", "/.cargo/config": ""},
            ["Cargo.toml", "Cargo.lock", "src/main.rs", ".cargo/config.toml",
             "rust-toolchain.toml", "/root/.cargo/config.toml", "/root/.netrc", "/.cargo/config"],
        ),
        (
            "a toolchain as people wrote it before",
            {**APP, "rust-toolchain": "1.70.0\n", "/rust-toolchain": "nightly\n"},
            ["Cargo.toml", "Cargo.lock", "src/main.rs", "rust-toolchain"],
        ),
        (
            "workspace",
            WORKSPACE,
            ["Cargo.toml", "Cargo.lock", "crates/a/Cargo.toml", "cli/Cargo.toml",
             "cli/src/main.rs", "t/Cargo.toml", "t/src/lib.rs"],
        ),
        (
            "an authority of its own",
            {**APP, ".cargo/config.toml": '[http]\ncainfo = "ca.pem"\n', "ca.pem": ""},
            ["Cargo.toml", "Cargo.lock", "src/main.rs", ".cargo/config.toml", "ca.pem"],
        ),
    ],
)  # fmt: skip
def test_files_that_the_download_reads(
    ask: Any, reason: str, files: dict[str, Any], reads: list[str]
) -> None:
    answer = ask(cargo, "cargo fetch --locked", files)

    assert isinstance(answer, Inputs), (reason, answer)
    assert set(answer.reads) == {p if p.startswith("/") else f"/app/{p}" for p in reads}
    assert answer.trees == answer.rewrites == ()


def test_a_member_leads_to_its_workspace(ask: Any) -> None:
    reads = ask(cargo, "cargo fetch --locked", WORKSPACE).reads

    assert ask(cargo, "cargo fetch --locked", WORKSPACE, directory="/app/cli").reads == reads
    named = "cargo fetch --locked --manifest-path cli/Cargo.toml"
    assert ask(cargo, named, WORKSPACE).reads == reads


def test_a_toolchain_on_the_command_line_leaves_the_file_aside(ask: Any) -> None:
    files = {**APP, "rust-toolchain.toml": ""}

    assert "/app/rust-toolchain.toml" not in ask(cargo, "cargo +nightly fetch", files).reads


def test_the_lockfile_may_be_written_unless_it_is_locked(ask: Any) -> None:
    assert ask(cargo, "cargo fetch", APP).rewrites == ("/app/Cargo.lock",)
    assert ask(cargo, "cargo fetch --locked", APP).rewrites == ()
    without = {name: text for name, text in APP.items() if name != "Cargo.lock"}
    answer = ask(cargo, "cargo fetch", without)
    assert "/app/Cargo.lock" in answer.writes
    assert "Cargo.lock does not exist" in answer.assumes[0]


@pytest.mark.parametrize(
    ("env", "places"),
    [
        ({"CARGO_HOME": "/c"}, ["/c/registry", "/c/git", "/c/.package-cache"]),
        ({"HOME": "/home/me"}, ["/home/me/.cargo/registry", "/usr/local/cargo/registry"]),
    ],
)
def test_places_that_the_download_writes_to(
    ask: Any, env: dict[str, str], places: list[str]
) -> None:
    assert set(places) <= set(ask(cargo, "cargo fetch", APP, env=env).writes)


def test_a_toolchain_is_fetched_where_a_file_asks_for_one(ask: Any) -> None:
    env = {"RUSTUP_HOME": "/r"}

    assert "/r" in ask(cargo, "cargo fetch", {**APP, "rust-toolchain": "1.80"}, env=env).writes
    assert "/r" not in ask(cargo, "cargo fetch", APP, env=env).writes
    assert "/r" in ask(cargo, "cargo fetch", APP, env=env).settings


def test_the_users_settings_are_looked_at(ask: Any) -> None:
    answer = ask(cargo, "cargo fetch", APP, env={"CARGO_HOME": "/c", "HOME": "/root"})

    assert {"/c/credentials.toml", "/root/.gitconfig", "/root/.netrc"} <= set(answer.settings)


@pytest.mark.parametrize(
    ("reason", "files", "code", "place"),
    [
        ("no manifest", {"src/main.rs": ""}, "manifest-outside-copy", ("/app/Cargo.toml", None)),
        ("no target", {"Cargo.toml": MANIFEST}, "manifest-outside-copy", ("/app/Cargo.toml", None)),
        ("a target that is nowhere", {**APP, "Cargo.toml": MANIFEST + '[[bin]]\nname = "z"\n'},
         "manifest-outside-copy", ("/app/Cargo.toml", None)),
        ("no member", {**APP, "Cargo.toml": '[workspace]\nmembers = ["gone"]\n'},
         "manifest-outside-copy", ("/app/gone/Cargo.toml", None)),
        ("path not copied",
         {**APP, "Cargo.toml": MANIFEST.replace('"1"', '{ path = "../x" }')},
         "manifest-outside-copy", ("/app/Cargo.toml", None)),
        ("broken manifest", {**APP, "Cargo.toml": "[package]\nname = \n"}, "unreadable-manifest",
         ("/app/Cargo.toml", 2)),
        ("broken lockfile", {**APP, "Cargo.lock": "<<<<<<< ours\n"}, "unreadable-manifest",
         ("/app/Cargo.lock", 1)),
        ("a lockfile of something else", {**APP, "Cargo.lock": "package = 1\n"},
         "unreadable-manifest", ("/app/Cargo.lock", 1)),
        ("no text", {**APP, "Cargo.toml": b"\xff\xfe"}, "unreadable-manifest",
         ("/app/Cargo.toml", 1)),
        ("nested too deeply", {**APP, "Cargo.toml": "a = " + "[" * 10_000}, "unreadable-manifest",
         ("/app/Cargo.toml", 1)),
        ("too large", {**APP, "Cargo.toml": None}, "unreadable-manifest",
         ("/app/Cargo.toml", None)),
        ("link", {**APP, "Cargo.lock": Link("../x")}, "manifest-is-a-link",
         ("/app/Cargo.lock", None)),
        ("hostile pattern", {**APP, "Cargo.toml": '[workspace]\nmembers = ["a***"]\n'},
         "unsupported-workspace-glob", ("/app/Cargo.toml", None)),
        ("overridden paths", {**APP, ".cargo/config.toml": 'paths = ["x"]\n'},
         "config-reads-source", ("/app/.cargo/config.toml", None)),
        ("a wrapper of the project",
         {**APP, ".cargo/config.toml": '[build]\nrustc-wrapper = "./w.sh"\n'},
         "config-reads-source", ("/app/.cargo/config.toml", None)),
        ("a platform that is not copied",
         {**APP, ".cargo/config.toml": '[build]\ntarget = "k.json"\n'},
         "config-reads-source", ("/app/.cargo/config.toml", None)),
        ("a toolchain of the project",
         {**APP, "rust-toolchain.toml": '[toolchain]\npath = "tc"\n'},
         "config-reads-source", ("/app/rust-toolchain.toml", None)),
        ("vendored",
         {**APP, ".cargo/config.toml": '[source.crates-io]\nreplace-with = "v"\n[source.v]\n'
          'directory = "vendor"\n'}, "vendored-dependencies", ("/app/.cargo/config.toml", None)),
        ("offline", {**APP, ".cargo/config.toml": "[net]\noffline = true\n"},
         "vendored-dependencies", ("/app/.cargo/config.toml", None)),
    ],
)  # fmt: skip
def test_obstacles_name_file_and_line(
    ask: Any, reason: str, files: dict[str, Any], code: str, place: tuple[str | None, int | None]
) -> None:
    answer = ask(cargo, "cargo fetch", files)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert (answer.code, (answer.path, answer.line)) == (code, place)


def test_cooking_over_the_sources_is_an_obstacle(ask: Any) -> None:
    assert ask(cargo, "cargo chef cook", APP).code == "sources-overwritten"


def test_a_recipe_is_cooked_without_the_sources(ask: Any) -> None:
    answer = ask(cargo, "cargo chef cook --release", {"rust-toolchain.toml": "", "recipe.json": ""})

    assert set(answer.reads) == {"/app/rust-toolchain.toml", "/app/recipe.json"}
    assert "/app" in answer.writes


@pytest.mark.parametrize(
    ("command", "env", "title"),
    [
        ("cargo build --release", {}, "cargo fetch"),
        ("cargo +nightly build -r --locked", {}, "cargo +nightly fetch --locked"),
        ("cargo test --workspace", {}, "cargo fetch"),
        ("cargo install --locked --path .", {}, "cargo fetch --locked"),
        ("cargo build --target x86_64-unknown-linux-musl", {},
         "cargo fetch --target x86_64-unknown-linux-musl"),
        ("cargo build --target=HOLE", {}, "cargo fetch"),
        ("cargo build --target k.json", {}, "cargo fetch"),
        ("cargo build --features HOLE --bin HOLE", {}, "cargo fetch"),
        ("cargo run -- --offline", {}, "cargo fetch"),
        ("cargo build -p web -j4 -Zunstable-options", {"CARGO_NET_OFFLINE": "false"},
         "cargo fetch -Z unstable-options"),
    ],
)  # fmt: skip
def test_a_build_gets_its_download(command: str, env: dict[str, str], title: str) -> None:
    answer = step(command, APP, env)

    assert isinstance(answer, Install), answer
    assert answer.title == title
    assert " ".join(answer.call.words) == title
    assert answer.call.directory == "/app"


@pytest.mark.parametrize(
    ("command", "files", "env"),
    [
        ("cargo build --offline", APP, {}),
        ("cargo build --frozen", APP, {}),
        ("cargo build", APP, {"CARGO_NET_OFFLINE": "true"}),
        ("cargo build", {"src/main.rs": ""}, {}),
        ("cargo build", {**APP, "Cargo.lock": 'version = 4\n[[package]]\nname = "app"\n'}, {}),
        ("cargo build --manifest-path HOLE", APP, {}),
        ("cargo install ripgrep", APP, {}),
        ("cargo fmt", APP, {}),
        ("cargo", APP, {}),
        ("cargo build", {**APP, ".cargo/config.toml": "[net]\noffline = true\n"}, {}),
    ],
)
def test_a_build_that_fetches_nothing_gets_none(
    command: str, files: dict[str, Any], env: dict[str, str]
) -> None:
    assert step(command, files, env) is None


@pytest.mark.parametrize(
    ("reason", "command", "files", "code"),
    [
        ("no lockfile", "cargo build", {"Cargo.toml": MANIFEST, "src/main.rs": "", "src/b.rs": ""},
         "missing-lockfile"),
        ("the lockfile does not count", "cargo install --path .", APP, "lockfile-ignored"),
        ("one source file", "cargo build",
         {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, "src/main.rs": "", "build.rs": ""},
         "install-reads-source"),
        ("too many packages", "cargo build",
         {"Cargo.toml": '[workspace]\nmembers = ["m/*"]\n', "Cargo.lock": LOCK,
          **{f"m/{n}/Cargo.toml": MANIFEST + '[lib]\npath = "l"\n' for n in range(9)}},
         "too-many-manifests"),
        ("settings of a member", "cargo build --manifest-path cli/Cargo.toml",
         {**WORKSPACE, "cli/.cargo/config.toml": ""}, "config-reads-source"),
        ("settings on the command line", "cargo build --config x.toml", APP,
         "unknown-install-flag"),
        ("broken", "cargo build", {**APP, "Cargo.lock": "["}, "unreadable-manifest"),
    ],
)  # fmt: skip
def test_a_download_that_would_not_be_right_says_why(
    reason: str, command: str, files: dict[str, Any], code: str
) -> None:
    answer = step(command, files)

    assert isinstance(answer, Obstacle), (reason, answer)
    assert answer.code == code


def test_the_refusal_of_a_single_source_names_both_ways() -> None:
    files = {"Cargo.toml": MANIFEST, "Cargo.lock": LOCK, "src/main.rs": ""}

    assert "cargo-chef" in step("cargo build", files).unblock
    assert "cache mount" in step("cargo build", files).unblock


def test_a_source_that_is_copied_for_its_presence_is_told() -> None:
    assert any("/app/src/main.rs" in each for each in step("cargo build", APP).assumes)
    named = {**APP, "Cargo.toml": MANIFEST + '[[bin]]\nname = "app"\npath = "src/main.rs"\n'}
    assert not any("main.rs" in each for each in step("cargo build", named).assumes)


def test_only_what_steers_downloads_goes_along() -> None:
    env = {
        "CARGO_HOME": "/c",
        "RUSTFLAGS": "-g",
        "CARGO_TARGET_DIR": "/t",
        "https_proxy": "p",
        "RUSTC_BOOTSTRAP": "1",
    }

    assert set(step("cargo build", APP, env).call.env) == {
        "CARGO_HOME", "https_proxy", "RUSTC_BOOTSTRAP",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "env", "paths"),
    [
        ("cargo build", {"CARGO_HOME": "/usr/local/cargo"},
         ["/usr/local/cargo/registry", "/usr/local/cargo/git"]),
        ("cargo chef cook", {"CARGO_HOME": "/c"}, ["/c/registry", "/c/git"]),
        ("cargo build", {"HOME": "/root"}, []),
        ("cargo fmt", {"CARGO_HOME": "/c"}, []),
    ],
)  # fmt: skip
def test_downloads_lie_in_cargos_home(command: str, env: dict[str, str], paths: list[str]) -> None:
    caches = cargo.download_caches(Call(tuple(command.split()), "/app", env))

    assert [cache.path for cache in caches] == paths
    assert not any(cache.is_locked for cache in caches)


def test_packages_that_depend_on_each_other_come_to_an_end(ask: Any) -> None:
    loop = '[package]\nname = "{}"\n[dependencies]\ny = {{ path = "../{}" }}\n[lib]\npath = "l"\n'
    files = {"a/Cargo.toml": loop.format("a", "b"), "b/Cargo.toml": loop.format("b", "a")}

    answer = ask(cargo, "cargo fetch --locked", files, directory="/app/a")

    assert answer.reads == ("/app/a/Cargo.toml", "/app/b/Cargo.toml")


def test_many_members_take_linear_time(ask: Any) -> None:
    member = '[package]\nname = "m"\n[lib]\npath = "l"\n'
    files = {f"m/{number}/Cargo.toml": member for number in range(500)}
    answer = ask(cargo, "cargo fetch", {"Cargo.toml": '[workspace]\nmembers = ["m/*"]\n', **files})

    assert len(answer.reads) == 501
