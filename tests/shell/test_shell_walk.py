"""Where commands run, with which variables, and whether they run for sure."""

from __future__ import annotations

import pytest

from optimizer.shell.script import Script
from optimizer.shell.walk import Visit, walk
from tests.shell.reading import run, script

ENV = {"HOME": "/root", "V": "web"}


def visits(text: str, cwd: str | None = "/app") -> tuple[Visit, ...]:
    return walk(script(text), cwd, ENV)


# id, script, "directory: command" of each visit, ? for an unknown directory
DIRECTORIES: list[tuple[str, str, list[str]]] = [
    ("stays", "a; b", ["/app: a", "/app: b"]),
    ("relative", "cd web && a", ["/app: cd web", "/app/web: a"]),
    ("absolute", "cd /x/y && a", ["/app: cd /x/y", "/x/y: a"]),
    ("upwards", "cd ../lib && a", ["/app: cd ../lib", "/lib: a"]),
    ("above-the-root", "cd ../../.. && a", ["/app: cd ../../..", "/: a"]),
    ("untidy", "cd ./a//b/ && c", ["/app: cd ./a//b/", "/app/a/b: c"]),
    ("semicolon-takes-success-for-granted", "cd web; a", ["/app: cd web", "/app/web: a"]),
    ("expanded", "cd $V && a", ["/app: cd web", "/app/web: a"]),
    ("unknown", "cd $X && a", ["/app: ?", "?: a"]),
    ("substitution", "cd $(d) && a", ["/app: d", "/app: ?", "?: a"]),
    ("glob", "cd x* && a", ["/app: cd x*", "?: a"]),
    ("home", "cd && a", ["/app: cd", "/root: a"]),
    ("tilde", "cd ~/x && a", ["/app: cd /root/x", "/root/x: a"]),
    ("back", "cd x && cd - && a", ["/app: cd x", "/app/x: cd -", "/app: a"]),
    ("back-from-nowhere", "cd - && a", ["/app: cd -", "?: a"]),
    ("empty", "cd '' && a", ["/app: cd ", "/app: a"]),
    ("logical", "cd -L x && a", ["/app: cd -L x", "/app/x: a"]),
    ("physical", "cd -P x && a", ["/app: cd -P x", "?: a"]),
    ("two-directories", "cd x y; a", ["/app: cd x y", "?: a"]),
    ("absolute-again", "cd $X && cd /y && a", ["/app: ?", "?: cd /y", "/y: a"]),
    ("cdpath", "CDPATH=/z; cd x && a", ["/app: ", "/app: cd x", "?: a"]),
    ("cdpath-and-dot", "CDPATH=/z; cd ./x && a", ["/app: ", "/app: cd ./x", "/app/x: a"]),
    ("failing", "cd x || a; b", ["/app: cd x", "?: a", "?: b"]),
    ("failing-ends-it", "cd x || exit 1; a", ["/app: cd x", "?: exit 1", "/app/x: a"]),
    (
        "failing-ends-it-with-message",
        "cd x || { a; exit 2; }; b",
        ["/app: cd x", "?: a", "?: exit 2", "/app/x: b"],
    ),
    ("after-a-test", "[ -d x ] && cd x; a", ["/app: [ -d x ]", "/app: cd x", "?: a"]),
    ("subshell", "(cd x && a); b", ["/app: cd x", "/app/x: a", "/app: b"]),
    ("group", "{ cd x; a; }; b", ["/app: cd x", "/app/x: a", "/app/x: b"]),
    ("pipe", "cd x | a; b", ["/app: cd x", "/app: a", "/app: b"]),
    ("background", "cd x & a", ["/app: cd x", "/app: a"]),
    ("branch", "if a; then cd x; b; fi; c", ["/app: a", "/app: cd x", "/app/x: b", "?: c"]),
    (
        "both-branches",
        "if a; then cd x; else cd x; fi; b",
        ["/app: a", "/app: cd x", "/app: cd x", "/app/x: b"],
    ),
    ("condition", "if cd x; then a; fi", ["/app: cd x", "/app/x: a"]),
    ("case", "case y in a) cd x;; esac; b", ["/app: cd x", "?: b"]),
    ("loop", "for d in p q; do cd x; a; done; b", ["?: cd x", "?: a", "?: b"]),
    ("loop-that-stays", "for d in p q; do a; done; b", ["/app: a", "/app: b"]),
    ("loop-with-subshell", "for d in p; do (cd /x; a); done", ["?: cd /x", "/x: a"]),
    ("while", "while a; do cd x; done; b", ["?: a", "?: cd x", "?: b"]),
    ("function", "f() { cd x; }; f; a", ["?: cd x", "/app: ?", "?: a"]),
    ("function-not-called", "f() { cd x; }; a", ["?: cd x", "/app: a"]),
    ("source", ". ./x && a", ["/app: . ./x", "?: a"]),
    ("source-by-name", "source x && a", ["/app: source x", "?: a"]),
    ("eval", "eval cd x; a", ["/app: eval cd x", "?: a"]),
    ("pushd", "pushd x && a && popd && b", ["/app: pushd x", "/app/x: a", "/app/x: popd", "?: b"]),
    ("builtin", "command cd x && a", ["/app: cd x", "/app/x: a"]),
    ("sudo-changes-nothing-here", "sudo cd x; a", ["/app: cd x", "/app: a"]),
    (
        "substitution-is-a-subshell",
        "a $(cd x && b); c",
        ["/app: cd x", "/app/x: b", "/app: ?", "/app: c"],
    ),
    ("sh-c", "sh -c 'cd x && a'; b", ["/app: cd x", "/app/x: a", "/app: b"]),
    ("sh-c-behind-cd", "cd x && bash -ec 'a'", ["/app: cd x", "/app/x: a"]),
    ("sh-c-behind-wrapper", "sudo sh -c 'cd x; a'", ["/app: cd x", "/app/x: a"]),
    ("sh-c-put-together", 'sh -c "cd $V && a"', ["/app: sh -c cd web && a"]),
    ("heredoc-for-bash", "bash <<E\ncd x\na\nE\nb", ["/app: cd x", "/app/x: a", "/app: b"]),
    ("heredoc-for-bash-put-together", "bash <<E\ncd $V\nE", ["/app: bash"]),
    ("quoted-heredoc-for-bash", "bash <<'E'\ncd $HOME\na\nE", ["/app: cd /root", "/root: a"]),
    ("heredoc-for-python", "python3 <<E\ncd\nE", ["/app: python3"]),
    ("script-in-a-file", "sh ./x.sh; a", ["/app: sh ./x.sh", "/app: a"]),
    ("script-through-a-pipe", "a | sh", ["/app: a", "/app: sh"]),
    ("exec-ends-it", "exec a; b", ["/app: a", "?: b"]),
    ("exec-of-redirections-does-not", "exec > f; b", ["/app: exec", "/app: b"]),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in DIRECTORIES], ids=[case[0] for case in DIRECTORIES]
)
def test_directories(text: str, expected: list[str]) -> None:
    shown = [
        f"{visit.cwd or '?'}: {'?' if visit.argv is None else ' '.join(visit.argv)}"
        for visit in visits(text)
    ]
    assert shown == expected


