"""Package managers and runtimes of languages, as far as they are no installs of manifests.

`optimizer.knowledge.ecosystems` answers first; these rows are for the rest. Commands that run
code of the project (scripts, plugins, build files) have no answer. Those that build packages
from a registry run the packages' code, which is taken to keep to the places of the tool, to
temporary files and to the user's caches; any variable may steer it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from optimizer.knowledge.commands.line import (
    Syntax,
    Unknown,
    homes,
    place,
    places,
    temporary,
    unless_set,
)
from optimizer.knowledge.installs import HOLE, Call, Touch
from optimizer.knowledge.variables import CERTIFICATES, JAVA, NODE, PROXIES, PYTHON, RUBY

_VERSION = frozenset(("-v", "-V", "--version", "version", "-version", "--help", "-h", "-vV"))


def _told(call: Call, variables: tuple[str, ...]) -> Touch | None:
    """Answers for a command that only asks for the version."""
    words = call.words[1:]
    return Touch((), (), variables, repeatable=True) if words and set(words) <= _VERSION else None


def _version_only(*variables: str) -> Callable[[Call], Touch]:
    def row(call: Call) -> Touch:
        found = _told(call, variables)
        if found is None:
            raise Unknown
        return found

    return row


def _directories(call: Call, name: str, *defaults: str) -> tuple[str, ...]:
    """Returns the value of the variable ``name``, else the directories that are usual."""
    value = call.env.get(name)
    return places(call, [value]) if value else defaults


def _names_only(words: Sequence[str]) -> None:
    """Raises `Unknown` where a word may be a path."""
    if any(re.match(r"[./~\0]|.*[/\\].*\0|file:", word) for word in words):
        raise Unknown


def _python(call: Call) -> Touch:
    """python -m venv DIR: the directory gets copies of the bundled wheels, compiled with times."""
    if (told := _told(call, PYTHON)) is not None:
        return told
    words = call.words[1:]
    if words[:2] != ("-m", "venv"):
        raise Unknown
    line = Syntax("--system-site-packages --symlinks --copies --clear --upgrade --without-pip"
                  " --upgrade-deps --prompt=").read(words[2:])  # fmt: skip
    made = places(call, line.operands)
    network = line.has("--upgrade-deps")
    left = (*homes(call, ".cache/pip"), *temporary(call)) if network else ()
    return Touch((*made, place(call, ".")), (*made, *left), (*PYTHON, "PIP_*"), network=network)


def _cargo_homes(call: Call) -> tuple[str, ...]:
    """The Cargo Book, "Cargo Home"; the official images set /usr/local/cargo."""
    return _directories(call, "CARGO_HOME", "/usr/local/cargo", *homes(call, ".cargo"))


def _rustup_homes(call: Call) -> tuple[str, ...]:
    """The rustup book, "Environment variables"; the official images set /usr/local/rustup."""
    return _directories(call, "RUSTUP_HOME", "/usr/local/rustup", *homes(call, ".rustup"))


def _cargo(call: Call) -> Touch:
    """cargo install NAME: fetches and builds packages of the registry in a temporary directory.

    The settings of the directory and those above it (.cargo/config.toml) count.
    """
    if (told := _told(call, ("CARGO_*", "RUST*"))) is not None:
        return told
    words = [word for word in call.words[1:] if not word.startswith("+")]
    if words[:1] != ["install"]:
        raise Unknown
    line = Syntax(
        "--locked --force|-f --version|--vers= --features|-F= --no-default-features --all-features"
        " --git= --tag= --branch= --rev= --root= --bin= --quiet|-q --debug --frozen --profile="
        " --registry= --no-track -j|--jobs= --bins --target= --verbose|-v --color= --config="
    ).read(words[1:])
    if line.has("--config") or (not line.operands and not line.has("--git")):
        raise Unknown
    if line.has("--git") and not re.match(r"(?:https|ssh)://", line.value("--git") or ""):
        raise Unknown
    _names_only(line.operands)
    home = (*_cargo_homes(call), *_rustup_homes(call))
    written = (*home, *temporary(call), *places(call, line.values("--root")))
    for name in ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_INSTALL_ROOT"):
        written += _directories(call, name)
    settings = () if HOLE in call.directory else places(call, ["/"])
    return Touch((*written, *settings), (*written, *homes(call, ".cache")), ("*",), network=True)


def _rustup(call: Call) -> Touch:
    """rustup, rustup-init: toolchains, and with the latter the profiles of shells."""
    if (told := _told(call, ("RUSTUP_*", "CARGO_*"))) is not None:
        return told
    words = call.words[1:]
    verbs = ("target", "component", "toolchain", "default", "update", "show", "self", "set",
             "install", "override")  # fmt: skip
    if call.program == "rustup" and (not words or words[0] not in verbs):
        raise Unknown
    _names_only([word for word in words if not word.startswith("--")])
    home = (*_cargo_homes(call), *_rustup_homes(call))
    profiles = homes(call, ".profile", ".bash_profile", ".bashrc", ".zshenv", ".bash_login",
                     ".zprofile", ".config/fish")  # fmt: skip
    left = profiles if call.program == "rustup-init" else ()
    here = () if HOLE in call.directory else places(call, ["rust-toolchain", "rust-toolchain.toml"])
    return Touch((*home, *here, "/etc/ssl"), (*home, *left, *temporary(call)),
                 ("RUSTUP_*", "CARGO_*", "RUST*", *PROXIES, *CERTIFICATES),
                 network=True)  # fmt: skip


# ruby's rbconfig: gems below /usr/local (official images: /usr/local/bundle), Debian's in
# /var/lib/gems, Alpine's and Fedora's in /usr/lib and /usr/share; the user's with --user-install.
_GEMS = ("/usr/local/bundle", "/usr/local/lib/ruby", "/usr/local/bin", "/usr/local/share/gems",
         "/usr/lib/ruby", "/usr/lib64", "/usr/share/gems", "/usr/share/ri", "/usr/bin",
         "/var/lib/gems", "/usr/local/share/ri", "/usr/share/rubygems")  # fmt: skip


def _gem(call: Call) -> Touch:
    """gem install NAME: extensions are built with the gem's own scripts."""
    if (told := _told(call, RUBY)) is not None:
        return told
    line = Syntax(
        "-v|--version= -N|--no-document --no-doc --no-ri --no-rdoc --document= -f|--force"
        " --user-install --no-user-install --conservative --system[=] -q|--quiet --silent"
        " -V|--verbose"
        " --prerelease --pre -n|--bindir= -i|--install-dir= --platform= --source|-s="
        " --clear-sources"
        " -r|--remote --default --minimal-deps --no-update-sources -a|--all -x|--executables"
        " -I|--ignore-dependencies -E|--env-shebang --no-wrappers --no-lock"
    ).read(call.words[1:])
    verb = line.operands[0] if line.operands else ""
    if verb not in ("install", "update", "uninstall", "cleanup", "sources"):
        raise Unknown
    _names_only(line.operands[1:])
    if any(word.endswith(".gem") for word in line.operands[1:]):
        raise Unknown
    user = homes(call, ".gem", ".gemrc", ".local/share/gem", ".cache/gem", ".bundle",
                 ".local/state/gem")  # fmt: skip
    named = places(call, line.values("-n", "-i"))
    places_ = (*_GEMS, *user, *named, *_directories(call, "GEM_HOME"))
    return Touch((*places_, "/etc/gemrc"), (*places_, *temporary(call)), ("*",), network=True)


