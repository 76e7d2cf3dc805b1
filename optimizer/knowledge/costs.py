"""What a command costs, as an estimate, where no build has been timed.

Every figure here is an estimate: it says which of two steps is the dearer one by an order of
magnitude, and nothing about a given machine. Times of a real build go before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds for commands of one class: ``base``, and ``each`` for every operand after the
    verb. ``source`` says where the figures come from."""

    base: float
    each: float
    source: str


# Measured: one run with empty caches on two cores of a virtual machine (Debian 12, mirrors nearby).
# Derived: set beside a measured class by what the tool does more or less; an assumption: neither.
_TRIVIAL = Cost(0.1, 0, "measured: mkdir 0.003 s, cp -r of 6 MB 0.04 s")
_UNKNOWN = Cost(5, 0, "an assumption: dearer than file tools, cheaper than an install")

_CLASSES: Mapping[str, Cost] = {
    "trivial": _TRIVIAL,
    "apt update": Cost(5, 0, "measured: apt-get update, 1.7 s with a mirror nearby; times three"),
    "apt install": Cost(6, 1.5, "measured: apt-get install of one static program 7.8 s, of one "
                                "library 8.8 s"),
    "apk add": Cost(2, 0.5, "derived from apt: apk runs few scripts and its packages are small"),
    "rpm install": Cost(15, 2, "derived from apt: dnf reads its whole metadata at every install"),
    "npm install": Cost(20, 0, "derived: npm ci of a project with some 500 packages; measured "
                               "70 packages in 5.2 s"),
    "npm prune": Cost(2, 0, "measured: npm prune of 110 of 196 packages, 1.0 s of work, 3.6 s "
                            "beside other builds"),
    "npm global": Cost(4, 3, "derived from npm install: one tool with its dependencies each"),
    "npm script": Cost(30, 0, "derived: bundlers and compilers work on the whole project"),
    "bun install": Cost(8, 0, "derived from npm install: one process, hard links"),
    "pip install": Cost(3, 2, "measured: pip install of 3 packages and theirs, 11.2 s"),
    "pip requirements": Cost(25, 0, "derived from pip install: a file with some 40 packages"),
    "uv install": Cost(6, 0, "derived from pip requirements: downloads and unpacks in parallel"),
    "conda install": Cost(60, 5, "derived: the solver and large binary packages"),
    "go download": Cost(10, 0, "derived: 100 modules; measured 4 modules in 0.3 s"),
    "go build": Cost(30, 0, "measured: go build of a program with one library and an empty "
                            "build cache, 17.8 s"),
    "go standard library": Cost(20, 0, "measured: go build of html/template and net/http, 31 s; "
                                       "two thirds of what a build is put at"),
    "cargo fetch": Cost(15, 0, "derived from go download, and the index of the registry"),
    "cargo build": Cost(120, 0, "derived: 200 crates; measured 5 crates in 6.9 s"),
    "jvm dependencies": Cost(40, 0, "derived: some 300 jars, one request each"),
    "jvm build": Cost(60, 0, "derived: dependencies, plugins and compilation"),
    "dotnet restore": Cost(20, 0, "derived from npm install"),
    "dotnet build": Cost(30, 0, "derived: restore and compilation"),
    "composer install": Cost(15, 0, "derived from npm install: some 100 packages"),
    "bundle install": Cost(60, 0, "derived: some 100 gems, native ones are compiled"),
    "gem install": Cost(5, 5, "derived from bundle install"),
    "mix deps": Cost(20, 0, "derived from go download"),
    "php extension": Cost(5, 20, "derived: configure and make of one extension each"),
    "native build": Cost(60, 0, "derived: make of a package from source"),
    "configure": Cost(20, 0, "derived: autoconf and cmake probe the compiler some 100 times"),
    "fetch": Cost(2, 0, "measured: curl of 6 MB 0.1 s from nearby; a distant server takes longer"),
    "clone": Cost(5, 0, "derived from fetch: history and checkout"),
    "unpack": Cost(1, 0, "measured: tar xzf of 6 MB 0.2 s; archives in images are larger"),
    "account": Cost(0.3, 0, "measured: ldconfig 0.06 s; account tools take locks"),
    "certificates": Cost(1.5, 0, "measured: update-ca-certificates, 1.7 s"),
    "locales": Cost(5, 0, "derived: locale-gen of one locale, 1-5 s"),
    "interpreter": Cost(3, 0, "an assumption: a script that sets something up"),
}  # fmt: skip

