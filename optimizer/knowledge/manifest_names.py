"""Which files are dependency manifests or lockfiles, by their names."""

from __future__ import annotations

import re

# Sources: each package manager's reference names the files that it reads. Names in lower case.
_NAMES = re.compile(
    r"package\.json|package-lock\.json|npm-shrinkwrap\.json|\.npmrc"  # docs.npmjs.com
    r"|yarn\.lock|\.yarnrc(?:\.yml)?|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?"
    r"|\.yarnclean|\.pnpmfile\.[cm]js|bunfig\.toml|yarn\.config\.cjs|\.env\.yarn"
    r"|.*requirements.*\.(?:txt|in)|constraints.*\.txt|pipfile(?:\.lock)?"  # pip.pypa.io
    r"|pyproject\.toml|setup\.(?:py|cfg)|poetry\.lock|uv\.lock|pdm\.lock|environment\.ya?ml"
    r"|go\.(?:mod|sum|work|work\.sum)"  # go.dev/ref/mod
    r"|cargo\.(?:toml|lock)"  # doc.rust-lang.org/cargo
    r"|gemfile(?:\.lock)?|gems\.(?:rb|locked)|.*\.gemspec|\.(?:ruby|tool)-versions?"  # bundler.io
    r"|composer\.(?:json|lock)|auth\.json|symfony\.lock"  # getcomposer.org
    r"|pom\.xml|(?:build|settings)\.gradle(?:\.kts)?|gradle\.properties|gradle\.lockfile"
    r"|libs\.versions\.toml|gradle-wrapper\.properties"  # docs.gradle.org
    r"|maven-wrapper\.properties|maven\.config|extensions\.xml"  # maven.apache.org
    r"|.*\.sbt"  # scala-sbt.org
    r"|.*\.(?:cs|fs|vb)proj|.*\.slnx?|packages\.lock\.json|nuget\.config|global\.json"
    r"|directory\.(?:packages|build)\.(?:props|targets)|dotnet-tools\.json"  # learn.microsoft.com
    r"|mix\.(?:exs|lock)"  # hexdocs.pm/mix
    r"|pubspec\.(?:yaml|lock)"  # dart.dev
)


def is_manifest(name: str) -> bool:
    """Tells whether a file called ``name``, without its folder, says what a project depends on."""
    return _NAMES.fullmatch(name.lower()) is not None