def _bundle(call: Call) -> Touch:
    """bundle config: the settings of the project's directory or of the user."""
    if (told := _told(call, RUBY)) is not None:
        return told
    if call.words[1:2] != ("config",):
        raise Unknown
    own = _directories(call, "BUNDLE_APP_CONFIG", *places(call, [".bundle"]), "/usr/local/bundle")
    kept = (*own, *homes(call, ".bundle", ".gemrc"))
    above = () if HOLE in call.directory else places(call, ["Gemfile", "gems.rb"])
    return Touch((*kept, *above), kept, RUBY, repeatable=True)


def _mix(call: Call) -> Touch:
    """mix local.hex, local.rebar: archives below MIX_HOME; the directory's mix.exs is read."""
    if call.words[1:2] not in (("local.hex",), ("local.rebar",)):
        raise Unknown
    if not all(re.fullmatch(r"--force|--if-missing|[\d.]+", word) for word in call.words[2:]):
        raise Unknown
    if HOLE in call.directory:
        raise Unknown
    home = (*_directories(call, "MIX_HOME", *homes(call, ".mix")), *homes(call, ".hex", ".cache"),
            *_directories(call, "HEX_HOME"))  # fmt: skip
    return Touch((*home, place(call, ".")), home,
                 ("MIX_*", "HEX_*", "ERL_*", "ELIXIR_*", *PROXIES, *CERTIFICATES),
                 network=True)  # fmt: skip


