"""What `prisma generate` reads and writes, whether a script of the project or the install runs it.

Sources: Prisma's documentation, "Schema location" (order in which the schema
is looked for), "Prisma Config reference" and "Generators"; @prisma/client
4.16, 5.22, 6.19: scripts/postinstall.js.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from optimizer.knowledge.manifests import JsonManifest, Survey, hold, line_of, resolve, within
from optimizer.knowledge.node.javascript import stands_alone

# Prisma Config reference: the names under which the configuration is found.
_CONFIGS = tuple(
    f"{stem}.{ending}"
    for stem in ("prisma.config", ".config/prisma")
    for ending in ("ts", "mts", "cts", "js", "mjs", "cjs")
)
# "Schema location": the default locations; prisma/schema/ was the folder of the preview feature
# prismaSchemaFolder, before 6.7.
_DEFAULTS = ("prisma/schema.prisma", "schema.prisma", "prisma/schema")

_SCHEMA_SETTING = re.compile(
    r"""\bschema\s*:\s*(?:(["'`])(?P<path>[^"'`$]*)\1|(?:path\.)?join\((?P<parts>[^()]*)\))"""
)
_GENERATOR = re.compile(r"^[ \t]*generator\s+\w+\s*\{(?P<body>[^}]*)\}", re.MULTILINE)
_FIELD = re.compile(r'^[ \t]*(?P<name>\w+)[ \t]*=[ \t]*"(?P<value>[^"]*)"', re.MULTILINE)


def survey_generate(
    survey: Survey, directory: str, manifest: JsonManifest, arguments: Sequence[str], why: str
) -> None:
    """Notes what ``prisma generate`` in ``directory`` reads and writes.

    ``why`` says who runs it, for the reason of an obstacle. Without a schema
    among the files there is nothing to note: the command finds none either way.
    """
    config = next((p for name in _CONFIGS if survey.has_file(p := resolve(directory, name))), None)
    schema = _schema(survey, directory, manifest, arguments, config, why)
    if schema is None:
        return
    folder = schema if survey.has_dir(schema) else posixpath.dirname(schema)
    for place in (directory, resolve(directory, "prisma"), folder):
        survey.read(resolve(place, ".env"))
    if folder == directory or within(directory, folder):
        if survey.has_dir(schema):
            _hold(why, f"every .prisma file below {schema}", schema)
        survey.read(schema)
    else:
        survey.tree(folder)
    for path in _schema_files(survey, schema):
        _survey_generators(survey, path, directory, why)


def _schema(
    survey: Survey, directory: str, manifest: JsonManifest, arguments: Sequence[str],
    config: str | None, why: str,
) -> str | None:  # fmt: skip
    if config is not None:
        named = _schema_in_config(survey, config, why)
    else:
        settings = manifest.data.get("prisma")
        named = settings.get("schema") if isinstance(settings, Mapping) else None
    named = _option(arguments, "--schema") or named
    if _option(arguments, "--config"):
        _hold(why, "the configuration that --config names", manifest.path)
    candidates = [named] if isinstance(named, str) else list(_DEFAULTS)
    return next((p for name in candidates if survey.kind(p := resolve(directory, name))), None)


def _option(arguments: Sequence[str], name: str) -> str | None:
    for position, word in enumerate(arguments):
        if word == name and position + 1 < len(arguments):
            return arguments[position + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _schema_in_config(survey: Survey, config: str, why: str) -> str | None:
    text = survey.content(config).decode("utf-8", "replace")
    if not stands_alone(text):
        _hold(why, f"{config}, and that file loads others of the project", config)
    match = _SCHEMA_SETTING.search(text)
    if match is None:
        if line := line_of(text, r"\bschema\b"):
            _hold(why, f"the schema that {config} computes on line {line}", config, line)
        return None
    if match["path"] is not None:
        return match["path"]
    parts = [part.strip() for part in match["parts"].split(",") if part.strip()]
    if not all(part[0] in "\"'`" and part[-1] == part[0] for part in parts):
        line = text.count("\n", 0, match.start()) + 1
        _hold(why, f"the schema that {config} computes on line {line}", config, line)
    return posixpath.join(*(part[1:-1] for part in parts))


def _schema_files(survey: Survey, schema: str) -> list[str]:
    if not survey.has_dir(schema):
        return [schema]
    found: list[str] = []
    for name in survey.files.children(schema):
        path = f"{schema}/{name}"
        if survey.has_dir(path):
            found.extend(_schema_files(survey, path))
        elif name.endswith(".prisma"):
            found.append(path)
    return found


def _survey_generators(survey: Survey, path: str, directory: str, why: str) -> None:
    """Notes where the generators of one schema write.

    "Generators": prisma-client-js writes to node_modules unless `output` says
    otherwise, relative to the schema; prisma-client looks into tsconfig.json
    for the module format.
    """
    text = survey.content(path).decode("utf-8", "replace")
    for generator in _GENERATOR.finditer(text):
        fields = {match["name"]: match["value"] for match in _FIELD.finditer(generator["body"])}
        provider = fields.get("provider", "")
        if provider not in ("prisma-client-js", "prisma-client"):
            line = text.count("\n", 0, generator.start()) + 1
            _hold(why, f"whatever the generator {provider or '?'} in {path} reads", path, line)
        if "output" in fields:
            survey.write(resolve(posixpath.dirname(path), fields["output"]))
        if provider == "prisma-client" and "moduleFormat" not in fields:
            _survey_tsconfig(survey, directory, why)


def _survey_tsconfig(survey: Survey, directory: str, why: str) -> None:
    path = resolve(directory, "tsconfig.json")
    if not survey.has_file(path):
        return
    text = survey.content(path).decode("utf-8", "replace")
    extends = re.search(r'"extends"\s*:\s*(?!"[^"./][^"]*")', text)
    if extends:
        line = text.count("\n", 0, extends.start()) + 1
        _hold(why, f"{path} and the files that it extends", path, line)


def _hold(why: str, what: str, path: str, line: int | None = None) -> NoReturn:
    hold(
        "install-script-reads-source",
        f"{why} runs `prisma generate`, which reads {what}.",
        "Install with --ignore-scripts and run `npx prisma generate` after the sources are copied.",
        path,
        line,
    )
