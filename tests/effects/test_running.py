"""What a container of a stage runs: the entry command, followed as far as the files tell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from optimizer.context.entries import Link
from optimizer.context.service import Service
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.knowledge.installs import HOLE
from optimizer.knowledge.running import Running
from optimizer.model.stages import Invocation
from optimizer.view import Build, View

Files = Mapping[str, bytes]


def running(text: str, files: Files | None = None, *services: Service) -> Running:
    """Returns what the target of ``text`` runs; the context is copied to /app unless it says
    otherwise."""
    context = BuildContext.from_listing(files or {})
    build = Build(context, Invocation(), ContextAnswer(".", "the test"), services=services)
    view = View(parse(Source("Dockerfile", text)), build)
    assert view.stages.target is not None
    return view.running(view.stages.target)


def lines(found: Running) -> list[str]:
    return [" ".join(call.words).replace(HOLE, "?") for call in found.calls]


APP = "FROM debian\nWORKDIR /app\nCOPY . .\n"

COMBINED = {
    "a CMD alone": (APP + 'CMD ["a", "b"]', ["a b"]),
    "a CMD for a shell": (APP + "CMD a b", ["/bin/sh -c a b", "a b"]),
    "a CMD behind an ENTRYPOINT": (APP + 'ENTRYPOINT ["a"]\nCMD ["b"]', ["a b"]),
    "an ENTRYPOINT for a shell takes no CMD": (
        APP + 'ENTRYPOINT exec a\nCMD ["b"]',
        ["/bin/sh -c exec a b", "a"],
    ),
    "the last one counts": (APP + 'CMD ["a"]\nCMD ["b"]', ["b"]),
    "a CMD of the parent stage": ('FROM debian AS x\nCMD ["a"]\nFROM x', ["a"]),
    "an ENTRYPOINT takes the CMD of the parent away": (
        'FROM debian AS x\nCMD ["a"]\nFROM x\nENTRYPOINT ["b"]',
        ["b"],
    ),
    "an ENTRYPOINT leaves the CMD above it": (APP + 'CMD ["a"]\nENTRYPOINT ["b"]', ["b a"]),
    "an empty ENTRYPOINT is none": (APP + 'ENTRYPOINT []\nCMD ["a"]', ["a"]),
    "a SHELL of its own": (
        APP + 'SHELL ["/bin/bash", "-c"]\nCMD a',
        ["/bin/bash -c a", "a"],
    ),
    "a health check": (
        APP + 'CMD ["a"]\nHEALTHCHECK --interval=3s CMD curl -f x || exit 1',
        ["a", "/bin/sh -c curl -f x || exit 1", "curl -f x"],
    ),
    "a health check in exec form": (
        APP + 'CMD ["a"]\nHEALTHCHECK CMD ["curl", "x"]',
        ["a", "curl x"],
    ),
    "a health check that is turned off": (
        'FROM debian AS x\nHEALTHCHECK CMD a\nFROM x\nCMD ["b"]\nHEALTHCHECK NONE',
        ["b"],
    ),
    "known and unknown variables": (
        APP + "ENV A=b\nCMD $A --port=$PORT ${X:-y}",
        ["/bin/sh -c $A --port=$PORT ${X:-y}", "b --port=? ?"],
    ),
    "launchers": (
        APP + 'ENTRYPOINT ["tini", "-g", "--", "gosu", "app", "env", "-i", "A=b", "poetry", "run", '
        '"a"]',
        [
            "tini -g -- gosu app env -i A=b poetry run a",
            "gosu app env -i A=b poetry run a",
            "env -i A=b poetry run a",
            "poetry run a",
            "a",
        ],
    ),
    "what node's own entry script hands to node": (
        'FROM node:22\nCOPY . .\nCMD ["index.js"]',
        ["docker-entrypoint.sh index.js", "node index.js"],
    ),
    "a build argument is gone": (APP + "ARG A=b\nCMD a $A", ["/bin/sh -c a $A", "a ?"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), COMBINED.values(), ids=COMBINED)
def test_commands_of_the_instructions(text: str, expected: list[str]) -> None:
    found = running(text, {"index.js": b""})

    assert lines(found) == expected
    assert found.opaque is None
    assert len(found.shown_by) == len(found.calls)


def test_a_file_without_commands_leaves_them_to_the_base() -> None:
    found = running(APP)

    assert not found.is_set
    assert found.calls == ()


SCRIPTS: Mapping[str, tuple[bytes, list[str]]] = {
    "exec with the arguments": (b'exec "$@"', ["run x"]),
    "arguments behind a program": (b'exec gosu app "$@"', ["gosu app run x", "run x"]),
    "arguments that are set": (b'set -- a "$@"\nexec "$@"', ["run x", "a run x"]),
    "arguments that are shifted": (b'shift\n"$@"', ["run x", "x"]),
    "one argument": (b'exec python "$1"', ["python run"]),
    "branches": (b'if [ "$1" = web ]; then\n  a\nelse\n  b\nfi', ["a", "b"]),
    "cases": (b'case "$1" in\n  web) a ;;\n  *) b ;;\nesac', ["a", "b"]),
    "functions": (b"f() {\n  a\n}\nf", ["a"]),
    "loops and pipes": (b"until pg_isready; do sleep 1; done\nls | grep x",
                        ["pg_isready", "sleep 1", "ls", "grep x"]),
    "substitutions": (b"A=$(cat /x)\necho $A", ["cat /x"]),
    "a program that is looked for": (b"command -v git >/dev/null && echo yes", []),
    "another script": (b". ./lib.sh\nexec a", ["lib", "a"]),
    "a virtual environment": (b"source /opt/venv/bin/activate\nexec a", ["a"]),
    "a trap": (b"trap 'kill_it now' TERM\nexec a", ["kill_it now", "a"]),
    "line ends of Windows": (b"set -e\r\nexec a\r\n", ["a"]),
}  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), SCRIPTS.values(), ids=SCRIPTS)
def test_entry_scripts_are_followed(script: bytes, expected: list[str]) -> None:
    files = {"run.sh": b"#!/bin/sh\n" + script, "lib.sh": b"lib\n"}

    found = running(APP + 'ENTRYPOINT ["./run.sh"]\nCMD ["run", "x"]', files)

    assert lines(found)[:2] == ["./run.sh run x", "/bin/sh /app/run.sh run x"]
    assert lines(found)[2:] == expected
    assert found.opaque is None
    assert found.needs_shell


PLACED = {
    "by its path": 'COPY run.sh /run.sh\nCMD ["/run.sh"]',
    "by its name": 'COPY run.sh /usr/local/bin/\nCMD ["run.sh"]',
    "by a PATH of its own": 'ENV PATH=/x:$PATH\nCOPY run.sh /x/run.sh\nCMD ["run.sh"]',
    "from the working directory": 'WORKDIR /a\nCOPY . .\nCMD ["./run.sh"]',
    "by a shell": 'WORKDIR /a\nCOPY . .\nCMD ["sh", "run.sh"]',
    "by a shell with options": 'COPY run.sh /\nCMD ["bash", "-eu", "/run.sh"]',
    "in shell form": "COPY run.sh /\nCMD /run.sh",
    "through a link": 'COPY . /a\nCMD ["/a/link.sh"]',
}


@pytest.mark.parametrize("text", PLACED.values(), ids=PLACED)
def test_entry_scripts_are_found(text: str) -> None:
    files: dict[str, bytes | Link] = {
        "run.sh": b"#!/bin/sh\nexec git log\n",
        "link.sh": Link("run.sh"),
    }
    context = BuildContext.from_listing(files)
    build = Build(context, Invocation(), ContextAnswer(".", "the test"))
    view = View(parse(Source("Dockerfile", "FROM debian\n" + text)), build)
    assert view.stages.target is not None

    found = view.running(view.stages.target)

    assert found.programs >= {"git"}
    assert "run.sh" not in found.programs
    assert found.opaque is None


def test_an_entry_script_is_found_behind_a_copy_from_another_stage() -> None:
    text = (
        "FROM debian AS one\nWORKDIR /src\nCOPY . .\n"
        "FROM debian AS two\nCOPY --from=one /src /app\n"
        'FROM debian\nCOPY --from=two /app/run.sh /bin/go\nCMD ["go"]\n'
    )

    assert running(text, {"run.sh": b"#!/bin/sh\nexec git log\n"}).programs == {"git", "sh"}


PACKAGE = b'{"scripts": {"prestart": "pre", "start": "A=b node x.js", "go": "npm run start"}}'
ROOT = b'{"workspaces": ["b", "c"]}'
MEMBER = b'{"name": "@a/b", "scripts": {"prestart": "pre", "start": "node x.js"}}'
TWIN = b'{"name": "@a/b"}'
LISTED: Mapping[str, tuple[str, Files, set[str]]] = {
    "npm start with its hook": ('CMD ["npm", "start"]', {"package.json": PACKAGE},
                                {"npm", "sh", "pre", "node"}),
    "npm run": ("CMD npm run go", {"package.json": PACKAGE}, {"npm", "sh", "pre", "node"}),
    "yarn without run": ('CMD ["yarn", "go"]', {"package.json": PACKAGE},
                         {"yarn", "npm", "sh", "pre", "node"}),
    "npm start without a script": ('CMD ["npm", "start"]', {"package.json": b'{"scripts": {}}'},
                                   {"npm", "node"}),
    "npm in another folder": ('CMD ["npm", "--prefix", "a", "start"]', {"a/package.json": PACKAGE},
                              {"npm", "sh", "pre", "node"}),
    "npm in a workspace": ('CMD ["npm", "start", "--workspace", "@a/b"]',
                           {"package.json": ROOT, "b/package.json": MEMBER},
                           {"npm", "sh", "pre", "node"}),
    "npm in a workspace by its folder": ('CMD ["npm", "-w=b", "run", "start"]',
                                         {"package.json": ROOT, "b/package.json": MEMBER},
                                         {"npm", "sh", "pre", "node"}),
    "yarn in a workspace": ('CMD ["yarn", "workspace", "@a/b", "start"]',
                            {"package.json": ROOT, "b/package.json": MEMBER},
                            {"yarn", "sh", "pre", "node"}),
    "pnpm in a workspace": ('CMD ["pnpm", "--filter", "@a/b", "run", "start"]',
                            {"pnpm-workspace.yaml": b"packages: [b]", "package.json": b"{}",
                             "b/package.json": MEMBER},
                            {"pnpm", "sh", "pre", "node"}),
    "yarn and a program": ('CMD ["yarn", "next", "start"]', {"package.json": PACKAGE},
                           {"yarn", "next"}),
    "npx": ('CMD ["npx", "-y", "serve", "dist"]', {}, {"npx", "serve"}),
    "a Procfile": ('CMD ["honcho", "start"]', {"Procfile": b"web: a x\nworker: b | c\n"},
                   {"honcho", "sh", "a", "b", "c"}),
    "supervisord": ('CMD ["supervisord", "-c", "s.conf"]',
                    {"s.conf": b"[supervisord]\n[program:a]\ncommand=a -x %(ENV_X)s\n"
                               b"[include]\nfiles = conf.d/*.ini\n",
                     "conf.d/b.ini": b"[program:b]\ncommand = b ; comment\n"},
                    {"supervisord", "a", "b"}),
    "code of an interpreter": ("CMD [\"python\", \"-c\", \"import os; os.system('git x')\"]", {},
                               {"python", "sh", "git"}),
    "a Python script": ('CMD ["./run"]',
                        {"run": b"#!/usr/bin/env python3\nimport os\nos.system('git x')\n"},
                        {"python3", "sh", "git"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "files", "programs"), LISTED.values(), ids=LISTED)
def test_files_that_say_what_is_started(text: str, files: Files, programs: set[str]) -> None:
    found = running(APP + text, {"main.js": b"", **files})

    assert found.opaque is None
    assert found.programs == programs


GIT = b"import subprocess\nsubprocess.run(['git', 'log'])\n"
ANY = b"import subprocess\nsubprocess.run(x)\n"
CODE: Mapping[str, tuple[Files, set[str], bool]] = {
    "a source": ({"a/b.py": GIT}, {"git"}, False),
    "a source that starts anything": ({"a/b.py": ANY}, set(), True),
    "packages that were copied": (
        {"node_modules/a/b.py": ANY, ".venv/lib/c.py": ANY}, set(), False
    ),
    "tests": ({"tests/test_a.py": ANY, "a_test.go": b"exec.", "src/x.spec.ts": b""}, set(), False),
    "tests that other code loads": (
        {"tests/help.py": GIT, "a.py": b"from tests import help\n"}, {"git"}, False
    ),
    "files of build tools": ({"setup.py": ANY, "vite.config.ts": b"", "gulpfile.js": b""},
                             set(), False),
    "a shell script that nothing starts": ({"deploy.sh": b"$X\n"}, set(), False),
    "a shell script that code starts": (
        {"a.py": b"import subprocess\nsubprocess.run(['./b.sh'])\n", "b.sh": b"git log\n"},
        {"git", "sh"}, False,
    ),
    "a script without an end": ({"bin/x": b"#!/usr/bin/env ruby\nsystem 'git'\n"}, {"git"}, False),
}  # fmt: skip


@pytest.mark.parametrize(("files", "programs", "is_opaque"), CODE.values(), ids=CODE)
def test_the_projects_own_code(files: Files, programs: set[str], is_opaque: bool) -> None:
    found = running(APP + 'CMD ["python", "main.py"]', {"main.py": b"", **files})

    assert found.programs == programs | {"python"}
    assert (found.opaque is not None) == is_opaque
    assert lines(found) == ["python main.py"]


def test_the_reason_names_file_and_line() -> None:
    found = running(APP + 'CMD ["python", "a.py"]', {"a.py": b"x = 1\n" + ANY})

    assert found.opaque == "a.py:3 starts a program that is not named: `subprocess.run(x)`"


def test_a_test_file_that_a_command_names_counts() -> None:
    found = running(APP + 'CMD ["python", "tests/run.py"]', {"tests/run.py": GIT})

    assert "git" in found.programs


def test_tests_count_where_tests_are_run() -> None:
    found = running(APP + 'CMD ["pytest"]', {"tests/test_a.py": GIT})

    assert "git" in found.programs


def test_sources_that_went_into_a_program_count() -> None:
    text = (
        "FROM golang AS build\nCOPY . /src\nRUN go build -o /bin/app\n"
        'FROM debian\nCOPY --from=build /bin/app /app\nCMD ["/app"]\n'
    )
    go = b'package main\nimport "os/exec"\nfunc main() { exec.Command("git") }\n'

    found = running(text, {"main.go": go})

    assert found.programs == {"git"}
    assert found.opaque is None


def test_sources_that_were_mounted_count() -> None:
    text = (
        "FROM golang AS build\nRUN --mount=target=. go build -o /bin/app\n"
        'FROM debian\nCOPY --from=build /bin/app /app\nCMD ["/app"]\n'
    )
    go = b'package main\nimport "os/exec"\nfunc main() { exec.Command("git") }\n'

    assert running(text, {"main.go": go}).programs == {"git"}


OPAQUE: Mapping[str, tuple[str, Files]] = {
    "a variable": (APP + "CMD $WHAT", {}),
    "a program of unknown origin": (APP + "RUN curl -o /opt/x https://a\nCMD [\"/opt/x\"]", {}),
    "a source that a RUN fetched": (APP + 'RUN git clone x .\nCMD ["python", "a.py"]', {}),
    "sources in an archive": (APP + 'ADD a.tar.gz /x\nCMD ["nginx"]', {"a.tar.gz": b""}),
    "sources that are not known": (APP + 'ARG X\nCOPY $X /x\nCMD ["nginx"]', {}),
    "a script that a RUN made": (APP + "RUN echo a > /run.sh\nCMD [\"sh\", \"/run.sh\"]", {}),
    "a program of the context": (APP + 'CMD ["./x"]', {"x": b"\x7fELF\0"}),
    "a script that starts anything": (APP + 'CMD ["./x"]', {"x": b"#!/bin/sh\nexec $CMD\n"}),
    "eval": (APP + 'CMD ["./x"]', {"x": b'#!/bin/sh\neval "$X"\n'}),
    "a sourced file that is not there": (APP + 'CMD ["./x"]', {"x": b"#!/bin/sh\n. /x.sh\n"}),
    "a text that is no script": (APP + "CMD if", {}),
    "cron": (APP + 'CMD ["cron", "-f"]', {}),
    "supervisord without its settings": (APP + 'CMD ["supervisord"]', {}),
    "a package script that is not there": (APP + "CMD npm run x", {"package.json": b"{}"}),
    "scripts of a workspace": (APP + 'CMD ["npm", "-w", "a", "start"]', {"package.json": b"{}"}),
    "scripts of two workspaces": (APP + 'CMD ["npm", "-w", "b", "-w", "c", "start"]',
                                  {"package.json": ROOT, "b/package.json": MEMBER}),
    "scripts of all workspaces": (APP + 'CMD ["npm", "start", "--workspaces"]',
                                  {"package.json": ROOT, "b/package.json": MEMBER}),
    "a workspace that two are called": (APP + 'CMD ["npm", "start", "-w", "@a/b"]',
                                        {"package.json": ROOT, "b/package.json": MEMBER,
                                         "c/package.json": TWIN}),
    "a script that the workspace has not": (APP + 'CMD ["npm", "run", "x", "-w", "b"]',
                                            {"package.json": ROOT, "b/package.json": MEMBER}),
    "packages that pnpm chooses": (APP + 'CMD ["pnpm", "--filter", "@a/*", "start"]',
                                   {"pnpm-workspace.yaml": b"packages: [b]",
                                    "package.json": b"{}", "b/package.json": MEMBER}),
    "a workspace of a broken manifest": (APP + 'CMD ["npm", "start", "-w", "b"]',
                                         {"package.json": b"{", "b/package.json": MEMBER}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "files"), OPAQUE.values(), ids=OPAQUE)
def test_what_cannot_be_followed_is_said(text: str, files: Files) -> None:
    assert running(text, files).opaque is not None


SERVICES = {
    "a command": (Service("c.yaml:services.a", command=("celery", "x")),
                  ["tini celery x", "celery x"]),
    "an entry point takes the CMD away": (Service("c.yaml:services.a", entrypoint=("celery",)),
                                          ["celery"]),
    "a health check": (Service("c.yaml:services.a", health=("pg_isready",)), ["pg_isready"]),
    "a health check that is turned off": (Service("c.yaml:services.a", health=()), []),
    "nothing of its own": (Service("c.yaml:services.a"), []),
}  # fmt: skip


@pytest.mark.parametrize(("service", "expected"), SERVICES.values(), ids=SERVICES)
def test_what_compose_starts_counts_too(service: Service, expected: list[str]) -> None:
    text = APP + 'ENTRYPOINT ["tini"]\nCMD ["gunicorn"]\nHEALTHCHECK CMD ["curl", "x"]\n'

    found = lines(running(text, None, service))

    assert found == ["tini gunicorn", "gunicorn", *expected, "curl x"]


@pytest.mark.parametrize(
    "script",
    [
        b'exec "$0" "$@"\n',
        b". ./run.sh\n./run.sh\nsh run.sh a$X\n",
        b"set -- a " + b'"$@" ' * 50 + b'\nset -- "$@" "$@"\n' * 50 + b'"$@"\n',
        b"eval eval eval 'eval x'\n" * 200,
        b"a\n" * 5_000,
        b"\0\xff\n",
    ],
    ids=["itself", "in a circle", "arguments that grow", "eval", "many commands", "bytes"],
)
def test_hostile_scripts_end(script: bytes) -> None:
    running(APP + 'CMD ["./run.sh", "x"]', {"run.sh": b"#!/bin/sh\n" + script})


def test_scripts_of_packages_that_run_each_other_end() -> None:
    scripts = b'{"scripts": {"a": "npm run b && npm run a", "b": "npm run a -- x"}}'

    running(APP + "CMD npm run a", {"package.json": scripts})


def test_a_source_is_read_once_for_all_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    context = BuildContext.from_listing({"a.py": GIT})
    build = Build(context, Invocation(), ContextAnswer(".", "the test"))
    first = View(parse(Source("Dockerfile", APP + "CMD a")), build)
    assert first.stages.target is not None
    first.running(first.stages.target)
    monkeypatch.setattr("optimizer.effects.own_code.started", None)

    second = View(parse(Source("Dockerfile", APP + "CMD b")), build)

    assert second.stages.target is not None
    assert "git" in second.running(second.stages.target).programs