def _pipx(call: Call) -> Touch:
    """pipx install NAME: an environment of its own, and links to its programs."""
    if (told := _told(call, PYTHON)) is not None:
        return told
    line = Syntax(
        "--force|-f --pip-args= --python= --include-deps --global --verbose --quiet|-q --suffix="
        " --system-site-packages --preinstall= --include-apps"
    ).read(call.words[1:])
    verb = line.operands[0] if line.operands else ""
    if verb not in ("install", "inject", "ensurepath", "upgrade") or line.has("--pip-args"):
        raise Unknown
    _names_only(line.operands[1:])
    user = (*homes(call, ".local", ".cache", ".bashrc", ".profile", ".bash_profile", ".zshrc"),
            "/opt/pipx", "/usr/local/bin", "/usr/local/share/man")  # fmt: skip
    own = (*_directories(call, "PIPX_HOME"), *_directories(call, "PIPX_BIN_DIR"))
    return Touch((*user, *own, *homes(call, ".config/pip", ".pip", ".netrc"), "/etc/pip.conf"),
                 (*user, *own, *temporary(call)), ("*",), network=True)  # fmt: skip


def _uv(call: Call) -> Touch:
    """uv venv, uv python install, uv tool install, uv cache clean (uv's command reference)."""
    if (told := _told(call, ("UV_*",))) is not None:
        return told
    words = call.words[1:]
    line = Syntax(
        "-p|--python= --seed --system-site-packages --clear -q|--quiet -v|--verbose --prompt="
        " --force --with= --no-cache|-n --relocatable --allow-existing --default --upgrade|-U"
        " --no-project --reinstall --no-progress --preview --link-mode="
    ).read(words)
    here = places(call, ["pyproject.toml", "uv.toml", ".python-version", ".venv"])
    kept = (*homes(call, ".cache/uv", ".local/share/uv", ".local/bin", ".config/uv"),
            *_directories(call, "UV_CACHE_DIR"), *_directories(call, "UV_PYTHON_INSTALL_DIR"),
            *_directories(call, "UV_TOOL_DIR"), *_directories(call, "UV_TOOL_BIN_DIR"),
            *_directories(call, "XDG_BIN_HOME"), *_directories(call, "XDG_DATA_HOME"))  # fmt: skip
    unless_set(call, "UV_CONFIG_FILE", "UV_PROJECT")
    variables = ("UV_*", "PIP_*", "XDG_*", *PYTHON, *PROXIES, *CERTIFICATES)
    match line.operands:
        case ("venv", *folders) if len(folders) <= 1:
            made = places(call, folders) or _directories(call, "UV_PROJECT_ENVIRONMENT", here[-1])
            return Touch((*here, *kept), (*made, *kept), variables, network=True)
        case ("python", "install", *_):
            return Touch((*here, *kept), kept, variables, network=True)
        case ("tool", "install", *packages):
            _names_only(packages)
            _names_only(line.values("--with"))
            return Touch((*here, *kept), (*kept, *temporary(call)), ("*",), network=True)
        case ("cache", "clean" | "prune"):
            return Touch(kept, kept, variables, repeatable=True)
    raise Unknown


