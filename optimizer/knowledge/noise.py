"""What lies beside sources and belongs in no image: which names it has, and who reads it after all.

Patterns are those of ``.dockerignore`` (the Dockerfile reference, ".dockerignore file").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

_GIT_VERBS = (
    "archive|blame|branch|cat-file|config|describe|diff|for-each-ref|log|ls-files|ls-tree|name-rev"
    "|remote|rev-list|rev-parse|shortlog|show|stash|status|submodule|symbolic-ref|tag|worktree"
)
_GIT_CALLS = (
    # git(1): the commands that ask about commits or about the work tree.
    re.compile(rf"git\s+(?:-c\s+\S{{1,200}}\s+|--?[a-z]\S{{0,200}}\s+){{0,3}}(?:{_GIT_VERBS})\b"),
    # The first word of a list, or of a call, that starts a program.
    re.compile(r"[\[(]\s*['\"]git['\"]\s*[,)\]]"),
    re.compile(r"\.git(?:/|['\"\s]|$)", re.MULTILINE),
    # JavaScript: Nx asks git what was changed.
    re.compile(r"nx\s+(?:affected|build|run)\b"),
)
_GIT_TOOLS: Mapping[str, str] = {
    # Python: versions from tags.
    "setuptools_scm": "https://github.com/pypa/setuptools-scm: README",
    "setuptools-scm": "https://github.com/pypa/setuptools-scm: README",
    "setuptools_git": "https://github.com/dolfinus/setuptools-git-versioning: README",
    "setuptools-git": "https://github.com/dolfinus/setuptools-git-versioning: README",
    "hatch_vcs": "https://github.com/ofek/hatch-vcs: README",
    "hatch-vcs": "https://github.com/ofek/hatch-vcs: README",
    "versioneer": "https://github.com/python-versioneer/python-versioneer: README",
    "dunamai": "https://github.com/mtkennerly/dunamai: README",
    "dynamic-versioning": "https://github.com/mtkennerly/poetry-dynamic-versioning, "
        "https://github.com/ninoseki/uv-dynamic-versioning: README",
    "dynamic_versioning": "https://github.com/mtkennerly/poetry-dynamic-versioning: README",
    "versioningit": "https://github.com/jwodder/versioningit: README",
    'miniver"': "https://github.com/jbweston/miniver: README",
    '"pbr': "https://docs.openstack.org/pbr: Version",
    "'pbr": "https://docs.openstack.org/pbr: Version",
    "\npbr": "https://docs.openstack.org/pbr: Version",
    # Python: libraries that read work trees.
    "gitpython": "https://github.com/gitpython-developers/GitPython: README",
    "pygit2": "https://github.com/libgit2/pygit2: README",
    "dulwich": "https://github.com/jelmer/dulwich: README",
    # JVM: plugins of Maven, Gradle and sbt.
    "git-commit-id": "https://github.com/git-commit-id/git-commit-id-maven-plugin: README",
    "buildnumber-maven": "https://www.mojohaus.org/buildnumber-maven-plugin: Introduction",
    "jgitver": "https://github.com/jgitver/jgitver: README",
    "eclipse.jgit": "https://github.com/eclipse-jgit/jgit: README",
    "git-properties": "https://github.com/n0mer/gradle-git-properties: README",
    "grgit": "https://github.com/ajoberstar/grgit: README",
    "nebula.release": "https://github.com/nebula-plugins/nebula-release-plugin: README",
    "axion-release": "https://github.com/allegro/axion-release-plugin: README",
    "git-version": "https://github.com/palantir/gradle-git-version: README",
    "sbt-git": "https://github.com/sbt/sbt-git: README",
    "sbt-dynver": "https://github.com/sbt/sbt-dynver: README",
    "ratchetfrom": "https://github.com/diffplug/spotless: plugin-gradle/CHANGES.md, ratchetFrom",
    # .NET
    "gitversion": "https://github.com/GitTools/GitVersion: README",
    "nerdbank.git": "https://github.com/dotnet/Nerdbank.GitVersioning: README",
    '"minver"': "https://github.com/adamralph/minver: README",
    "sourcelink": "https://github.com/dotnet/sourcelink: README",
    # Rust
    "vergen": "https://docs.rs/vergen: Git",
    "shadow-rs": "https://github.com/baoyachi/shadow-rs: README",
    "shadow_rs": "https://github.com/baoyachi/shadow-rs: README",
    "git2": "https://github.com/rust-lang/git2-rs: README",
    "\ngix": "https://github.com/GitoxideLabs/gitoxide: README",
    # Go, Ruby, C
    "go-git": "https://github.com/go-git/go-git: README",
    "rugged": "https://github.com/libgit2/rugged: README",
    "find_package(git": "https://cmake.org/cmake/help/latest/module/FindGit.html",
    # JavaScript
    "nodegit": "https://github.com/nodegit/nodegit: README",
    "isomorphic-git": "https://github.com/isomorphic-git/isomorphic-git: README",
    "simple-git": "https://github.com/steveukx/git-js: README",
    "git-rev": "https://github.com/nescalante/git-rev-cli: README",
    "gitrev": "a package named for a revision of git, whichever it is",
    "git-describe": "https://github.com/tvdstaaij/node-git-describe: README",
    "gitinfo": "a package named for what it tells of git, whichever it is",
    "git-repo-info": "https://github.com/rwjblue/git-repo-info: README",
    "git-last-commit": "https://github.com/seymen/git-last-commit: README",
    "docusaurus": "https://docusaurus.io/docs/api/plugins/@docusaurus/plugin-content-docs: "
        "showLastUpdateTime",
    "vitepress": "https://vitepress.dev/reference/default-theme-last-updated",
}  # fmt: skip
"""Tools that read the state of the git work tree, in lower case, with where that is said."""
_GO_BUILD = re.compile(r"go\s+(?:build|install)\b")

_INSTALLERS = frozenset(("apt-get", "apt", "apk", "yum", "dnf", "microdnf", "zypper"))
_COMMANDS = re.compile(r"[&|;]+")

_DOTENV_CALLS = (
    re.compile(r"\.env\b"),
    # https://bun.com/docs: "Environment Variables".
    re.compile(r"bun\b"),
    # Frameworks that read it when they build (each one's documentation), by name in package.json.
    re.compile(
        r"['\"](?:vite|next|nuxt|astro|react-scripts|gatsby|@vue/cli-service|@nestjs/config)['\"]"
    ),
)
_DOTENV_TOOLS = (
    "dotenv", "load_env", "environs", "pydantic_settings", "pydantic-settings", "basesettings",
    "django-environ", "starlette.config", "decouple", "--env-file", "viper", "laravel", "symfony",
    "quarkus", "micronaut",
)  # fmt: skip
"""Libraries and frameworks that read `.env` (each one's documentation), in lower case."""


@dataclass(frozen=True, slots=True)
class Noise:
    """One row.

    ``name`` is compared with the last name of a path, as a shell compares. ``pattern`` hides it in
    ``.dockerignore``. ``built_by`` has to stand in a RUN of the file, which then makes it in the
    image; ``of_clone`` says that it counts only where git ignores it: a fresh clone does not have
    it, and builds all the same.
    """

    kind: str
    name: str
    pattern: str
    is_dir: bool
    built_by: re.Pattern[str] | None = None
    of_clone: bool = False

    def fits(self, name: str, is_dir: bool) -> bool:
        """Tells whether something called ``name`` is this."""
        return is_dir == self.is_dir and fnmatchcase(name, self.name)


VERSION_CONTROL: Final = "version control"
DEPENDENCIES: Final = "dependencies of the host"
OUTPUT: Final = "build output"
CACHES: Final = "caches of tools"
LOGS: Final = "logs"
EDITORS: Final = "editor files"

_NPM = re.compile(r"\b(?:npm|pnpm|yarn|bun)\b")
_PIP = re.compile(r"\b(?:pip3?|uv|poetry|pipenv|pdm)\b")
_DOTNET = re.compile(r"\bdotnet\s+(?:build|publish)")
_BUNDLERS = re.compile(r"\b(?:run\s+build|tsc|vite|webpack|rollup|yarn\s+build|pnpm\s+build)\b")


def _dirs(kind: str, *names: str) -> tuple[Noise, ...]:
    return tuple(Noise(kind, name, f"**/{name}", is_dir=True) for name in names)


ROWS: tuple[Noise, ...] = (
    # The manuals of git, Mercurial, Subversion and Jujutsu.
    *(Noise(VERSION_CONTROL, name, name, is_dir=True) for name in (".git", ".hg", ".svn", ".jj")),
    # A work tree of `git worktree`, and a submodule, have a file there (gitrepository-layout(5)).
    Noise(VERSION_CONTROL, ".git", ".git", is_dir=False),
    # docs.github.com: workflows and templates of the forge.
    Noise(VERSION_CONTROL, ".github", ".github", is_dir=True),
    # The documentation of npm ("Folders"), of venv and of PDM (PEP 582).
    Noise(DEPENDENCIES, "node_modules", "**/node_modules", True, _NPM, of_clone=True),
    Noise(DEPENDENCIES, ".venv", "**/.venv", True, _PIP, of_clone=True),
    Noise(DEPENDENCIES, "venv", "**/venv", True, _PIP, of_clone=True),
    Noise(DEPENDENCIES, "__pypackages__", "**/__pypackages__", True, _PIP, of_clone=True),
    # Cargo book, "Build cache"; Maven, "Standard Directory Layout".
    Noise(OUTPUT, "target", "**/target", True,
          re.compile(r"\bcargo\s+(?:build|install|chef|auditable)|\bmvnw?\b"), of_clone=True),
    # .NET: "Common MSBuild project properties" (BaseIntermediateOutputPath, BaseOutputPath).
    Noise(OUTPUT, "obj", "**/obj", True, _DOTNET, of_clone=True),
    Noise(OUTPUT, "bin", "**/bin", True, _DOTNET, of_clone=True),
    # Where the bundlers write by default: Vite, webpack, tsc by custom; Next.js; Nuxt; SvelteKit.
    Noise(OUTPUT, "dist", "**/dist", True, _BUNDLERS, of_clone=True),
    Noise(OUTPUT, ".next", "**/.next", True, _BUNDLERS, of_clone=True),
    Noise(OUTPUT, ".nuxt", "**/.nuxt", True, _BUNDLERS, of_clone=True),
    Noise(OUTPUT, ".svelte-kit", "**/.svelte-kit", True, _BUNDLERS, of_clone=True),
    # Each tool's own default; none is read by anything but the tool, which makes it anew.
    *_dirs(CACHES, "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", ".nox",
           ".nyc_output", ".parcel-cache", ".terraform"),
    # npm and Yarn Classic write these when they fail.
    Noise(LOGS, "npm-debug.log*", "**/npm-debug.log*", is_dir=False),
    Noise(LOGS, "yarn-error.log*", "**/yarn-error.log*", is_dir=False),
    Noise(LOGS, "*.log", "**/*.log", is_dir=False, of_clone=True),
    # JetBrains, Visual Studio Code, vim, Emacs; macOS and Windows.
    *_dirs(EDITORS, ".idea", ".vscode", ".vs"),
    Noise(EDITORS, ".DS_Store", "**/.DS_Store", is_dir=False),
    Noise(EDITORS, "Thumbs.db", "**/Thumbs.db", is_dir=False),
    Noise(EDITORS, "*.swp", "**/*.swp", is_dir=False),
    Noise(EDITORS, "*~", "**/*~", is_dir=False),
)  # fmt: skip
"""What is noise, in the order in which it is put into a file."""

STANDARD: Final = frozenset(
    ("node_modules", ".venv", "__pycache__", ".next", "target", "obj", ".DS_Store")
)
"""Names that a developer's machine has sooner or later, even where a fresh clone has not."""


def git_reader(text: str) -> str | None:
    """Returns what of ``text`` may read the state of the git work tree, None where nothing does.

    ``go build`` stamps it into what it builds, since Go 1.18 (`go help build`, -buildvcs).
    """
    found = _search(_GIT_CALLS, tuple(_GIT_TOOLS), text)
    if found is None and "-buildvcs=false" not in text:
        found = _search((_GO_BUILD,), (), text)
    return found or _installs_git(text)


def dotenv_reader(text: str) -> str | None:
    """Returns what of ``text`` may read `.env` or a file of its kind, None where nothing does."""
    return _search(_DOTENV_CALLS, _DOTENV_TOOLS, text)


def _search(calls: tuple[re.Pattern[str], ...], tools: tuple[str, ...], text: str) -> str | None:
    """Returns the first of ``tools`` that is in ``text``, or what one of ``calls`` matches where a
    word begins. Time is linear in the text."""
    plain = text.lower()
    found = next((tool for tool in tools if tool in plain), None)
    if found is not None:
        return found.strip().strip("\"'")
    for call in calls:
        for match in call.finditer(plain):
            if match.start() == 0 or not _INSIDE.match(plain, match.start() - 1):
                if _ADDRESS.search(plain, max(0, match.start() - 200), match.start()):
                    continue
                return " ".join(match[0].split()).strip("\"'")[:60]
    return None


_ADDRESS = re.compile(r"(?:://|git@)[^\s\"'`,;()<>]*$")
"""An address that goes on to the right: what is in it is on another machine."""


_INSIDE = re.compile(r"[\w.@-][\w.]")
"""A word, or the name of a file, that begins further left."""


def _installs_git(text: str) -> str | None:
    """Whoever installs git where the sources are wants it for something that is not known."""
    for command in _COMMANDS.split(text) if "git" in text else ():
        words = command.split()
        if "git" in words and not _INSTALLERS.isdisjoint(words):
            return f"{next(word for word in words if word in _INSTALLERS)} ... git"
    return None


_KEYS = re.compile(r"id_(?:rsa|dsa|ecdsa|ed25519)|.+\.(?:pem|key|p12|pfx|jks)", re.IGNORECASE)
_CREDENTIALS = frozenset((".npmrc", ".yarnrc.yml", ".pypirc", ".netrc", "auth.json"))
_EXAMPLES = re.compile(r"example|sample|template|dist|default|test|schema", re.IGNORECASE)
_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_TOKEN = re.compile(
    rb"(?:_authToken|_password|_auth|npmAuthToken|password|token)"
    rb"(?:[\"']?[ \t]*[=:][ \t]*[\"']?|[ \t]+)(?![$<{\"'\s])\S{8,}"
)


def may_be_secret(name: str) -> bool:
    """Tells whether a file of this name is one for secrets, before it is looked into."""
    return is_dotenv(name) or name in _CREDENTIALS or _KEYS.fullmatch(name) is not None


def is_dotenv(name: str) -> bool:
    """Tells whether ``name`` is a file of variables for one place, and no example of one."""
    return (name == ".env" or name.startswith(".env.")) and not _EXAMPLES.search(name)


def holds_secret(name: str, content: bytes) -> bool:
    """Tells whether a file for secrets holds one: a private key, a token; of variables any."""
    if is_dotenv(name):
        return any(
            line.strip() and not line.lstrip().startswith(b"#") for line in content.split(b"\n")
        )
    if name in _CREDENTIALS:
        return _TOKEN.search(content) is not None
    return _PRIVATE.search(content) is not None or name.endswith((".p12", ".pfx", ".jks"))
