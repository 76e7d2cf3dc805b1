"""Every reason of this room why a change is held back, with its meaning.

`dockopt explain` lists this table beside `optimizer.knowledge.obstacles`.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "account-not-in-twin": "A user or group of the image is not in the smaller one.",
    "base-of-other-images": "Other Dockerfiles of the repository start or copy from the image.",
    "build-output-moved": "A command goes on with files that only the builder stage would have.",
    "compiles-in-this-stage": "A RUN may need a compiler, which the smaller image has not.",
    "compiles-when-it-runs": "A program compiles while it runs, with the tools of the image.",
    "development-image": (
        "The image is for development: dev containers, watch commands, sources mounted over it."
    ),
    "file-name-not-copyable": "COPY cannot name the file without wildcards or variables.",
    "host-files-over-installed": "The context has files where the install writes its own.",
    "install-inside-longer-run": "The install shares its RUN with a command that is not known.",
    "installs-when-it-starts": (
        "A container installs packages when it starts, and may compile them with the tools."
    ),
    "layer-keeps-removed-files": "What a later command of the RUN removes would stay in a layer.",
    "left-out-of-slim-images": "A command needs documents or manuals, which slim images leave out.",
    "made-directory": "Two steps make the same missing directory, with another owner or mode.",
    "mount-carries-files": "A mount of the RUN holds files that its later commands may need.",
    "needs-a-shell": "The smaller image has no shell, and the stage or what it starts needs one.",
    "needs-the-web-framework": "A .NET program may want the framework for web servers.",
    "not-shown-to-be-static": "A program may need shared libraries that the smaller image has not.",
    "numeric-user-without-group": "Which group a COPY has to give files to is not known.",
    "opaque-command": "A command in between may read or write any file.",
    "package-lists-go-stale": "A later command would install by the package lists of an old layer.",
    "packages-cannot-be-added": "The smaller image lacks packages that cannot be installed in it.",
    "pinned-by-digest": "The image is pinned by its digest, and that of its twin is not known.",
    "program-not-in-twin": "A program that the stage runs is not in the smaller image.",
    "read-after-write": "A step reads what the one above it brings, so it has to stay below it.",
    "run-not-separable": "What a RUN builds and what it sets up cannot be told apart.",
    "runs-unknown-programs": "What the stage runs may start programs that the smaller image lacks.",
    "runtime-needs-not-known": "What an installed package needs of the distribution is not known.",
    "shared-base": "Another stage is built on the stage that names the image.",
    "shell-state-not-repeatable": "A second RUN would not have what the shell carries on.",
    "starts-what-the-image-starts": "A container starts what the image says, and its twin differs.",
    "state-between": "A step sets a variable, directory, user or shell that another one takes.",
    "system-state": "A command changes the system beyond files that can be copied.",
    "unknown-argument": "The image is named by an argument that something else uses too.",
    "test-image": "The image is for running tests, which need more than a running program.",
    "toolbox-image": "People work in a container of the image, so any of its tools may be wanted.",
    "unknown-copy": "A COPY in between brings files that are not known before a build.",
    "unknown-directory": "The directory that the install runs in is not known before a build.",
    "unknown-mirror": "Whether the registry holds the smaller image is not known.",
    "unreadable-declaration": "A comment that declares effects names something that is no path.",
    "write-after-read": "A step writes what the one above it reads.",
    "write-after-write": "Two steps write the same place, so their order matters.",
}
