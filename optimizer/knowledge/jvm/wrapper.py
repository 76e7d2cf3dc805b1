"""The wrapper scripts `mvnw` and `gradlew`: how they are called, and what they read.

Sources: apache/maven-wrapper, maven-wrapper-distribution/src/resources (mvnw, only-mvnw);
gradle/gradle, platforms/core-runtime/.../unixStartScript.txt.
"""

from __future__ import annotations

import re
from dataclasses import replace

from optimizer.knowledge.installs import Call, Files, Obstacle
from optimizer.knowledge.manifests import Survey, hold, resolve

SHELLS = frozenset(("sh", "bash", "dash", "ash"))
_SHEBANG = re.compile(rb"#!\s*(?:/usr/bin/env\s+|/(?:usr/)?bin/)(?P<shell>sh|bash)\b")


def bare(call: Call) -> Call:
    """Returns ``sh ./mvnw package`` as ``./mvnw package``; every other call as it is."""
    if call.program not in SHELLS or len(call.words) < 2 or call.words[1].startswith("-"):
        return call
    return replace(call, words=call.words[1:])


def script_of(call: Call) -> str:
    """Returns the absolute path of the wrapper script that ``call``, made `bare`, runs."""
    return resolve(call.directory, call.words[0])


def survey_script(survey: Survey, call: Call, mark: bytes) -> None:
    """Notes the wrapper script; holds where it is not copied or is somebody's own, without the
    ``mark`` that the generated ones have."""
    path = script_of(call)
    if not survey.has_file(path):
        hold(
            "manifest-outside-copy",
            f"{path} is not among the files copied from the build context.",
            "Copy the wrapper script from the build context.",
            path,
        )
    if mark not in survey.content(path):
        hold(
            "config-reads-source",
            f"{path} is not the wrapper script that the build tool generates.",
            "Generate the wrapper again, or call the build tool itself.",
            path,
        )


def through_shell(call: Call, files: Files) -> tuple[str, ...] | Obstacle:
    """Returns how to run the script of ``call`` whatever its mode is: a command between the COPY
    and the author's call may be the one that makes it executable."""
    path = script_of(call)
    content = files.read(path) or b""
    first = content.partition(b"\n")[0]
    shell = _SHEBANG.match(first)
    if shell is None or first.endswith(b"\r"):
        return Obstacle(
            "unreadable-manifest",
            f"{path} does not start like a wrapper script that a shell runs as it is.",
            "Commit it with Unix line ends and `#!/bin/sh`.",
            path,
            1,
        )
    return shell["shell"].decode(), call.words[0]