def test_unknown_start() -> None:
    assert [visit.cwd for visit in visits("a; cd x; b; cd /y; c", None)] == [
        *(None, None, None, None, "/y")
    ]


# id, script, what differs from ENV in the shell and for the program at the last command
VARIABLES: list[tuple[str, str, dict[str, str | None], dict[str, str | None]]] = [
    ("inherited", "a", {}, {}),
    ("assigned", "X=1; a", {"X": "1"}, {}),
    ("assigned-inherited", "V=1; a", {"V": "1"}, {"V": "1"}),
    ("exported", "export X=1; a", {"X": "1"}, {"X": "1"}),
    ("exported-later", "X=1; export X; a", {"X": "1"}, {"X": "1"}),
    ("exported-before", "export X; X=1; a", {"X": "1"}, {"X": "1"}),
    ("declared", "declare -x X=1 Y; a", {"X": "1"}, {"X": "1"}),
    ("readonly", "readonly X=1; a", {"X": "1"}, {}),
    ("integer-is-computed", "declare -i X=1+1; a", {"X": None}, {}),
    ("for-one-command", "X=1 a", {}, {"X": "1"}),
    ("for-one-command-only", "X=1 b; a", {}, {}),
    ("expanded", "X=$V/$HOME; a", {"X": "web//root"}, {}),
    ("in-turn", "X=1 Y=$X; a", {"X": "1", "Y": "1"}, {}),
    ("own-assignment-comes-later", "X=1; X=2 a", {"X": "1"}, {"X": "2"}),
    ("substitution", "X=$(b); a", {"X": None}, {}),
    ("array", "X=(1 2); a", {"X": None}, {}),
    ("appended", "X=1; X+=2; a", {"X": None}, {}),
    ("unset", "unset V; a", {"V": None}, {"V": None}),
    ("unset-is-no-longer-exported", "unset V; V=1; a", {"V": "1"}, {"V": None}),
    ("read", "b | read V; read V; a", {"V": None}, {"V": None}),
    ("printf", "printf -v V x; a", {"V": None}, {"V": None}),
    ("arithmetic", "V=1; : $((V++)); a", {"V": None}, {"V": None}),
    ("assigning-default", ": ${V:=1}; a", {"V": None}, {"V": None}),
    ("subshell", "(V=1); a", {}, {}),
    ("branch", "if b; then V=1; fi; a", {"V": None}, {"V": None}),
    ("branch-export", "if b; then export X=1; fi; X=2; a", {"X": "2"}, {"X": None}),
    ("same-in-both", "if b; then V=1; else V=1; fi; a", {"V": "1"}, {"V": "1"}),
    ("loop-variable", "for V in x; do a; done", {"V": None}, {"V": None}),
    ("changed-in-loop", "while b; do V=1; done; a", {"V": None}, {"V": None}),
    ("or", "V=1 || V=2; a", {"V": None}, {"V": None}),
    ("source", ". ./x; a", {"V": None}, {"V": None}),
    ("function", "f() { V=1; }; f; a", {"V": None}, {"V": None}),
    ("env", "env X=1 a", {}, {"X": "1"}),
    ("sudo-keeps-nothing", "sudo X=1 a", {}, {"X": "1", "V": None}),
    ("nested-shell", "export X=1; Y=2; sh -c 'a'", {"X": "1"}, {"X": "1"}),
    ("login-shell", "bash -lc 'a'", {"V": None}, {"V": None}),
    ("startup-file", "export BASH_ENV=/x; bash -c 'a'", {"V": None}, {"V": None}),
    ("special-builtin-keeps-assignment", "V=1 export X; a", {"V": None}, {"V": None}),
]