# The words are matched from the front, options left out: program, verb, verb.
_FORMS: tuple[tuple[str, str], ...] = (
    (r"(cp|mv|rm|mkdir|rmdir|ln|chmod|chgrp|install|touch|cat|echo|printf|head|tail|grep|"
     r"egrep|fgrep|sort|uniq|wc|cut|tr|sed|awk|gawk|mawk|tee|test|basename|dirname|"
     r"readlink|realpath|mktemp|truncate|split|base64|env|which|command|type|true|false|:|"
     r"id|whoami|uname|hostname|nproc|getconf|date|seq|yes|ls|stat|du|df|cmp|diff|cd|pwd|"
     r"set|export|unset|local|readonly|eval|umask|ulimit|exit|return|shift|trap|read|exec|"
     r"source|.|dos2unix|pushd|popd|shopt|arch|expr|dpkg-architecture|rev|nl|tac|paste|"
     r"join|fold|od|strings|file|\[\[?)",
     "trivial"),
    (r"(apt|apt-get|aptitude) update", "apt update"),
    (r"(apt|apt-get|aptitude) (install|upgrade|dist-upgrade|full-upgrade|build-dep|satisfy)",
     "apt install"),
    (r"(apt|apt-get) (clean|autoclean|remove|purge|autoremove)", "account"),
    (r"(add-apt-repository|apt-add-repository|mk-build-deps)", "apt install"),
    (r"apk (add|upgrade|update)", "apk add"),
    (r"apk", "account"),
    (r"(dnf5?|yum|microdnf|tdnf|zypper) (clean|cc)", "account"),
    (r"(dnf5?|yum|microdnf|tdnf|zypper|rpm|dpkg|pacman|opkg|emerge)", "rpm install"),
    (r"(npm|pnpm|yarn) (install|i|add) -g", "npm global"),
    (r"(npm|pnpm|yarn) (install|i|ci|add|clean-install|update|rebuild)", "npm install"),
    (r"(npm|pnpm) (fetch|dedupe)", "npm install"),
    (r"(npm|pnpm) prune", "npm prune"),
    (r"yarn global add", "npm global"),
    (r"(npm|pnpm|yarn|bun) (cache|config|set|pack|version)", "account"),
    (r"(yarn|yarnpkg)", "npm install"),
    (r"(yarn|yarnpkg) (run |)[\w:-]+", "npm script"),
    (r"(npm|pnpm|bun) (run|run-script|test|t|start|exec|x)", "npm script"),
    (r"(npx|pnpx|bunx|lerna|nx|turbo|tsc|webpack|vite|ng|next|gulp|grunt)", "npm script"),
    (r"bun (install|i|add)", "bun install"),
    (r"corepack", "fetch"),
    (r"(pip|pip3|pip2|pipx) install", "pip install"),
    (r"(pip|pip3|pip2) (wheel|download)", "pip requirements"),
    (r"uv (pip|sync|lock|tool|python|venv|run|export|add)", "uv install"),
    (r"(poetry|pdm|pipenv|hatch|rye) (install|sync|update|lock|export|build|add)",
     "pip requirements"),
    (r"(conda|mamba|micromamba|pixi) (install|create|env|update)", "conda install"),
    (r"(conda|mamba|micromamba) clean", "account"),
    (r"go (mod|get|work|list)", "go download"),
    (r"go (build|install|test|generate|vet|run|tool)", "go build"),
    (r"go build (std|archive|bufio|bytes|compress|container|context|crypto|database|debug|embed|"
     r"encoding|errors|expvar|flag|fmt|hash|html|image|io|iter|log|maps|math|mime|net|os|path|"
     r"reflect|regexp|runtime|slices|sort|strconv|strings|sync|testing|text|time|unicode)(/[a-z0-9/]+)?",
     "go standard library"),
    (r"go (env|version|clean)", "account"),
    (r"cargo (fetch|vendor|update|generate-lockfile|chef prepare)", "cargo fetch"),
    (r"cargo (init|new|version|clean|fmt)", "account"),
    (r"(cargo|cross|trunk|wasm-pack)", "cargo build"),
    (r"(rustup|rustup-init)", "npm install"),
    (r"((ba)?sh \S*)?(mvn|mvnw) (\S*:)?(dependency\S*|go-offline)", "jvm dependencies"),
    (r"((ba)?sh \S*)?(gradle|gradlew) (dependencies|downloadDependencies|resolveDependencies)",
     "jvm dependencies"),
    (r"sbt (\S+/)?update", "jvm dependencies"),
    (r"(mvn|mvnw|gradle|gradlew|sbt|lein|ant|mill)", "jvm build"),
    (r"(dotnet|nuget|msbuild) restore", "dotnet restore"),
    (r"dotnet (build|publish|test|pack|run|workload|tool)", "dotnet build"),
    (r"composer (install|update|require|create-project|i|u)", "composer install"),
    (r"composer", "fetch"),
    (r"(bundle|bundler) (install|update)", "bundle install"),
    (r"(bundle|bundler) (exec|config|clean)", "interpreter"),
    (r"(bundle|bundler)", "bundle install"),
    (r"gem (install|update)", "gem install"),
    (r"mix (deps\S*|local\S*)", "mix deps"),
    (r"mix", "native build"),
    (r"(pecl|docker-php-ext-install|install-php-extensions)", "php extension"),
    (r"(docker-php-ext-enable|phpenmod|a2en\w+|a2dis\w+)", "account"),
    (r"(configure|cmake|meson|autogen.sh|autoreconf|autoconf|bootstrap|docker-php-ext-configure)",
     "configure"),
    (r"(make|gmake|ninja|bazel|bazelisk|scons|cabal|stack|opam|swift|rebar3|xcodebuild|nix-build)",
     "native build"),
    (r"(curl|wget|aria2c)", "fetch"),
    (r"git (clone|fetch|pull|submodule|lfs)", "clone"),
    (r"(svn|hg) (checkout|clone|co)", "clone"),
    (r"(tar|unzip|bsdtar|gzip|gunzip|xz|unxz|bzip2|bunzip2|7z|zip|cpio|zstd)", "unpack"),
    (r"(useradd|adduser|usermod|userdel|deluser|groupadd|addgroup|groupmod|groupdel|delgroup|"
     r"chpasswd|passwd|chsh|ldconfig|setcap|update-alternatives|update-locale|dpkg-divert|"
     r"apt-mark|apt-key|debconf-set-selections|gpg|gpgconf|git|sha\w+sum|md5sum|find|xargs|chown|"
     r"strip|systemctl|ssh-keygen|openssl)", "account"),
    (r"(update-ca-certificates|update-ca-trust)", "certificates"),
    (r"(locale-gen|localedef|dpkg-reconfigure)", "locales"),
    (r"(python[\d.]*|node|ruby|perl|php|java|bash|sh|ash|dash|zsh)", "interpreter"),
)  # fmt: skip
_PATTERNS = tuple(
    (re.compile(rf"(?:{form})(?: |$)"), name)
    for form, name in _FORMS  # The longest match counts, the first of equals.
)
_BY_NAME = frozenset(
    ("apt install", "apk add", "rpm install", "npm global", "pip install", "conda install",
     "gem install", "php extension")
)  # fmt: skip


