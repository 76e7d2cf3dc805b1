"""Every reason why an install of dependencies cannot be moved above the sources, with its meaning.

`dockopt explain` lists this table. The modules of this room answer with these
codes only; a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "build-reads-git-state": (
        "The build writes the state of the git work tree into its result, and a step above it "
        "would leave a file there that git does not know."
    ),
    "cache-place-unknown": "Where the package manager keeps its downloads is not known.",
    "cache-turned-off": "A variable turns the package manager's cache off.",
    "compiles-all-again": "The build compiles every package again, whatever was compiled before.",
    "config-reads-source": (
        "A configuration of the package manager names code or a directory of the build context, "
        "so the install reads more than manifests."
    ),
    "gopath-mode": (
        "The Go command works without modules here and reads the copied sources themselves."
    ),
    "incomplete-go-sum": (
        "go.sum lacks hashes that the download would add, and the later copy would take away again."
    ),
    "install-edits-manifest": (
        "The command writes into a manifest or lockfile of the project, "
        "and the later copy would put the old file back."
    ),
    "install-reads-source": (
        "The command looks at the project's own source files to find out what to install."
    ),
    "install-runs-alias": (
        "The command is an alias of the project's own, so what it runs is not known from its name."
    ),
    "install-runs-tests": "The command installs and then runs the project's tests.",
    "install-script-reads-source": (
        "A lifecycle script that runs during the install reads files of the project "
        "which dockopt cannot name."
    ),
    "install-script-sets-git-hooks": (
        "A lifecycle script writes git hooks into the .git directory that the build context brings."
    ),
    "installed-packages-in-context": (
        "The build context brings a directory of installed packages, "
        "which a later copy would lay over the installed ones."
    ),
    "local-dependency": (
        "A dependency is a directory or file of the project, and what its build reads is not known."
    ),
    "lockfile-ignored": (
        "The command chooses new versions and does not look at the lockfile, so what a step above "
        "it downloads would not be what it uses."
    ),
    "lockfile-out-of-sync": "The lockfile does not agree with the manifest, so the install fails.",
    "manifest-is-a-link": (
        "A manifest is a symbolic link or lies behind one, and a COPY of it alone copies "
        "something else than a COPY of its directory."
    ),
    "manifest-outside-copy": (
        "The manifest that the install needs is not among the files copied from the build context."
    ),
    "missing-lockfile": "The install needs a lockfile, and none is among the copied files.",
    "modules-need-each-other": (
        "A module of the build is what another one is built with, and is not there before it is "
        "built itself."
    ),
    "no-dependency-step": (
        "The build tool has no command that downloads what a build needs and nothing else."
    ),
    "package-manager-not-covered": (
        "The command installs dependencies with a package manager whose inputs dockopt "
        "does not know."
    ),
    "product-not-known": (
        "What the command leaves for the run time is not known, so nothing could be left out of an "
        "image without it."
    ),
    "program-not-executable": (
        "The install readies a program of the project for being run, and the later copy would "
        "put back the file as it was."
    ),
    "project-install": (
        "The command installs the project itself, so it reads the sources, not only manifests."
    ),
    "prune-runs-scripts": "Taking development dependencies out runs scripts of the project.",
    "replaces-base-files": (
        "An install replaces packages of the base image, and copying them from another stage would "
        "leave parts of the old ones."
    ),
    "runs-from-sources": (
        "A container of the image starts the build tool, which works on the sources again."
    ),
    "server-does-more": (
        "The server that a container starts does more than serve the files of a built site."
    ),
    "shadowed-module": (
        "Copied files lie where Python imports from, and they change what the installer itself "
        "loads or takes for installed."
    ),
    "sources-overwritten": (
        "The command writes placeholders over the project's own files, which were copied above it."
    ),
    "too-many-manifests": (
        "The manifests lie in so many directories that a step of its own for the download would "
        "cost more lines than it saves."
    ),
    "unknown-install-flag": (
        "The command has a flag whose effect on what the install reads is not known."
    ),
    "unknown-product": (
        "A command installs or builds something, and what of it a container needs is not known."
    ),
    "unreadable-manifest": "A manifest is too large, broken or not in the form the tool expects.",
    "unresolved-variable": (
        "A manifest names a file through a variable whose value is not known, or such a variable "
        "changes which files the install reads."
    ),
    "unsupported-workspace-glob": (
        "The workspaces are named by a pattern that dockopt does not read."
    ),
    "vendored-dependencies": (
        "The dependencies lie in the build context already, and the build uses those."
    ),
    "version-from-git": (
        "The version of the project comes from git, and the install or the build asks the history "
        "for it."
    ),
    "workspace-outside-root": (
        "A workspace member lies outside the directory of the workspace root."
    ),
}