@pytest.mark.parametrize(
    ("text", "variables", "environment"),
    [case[1:] for case in VARIABLES],
    ids=[case[0] for case in VARIABLES],
)
def test_variables(
    text: str, variables: dict[str, str | None], environment: dict[str, str | None]
) -> None:
    last = visits(text)[-1]
    assert last.words[0].text == "a"
    start = {"V": "web", "X": None, "Y": None}
    assert {name: last.env.get(name) for name in start} == {**start, **variables}
    shown = last.environment
    assert {name: shown.get(name) for name in start} == {**start, **environment}


# id, script, marks of each command: c for conditional, m for must succeed
OUTCOMES: list[tuple[str, str, list[str]]] = [
    ("and-list", "a && b && c", ["m", "m", "m"]),
    ("semicolon", "a; b", ["", "m"]),
    ("lines", "a\nb\n", ["", "m"]),
    ("or", "a || b", ["", "cm"]),
    ("or-then-and", "a || b && c", ["", "cm", "m"]),
    ("and-then-or", "a && b || c", ["", "c", "cm"]),
    ("and-before-semicolon", "a && b; c", ["", "c", "m"]),
    ("errexit", "set -e; a; b", ["", "m", "m"]),
    ("errexit-and-list", "set -e; a && b; c", ["", "", "cm", "m"]),
    ("errexit-off", "set -e; a; set +e; b; c", ["", "m", "m", "", "m"]),
    ("pipe", "a | b", ["", "m"]),
    ("pipefail", "set -o pipefail; a | b", ["", "m", "m"]),
    ("errexit-and-pipefail", "set -eo pipefail; a | b; c", ["", "m", "m", "m"]),
    ("negated", "! a", [""]),
    ("background", "a & b", ["c", "m"]),
    ("subshell", "(a; b)", ["", "m"]),
    ("group", "{ a && b; } && c", ["m", "m", "m"]),
    ("group-in-or", "{ a && b; } || c", ["", "c", "cm"]),
    ("if", "if a; then b; fi", ["", "cm"]),
    ("if-not-last", "if a; then b; fi; c", ["", "c", "m"]),
    ("elif", "if a; then b; elif c; then d; else e; fi", ["", "cm", "c", "cm", "cm"]),
    ("case", "case x in a) b;; esac", ["cm"]),
    ("loop", "for x in y; do a; done", ["c"]),
    ("loop-with-errexit", "set -e; for x in y; do a; done", ["", "cm"]),
    ("while", "while a; do b; done", ["", "c"]),
    ("substitution", "a $(b)", ["", "m"]),
    ("function", "f() { a; }; b", ["c", "m"]),
    ("guard", "a || exit 1; b", ["m", "c", "m"]),
    ("guard-that-may-succeed", "a || exit; b", ["", "c", "cm"]),
    ("guard-with-success", "a || exit 0; b", ["", "c", "cm"]),
    ("guard-in-subshell", "(a || exit 1; b) || c", ["", "c", "c", "cm"]),
    ("guard-behind-list", "a && b || exit 1; c", ["m", "m", "c", "m"]),
    ("exit", "a; exit 0; b", ["", "", "cm"]),
    ("exit-in-branch", "if a; then exit 0; fi; b", ["", "c", "cm"]),
    ("exit-in-function", "f() { exit; }; f; a", ["c", "", "cm"]),
    ("exec", "a; exec b", ["", "m"]),
    ("trap", "trap 'exit 0' EXIT; a", ["", "c"]),
    ("nested-script", "sh -c 'a; b' && c", ["", "m", "m"]),
    ("nested-script-with-errexit", "sh -ec 'a; b' && c", ["m", "m", "m"]),
    ("nested-script-conditional", "x || sh -c 'a && b'", ["", "cm", "cm"]),
    ("exit-in-nested-script", "sh -c 'exit 0'; a", ["", "m"]),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in OUTCOMES], ids=[case[0] for case in OUTCOMES]
)
def test_outcomes(text: str, expected: list[str]) -> None:
    assert [
        "c" * visit.conditional + "m" * visit.must_succeed for visit in visits(text)
    ] == expected


