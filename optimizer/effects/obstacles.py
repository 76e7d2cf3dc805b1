"""Every reason of this room why a change is held back, with its meaning.

`dockopt explain` lists this table beside `optimizer.knowledge.obstacles`.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "account-not-in-twin": "A user or group of the image is not in the smaller one.",
    "base-of-other-images": "Other Dockerfiles of the repository start or copy from the image.",
    "build-output-moved": "A command goes on with files that only the builder stage would have.",
    "changes-other-files": "A command changes the mode or the owner of more than COPY brings.",
    "changes-installed-packages": "A step below the install may change what is installed.",
    "compiles-in-this-stage": "A RUN may need a compiler, which the smaller image has not.",
    "compiles-when-it-runs": "A program compiles while it runs, with the tools of the image.",
    "copied-from-elsewhere": "What a COPY brings is not shown by the build context.",
    "copies-more": "A COPY brings files too that are meant to stay as they are.",
    "development-image": (
        "The image is for development: dev containers, watch commands, sources mounted over it."
    ),
    "file-name-not-copyable": "COPY cannot name the file without wildcards or variables.",
    "flag-stands-there": "A COPY has a flag already that the new one does not go together with.",
    "host-files-over-installed": "The context has files where the install writes its own.",
    "install-inside-longer-run": "The install shares its RUN with a command that is not known.",
    "installs-when-it-starts": (
        "A container installs packages when it starts, and may compile them with the tools."
    ),
    "layer-keeps-removed-files": "What a later command of the RUN removes would stay in a layer.",
    "left-out-of-slim-images": "A command needs documents or manuals, which slim images leave out.",
    "made-directory": "Two steps make the same missing directory, with another owner or mode.",
    "made-on-the-host": "What a COPY brings was made on the host, and no RUN makes it.",
    "makes-directories": "A COPY makes directories on its way, which its flags hold for too.",
    "modes-differ": "What a chmod makes of a file hangs on the mode that the file has.",
    "mount-carries-files": "A mount of the RUN holds files that its later commands may need.",
    "needs-a-shell": "The smaller image has no shell, and the stage or what it starts needs one.",
    "needs-the-web-framework": "A .NET program may want the framework for web servers.",
    "noise-is-copied": "What looks like noise is copied by name.",
    "noise-is-named": "What looks like noise is named by a command that has to find it.",
    "not-shown-to-be-static": "A program may need shared libraries that the smaller image has not.",
    "numeric-user-without-group": "Which group a COPY has to give files to is not known.",
    "opaque-command": "A command in between may read or write any file.",
    "operands-vary": "What a command changes, or into what, is known in the build alone.",
    "package-lists-go-stale": "A later command would install by the package lists of an old layer.",
    "packages-cannot-be-added": "The smaller image lacks packages that cannot be installed in it.",
    "pinned-by-digest": "The image is pinned by its digest, and that of its twin is not known.",
    "program-not-in-twin": "A program that the stage runs is not in the smaller image.",
    "pruned-with-the-rest": "A COPY takes what is pruned together with what is built.",
    "read-after-write": "A step reads what the one above it brings, so it has to stay below it.",
    "run-not-flat": "The RUN is no plain chain of commands, so none can be taken out.",
    "run-not-separable": "What a RUN builds and what it sets up cannot be told apart.",
    "runs-unknown-programs": "What the stage runs may start programs that the smaller image lacks.",
    "runtime-needs-not-known": "What an installed package needs of the distribution is not known.",
    "shared-base": "Another stage is built on the stage that names the image.",
    "shell-state-not-repeatable": "A second RUN would not have what the shell carries on.",
    "stage-is-used-elsewhere": "What a stage prunes is used in more ways than by COPY.",
    "starts-what-the-image-starts": "A container starts what the image says, and its twin differs.",
    "state-between": "A step sets a variable, directory, user or shell that another one takes.",
    "system-state": "A command changes the system beyond files that can be copied.",
    "test-image": "The image is for running tests, which need more than a running program.",
    "toolbox-image": "People work in a container of the image, so any of its tools may be wanted.",
    "unknown-argument": "The image is named by an argument that something else uses too.",
    "unknown-base-files": "The base image may have files where a command changes all there are.",
    "unknown-copy": "A COPY in between brings files that are not known before a build.",
    "unknown-directory": "The directory that the install runs in is not known before a build.",
    "unknown-mirror": "Whether the registry holds the smaller image is not known.",
    "unreadable-declaration": "A comment that declares effects names something that is no path.",
    "used-in-between": "A command uses files before they get another mode or owner.",
    "user-made-later": "A user or group may not be there yet where the COPY would name it.",
    "version-control-is-read": "A step or a program may read the state of the repository.",
    "write-after-read": "A step writes what the one above it reads.",
    "write-after-write": "Two steps write the same place, so their order matters.",
}