def _poetry(call: Call) -> Touch:
    """poetry config: the user's settings, or those beside pyproject.toml with --local."""
    if (told := _told(call, ("POETRY_*", *PYTHON))) is not None:
        return told
    words = [word for word in call.words[1:] if word not in ("-n", "--no-interaction", "-q")]
    if words[:1] == ["cache"] and words[1:2] == ["clear"]:
        cache = (*homes(call, ".cache/pypoetry"), *_directories(call, "POETRY_CACHE_DIR"))
        return Touch(cache, cache, ("POETRY_*", *PYTHON), repeatable=True)
    if words[:1] != ["config"]:
        raise Unknown
    local = places(call, ["poetry.toml"])
    user = (*homes(call, ".config/pypoetry"), *_directories(call, "POETRY_CONFIG_DIR"))
    plugins = homes(call, ".local/share/pypoetry")
    return Touch((*user, *local, *plugins, *places(call, ["pyproject.toml"])),
                 local if "--local" in words else user, ("POETRY_*", *PYTHON),
                 repeatable=True)  # fmt: skip


def _go(call: Call) -> Touch:
    """go build, go vet, go list: read modules that may lie anywhere, and write the caches.

    The Go command runs compilers and no code of the project (``go help build``); cgo may run
    pkg-config and the C compiler on it. ``go generate``, ``go run`` and ``go test`` run the
    project's code.
    """
    unless_set(call, "GOFLAGS")
    words = call.words[1:]
    if words[:1] not in (("build",), ("vet",), ("list",)):
        raise Unknown
    line = Syntax(
        "-o= -v -x -n -a -i -p= -race -msan -asan -cover -trimpath -buildvcs[=] -buildmode= -mod="
        " -modcacherw -ldflags= -gcflags= -asmflags= -tags= -installsuffix= -compiler= -work -json"
        " -m -f= -e -deps -test -u -versions -linkshared -gccgoflags= -mod[=] -C=",
        single=True,
        stops=False,
    ).read([re.sub(r"^--", "-", word) for word in words[1:]])
    if line.has("-gccgoflags", "-compiler", "-work"):
        raise Unknown
    at = place(call, line.value("-C") or ".")
    inside = Call(call.words, at, call.env)
    output = line.value("-o")
    quiet = words[0] != "build" or any("..." in word for word in line.operands)
    written = places(inside, [output]) if output else () if quiet else (at,)
    paths = _directories(call, "GOPATH", "/go", *homes(call, "go"))
    caches = (*(f"{path}/pkg" for path in paths), *homes(call, ".cache/go-build"),
              *_directories(call, "GOCACHE"), *_directories(call, "GOMODCACHE"),
              *homes(call, ".config/go"))  # fmt: skip
    left = _directories(call, "GOTMPDIR") + _directories(call, "TMPDIR")
    variables = ("GO*", "CGO_*", "CC", "CXX", "AR", "FC", "PKG_CONFIG*", "GIT_*", "C_INCLUDE_PATH",
                 "CPATH", "LIBRARY_PATH", "GCCGO*", "SSH_*", "XDG_*", *PROXIES,
                 *CERTIFICATES)  # fmt: skip
    return Touch(("/",), (*written, *caches, *left), variables, network=True)


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "python": _python,
    "python3": _python,
    "pipx": _pipx,
    "uv": _uv,
    "poetry": _poetry,
    "go": _go,
    "cargo": _cargo,
    "rustc": _version_only("RUST*", "CARGO_*"),
    "rustup": _rustup,
    "rustup-init": _rustup,
    "gem": _gem,
    "bundle": _bundle,
    "bundler": _bundle,
    "mix": _mix,
    "ruby": _version_only(*RUBY),
    "perl": _version_only("PERL*"),
    "php": _version_only("PHP*"),
    "java": _version_only(*JAVA),
    "javac": _version_only(*JAVA),
    "mvn": _version_only(*JAVA, "MAVEN_*", "M2_*"),
    "dotnet": _version_only("DOTNET_*"),
    "composer": _version_only("COMPOSER_*", "PHP*"),
    "cmake": _version_only("CMAKE_*"),
    "node": _version_only(*NODE),
}