def cost_class(words: Sequence[str]) -> tuple[str, Cost]:
    """Returns the name of the class of the command ``words``, and what it costs.

    ``words`` are the expanded words of one command, the program first; the class of no words
    is "trivial", that of a command not known "unknown".
    """
    if not words:
        return "trivial", _TRIVIAL
    program = words[0].rpartition("/")[2]
    if program == "sleep" and len(words) == 2 and re.fullmatch(r"\d{1,6}(\.\d{1,6})?s?", words[1]):
        return "sleep", Cost(float(words[1].rstrip("s")), 0, "sleep(1)")
    line = _spelled(program, words)
    found = [(match.end(), name) for form, name in _PATTERNS if (match := form.match(line))]
    if not found:
        return "unknown", _UNKNOWN
    name = max(found, key=lambda pair: pair[0])[1]
    if name == "pip install" and any(w.startswith(("-r", "--requirement", ".")) for w in words[2:]):
        name = "pip requirements"
    return name, _CLASSES[name]


_VALUED: Mapping[str, frozenset[str]] = {
    # mvn --help; npm's docs, "prefix"; yarn 1.22, src/cli/index.js; pnpm's docs, "pnpm -C".
    **dict.fromkeys(
        ("mvn", "mvnw"),
        frozenset(("-D", "--define", "-f", "--file", "-s", "--settings", "-P",
                   "--activate-profiles", "-pl", "--projects", "-T", "--threads")),
    ),
    **dict.fromkeys(("npm", "pnpm", "yarn"), frozenset(("--prefix", "--cwd", "-C", "--dir"))),
}  # fmt: skip
"""Options whose value is the next word, and may stand in front of the verb."""


def _spelled(program: str, words: Sequence[str]) -> str:
    """Returns the program and its first verbs; of the options only -g, and -m taken off."""
    rest = list(words[1:])
    if re.fullmatch(r"(?:python|pypy)[\d.]*", program) and rest[:1] == ["-m"] and rest[1:]:
        program, rest = rest[1], rest[2:]
    if re.fullmatch(r"pip\d[\d.]*", program):
        program = "pip"
    valued = _VALUED.get(program, frozenset())
    values = {number + 1 for number, word in enumerate(rest) if word in valued}
    plain = [w for number, w in enumerate(rest) if number not in values and not w.startswith("-")]
    verbs = plain[:2]
    if "-g" in rest or "--global" in rest:
        verbs = [*verbs[:1], "-g"]
    return " ".join((program, *verbs))


def estimate(words: Sequence[str]) -> float:
    """Returns the estimated seconds of the command ``words`` (see `cost_class`)."""
    name, cost = cost_class(words)
    if name not in _BY_NAME:
        return cost.base
    operands = sum(not word.startswith("-") for word in words[1:])
    return cost.base + cost.each * min(max(operands - 1, 0), 200)
