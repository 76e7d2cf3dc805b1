"""Options of the Java machine in variables and files: which of them load code or files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import Survey, hold, resolve

ALL_JAVA = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
"""java(1), "Using the JDK_JAVA_OPTIONS environment variable"; the JVM TI reference."""

# java(1): options that load code, that read arguments from a file, or that move the user's home.
_LOADS = re.compile(
    r"-javaagent:|-agentpath:|-agentlib:(?!jdwp)|-Xbootclasspath|-cp$|-classpath$|--class-path"
    r"|--module-path|-p$|--patch-module|@|-XX:Flags=|-XX:VMOptionsFile=|-Duser\.(?:home|dir)="
    r"|-Dmaven\.ext\.class\.path=|-Djava\.system\.class\.loader="
)
_PATH_PROPERTY = re.compile(
    r"-D(?:javax\.net\.ssl\.(?:trust|key)Store|java\.security\.\w+\.config)=(?P<path>.+)"
)


def split(text: str) -> list[str]:
    """Splits options as a shell does; at blanks alone where the quotes do not match."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def survey_options(survey: Survey, directory: str, options: Iterable[str], where: str) -> None:
    """Notes the files that ``options`` of the Java machine name; holds for code of the project.

    ``where`` says where they stand: a path, or a variable or command."""
    for option in options:
        if _LOADS.match(option):
            hold(
                "config-reads-source",
                f"{where} has {option}, which makes Java load files that dockopt does not follow.",
                "Take the option away for the install.",
                where if where.startswith("/") else None,
            )
        if match := _PATH_PROPERTY.fullmatch(option):
            survey.read(resolve(directory, match["path"]))


def survey_variables(survey: Survey, call: Call, names: Sequence[str]) -> None:
    """Does the same for the options that the variables ``names`` and Java's own hold."""
    for name in (*names, *ALL_JAVA):
        survey_options(survey, call.directory, split(call.env.get(name, "")), name)