# id, script, the files that its last command writes
WRITES: list[tuple[str, str, tuple[str | None, ...]]] = [
    ("nothing", "a < f 2>&1", ()),
    ("relative", "cd x && a > f", ("/app/x/f",)),
    ("absolute", "a >> /f 2> ../g", ("/f", "/g")),
    ("expanded", "a > $V/f", ("/app/web/f",)),
    ("unknown", "a > $X", (None,)),
    ("glob", "a > f*", (None,)),
    ("unknown-directory", "cd $X; a > f", (None,)),
    ("group", "{ cd x; a > f; } > g", ("/app/g", "/app/x/f")),
    ("subshell", "(a) > f", ("/app/f",)),
    ("loop", "while a; do b; done > f", ("/app/f",)),
    ("not-behind-the-group", "{ b; } > f; a", ()),
    ("nested-script", "sh -c 'cd x; a > f' > g", ("/app/g", "/app/x/f")),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in WRITES], ids=[case[0] for case in WRITES]
)
def test_writes(text: str, expected: tuple[str | None, ...]) -> None:
    assert visits(text)[-1].writes == expected


def test_redefined_names_are_not_what_they_seem() -> None:
    text = "npm() { true; }; alias pip=x; npm ci; pip install; sudo npm ci"
    assert [visit.argv for visit in visits(text)[2:]] == [None, None, None]


def test_shell_that_starts_with_errexit() -> None:
    _, read = run("RUN a; b", "/bin/sh", "-ec")
    assert isinstance(read, Script)
    assert [visit.must_succeed for visit in walk(read, "/", {})] == [True, True]


def test_exec_form() -> None:
    _, read = run('RUN ["npm", "ci"]')
    assert isinstance(read, Script)
    (visit,) = walk(read, "/app", ENV)
    assert (visit.argv, visit.cwd, visit.must_succeed) == (("npm", "ci"), "/app", True)


def test_exec_form_of_a_shell() -> None:
    dockerfile, read = run('RUN ["sh", "-c", "cd x && npm ci"]')
    assert isinstance(read, Script)
    _, visit = walk(read, "/app", ENV)
    assert (visit.argv, visit.cwd) == (("npm", "ci"), "/app/x")
    assert dockerfile.text(visit.command.span) == '"cd x && npm ci"'


def test_nested_script_has_its_spans_in_the_file() -> None:
    dockerfile, read = run("FROM a\nRUN cd x && sh -c 'npm \\\n  ci' && bash <<'E'\npip x\nE\n")
    assert isinstance(read, Script)
    _, npm, pip = walk(read, "/", ENV)
    assert [dockerfile.text(word.span) for word in npm.words] == ["npm", "ci"]
    assert [dockerfile.text(word.span) for word in pip.words] == ["pip", "x"]


def test_words_and_environment_behind_wrappers() -> None:
    (visit,) = visits("sudo A=1 npm ci")
    assert visit.argv == ("npm", "ci")
    assert visit.environment == {"A": "1"}
    assert visit.command.words[0].text == "sudo"
