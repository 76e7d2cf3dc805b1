"""Which script a RUN hands to which shell, with its spans in the file."""

from __future__ import annotations

import pytest

from optimizer.cst.source import Span
from optimizer.shell.run import DEFAULT_SHELL, read_run
from optimizer.shell.script import OpaqueScript, Script, ShellOptions
from tests.shell.reading import run, runs

# id, Dockerfile, what the file says where each command's words are
SPANS: list[tuple[str, str, list[list[str]]]] = [
    ("shell-form", "RUN npm ci && a 'b c'\n", [["npm", "ci"], ["a", "'b c'"]]),
    ("no-line-end", "RUN npm ci", [["npm", "ci"]]),
    ("flags-are-no-words", "RUN --mount=type=cache,target=/c --network=none a b\n", [["a", "b"]]),
    ("continued", "RUN a \\\n  b \\\n  && c\n", [["a", "b"], ["c"]]),
    ("comment-in-continuation", "RUN a \\\n# x && y\n  b\n", [["a", "b"]]),
    ("blank-line-in-continuation", "RUN a \\\n\n  b\n", [["a", "b"]]),
    ("comment-lines-between-commands", "RUN a && \\\n  # one\n  # two\n  b\n", [["a"], ["b"]]),
    ("word-across-lines", "RUN a b\\\nc d\n", [["a", "b\\\nc", "d"]]),
    ("string-across-lines", 'RUN a "b \\\n c"\n', [["a", '"b \\\n c"']]),
    ("carriage-returns", "RUN a \\\r\n  b && c\r\n", [["a", "b"], ["c"]]),
    ("backtick-escape", "# escape=`\nRUN a `\n  b\\c\n", [["a", "b\\c"]]),
    ("non-ascii-before", "# ä😀\nRUN ä 😀 'ü' b\n", [["ä", "😀", "'ü'", "b"]]),
    ("lower-case", "run a\n", [["a"]]),
    ("comment-behind", "RUN a # b\n", [["a"]]),
    ("heredoc-is-the-script", "RUN <<EOF\na b\nc && d\nEOF\n", [["a", "b"], ["c"], ["d"]]),
    ("heredoc-with-quoted-name", "RUN <<'EOF'\na $x\nEOF\n", [["a", "$x"]]),
    ("heredoc-with-name-of-two-words", 'RUN <<"E F"\na b\nE F\n', [["a", "b"]]),
    ("heredoc-without-tabs", "RUN <<-EOF\n\ta b\n\t\tc\n\tEOF\n", [["a", "b"], ["c"]]),
    ("heredoc-with-continuation", "RUN <<EOF\na \\\n b\nEOF\n", [["a", "b"]]),
    ("heredoc-with-shebang", "RUN <<EOF\n#!/bin/bash -e\na b\nEOF\n", [["a", "b"]]),
    ("heredoc-with-env-shebang", "RUN <<EOF\n#!/usr/bin/env -S bash -e\na b\nEOF\n", [["a", "b"]]),
    ("heredoc-in-heredoc", "RUN <<EOF\ncat <<E > f\nx\nE\na\nEOF\n", [["cat"], ["a"]]),
    ("heredoc-for-a-command", "RUN cat <<EOF > /f && a\nx\nEOF\n", [["cat"], ["a"]]),
    ("heredoc-before-its-command", "RUN <<EOF bash -e\na\nEOF\n", [["bash", "-e"]]),
    ("two-heredocs", "RUN a <<A && b <<B\nx\nA\ny\nB\n", [["a"], ["b"]]),
    ("substitution-in-heredoc", "RUN cat <<EOF\n$(a b)\nEOF\n", [["cat"], ["a", "b"]]),
    ("exec-form", 'RUN ["npm", "ci", "a b"]\n', [['"npm"', '"ci"', '"a b"']]),
    ("exec-form-over-lines", 'RUN ["npm", \\\n  "ci"]\n', [['"npm"', '"ci"']]),
]


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in SPANS], ids=[case[0] for case in SPANS]
)
@pytest.mark.parametrize("above", ["", "FROM a\n\n# b\n"], ids=["first", "further-down"])
def test_spans(text: str, above: str, expected: list[list[str]]) -> None:
    if text.startswith("# escape"):
        directive, _, text = text.partition("\n")
        above = f"{directive}\n{above}"
    dockerfile, script = run(above + text)
    assert isinstance(script, Script), script
    found = [[dockerfile.text(word.span) for word in each.words] for each in script.commands]
    assert found == expected


def test_redirections_and_assignments_have_spans() -> None:
    dockerfile, script = run('RUN A=1 \\\n B="c" cmd > \\\n  /f\n')
    assert isinstance(script, Script)
    (command,) = script.commands
    assert [dockerfile.text(each.span) for each in command.assignments] == ["A=1", 'B="c"']
    assert [dockerfile.text(each.span) for each in command.redirections] == ["> \\\n  /f"]
    assert dockerfile.text(command.span) == 'A=1 \\\n B="c" cmd > \\\n  /f'


def test_exec_form_is_not_read_by_a_shell() -> None:
    _, script = run('RUN ["a", "$x", "&&", "*", "", "b\\"c"]\n')
    assert isinstance(script, Script)
    (command,) = script.commands
    assert command.fields({}) == ("a", "$x", "&&", "*", "", 'b"c')
    assert script.options.name == "exec"


def test_broken_json_is_shell_form() -> None:
    _, script = run('RUN ["a", b]\n')
    assert isinstance(script, Script)
    assert [word.literal for word in script.commands[0].words] == ["[a,", "b]"]


def test_inner_instruction_of_onbuild() -> None:
    text = "FROM a\nONBUILD RUN npm ci\n"
    dockerfile, _ = runs(text)
    inner = dockerfile.instructions[1].inner
    assert inner is not None
    script = read_run(dockerfile, inner)
    assert isinstance(script, Script)
    assert [dockerfile.text(word.span) for word in script.commands[0].words] == ["npm", "ci"]


# id, SHELL, the options of the shell
SHELLS: list[tuple[str, tuple[str, ...], ShellOptions]] = [
    ("default", DEFAULT_SHELL, ShellOptions("sh")),
    ("bash", ("/bin/bash", "-c"), ShellOptions("bash")),
    ("name-alone", ("dash", "-c"), ShellOptions("dash")),
    ("busybox-ash", ("/bin/ash", "-c"), ShellOptions("ash")),
    ("busybox-applet", ("/bin/busybox", "sh", "-c"), ShellOptions("sh")),
    ("behind-env", ("/usr/bin/env", "bash", "-c"), ShellOptions("bash")),
    ("errexit", ("/bin/sh", "-e", "-c"), ShellOptions("sh", errexit=True)),
    ("cluster", ("/bin/sh", "-euxc"), ShellOptions("sh", errexit=True)),
    ("pipefail", ("/bin/bash", "-o", "pipefail", "-c"), ShellOptions("bash", pipefail=True)),
    ("cluster-and-name", ("/bin/bash", "-exo", "pipefail", "-c"), ShellOptions("bash", True, True)),
    ("errexit-by-name", ("sh", "-o", "errexit", "-c"), ShellOptions("sh", errexit=True)),
    ("errexit-off-again", ("sh", "-e", "+e", "-c"), ShellOptions("sh")),
    ("login", ("/bin/bash", "--login", "-c"), ShellOptions("bash", startup_files=True)),
    ("login-letter", ("/bin/bash", "-lc"), ShellOptions("bash", startup_files=True)),
    ("interactive", ("/bin/bash", "-ic"), ShellOptions("bash", startup_files=True)),
    ("init-file", ("bash", "--rcfile", "f", "-c"), ShellOptions("bash", startup_files=True)),
    ("no-profile", ("bash", "--noprofile", "--norc", "-c"), ShellOptions("bash")),
    ("other-options", ("bash", "-u", "-x", "-c"), ShellOptions("bash")),
]


@pytest.mark.parametrize(
    ("shell", "expected"), [case[1:] for case in SHELLS], ids=[case[0] for case in SHELLS]
)
def test_shells(shell: tuple[str, ...], expected: ShellOptions) -> None:
    _, script = run("RUN a b", *shell)
    assert isinstance(script, Script)
    assert script.options == expected
    assert script.text == "a b"


# id, Dockerfile, SHELL, a part of the reason
OPAQUE: list[tuple[str, str, tuple[str, ...], str]] = [
    ("powershell", "RUN a", ("powershell", "-Command"), "PowerShell"),
    ("powershell-path", "RUN a", ("C:\\Windows\\PowerShell.EXE", "-c"), "PowerShell"),
    ("pwsh", "RUN a", ("pwsh", "-c"), "PowerShell"),
    ("cmd", "RUN a", ("cmd", "/S", "/C"), "cmd"),
    ("zsh", "RUN a", ("/bin/zsh", "-c"), "/bin/zsh -c"),
    ("python", "RUN a", ("python3", "-c"), "python3 -c"),
    ("conda", "RUN a", ("conda", "run", "-n", "x", "/bin/bash", "-c"), "conda run"),
    ("no-dash-c", "RUN a", ("/bin/sh",), "/bin/sh"),
    ("unknown-option", "RUN a", ("/bin/sh", "-Z", "-c"), "-Z"),
    ("noexec", "RUN a", ("/bin/sh", "-n", "-c"), "-n"),
    ("empty", "RUN a", (), "script for"),
    ("powershell-called", "RUN powershell -Command `ls`", DEFAULT_SHELL, "PowerShell"),
    ("powershell-called-by-path", "RUN C:\\x\\powershell.exe ls", DEFAULT_SHELL, "PowerShell"),
    ("cmd-called", "RUN cmd /C dir & echo %x%", DEFAULT_SHELL, "cmd"),
    ("powershell-exec-form", 'RUN ["powershell", "ls"]', DEFAULT_SHELL, "PowerShell"),
    ("cmd-exec-form", 'RUN ["cmd.exe", "/S", "/C", "dir"]', DEFAULT_SHELL, "cmd"),
    ("powershell-heredoc", "RUN <<E\nls\nE\n", ("powershell",), "PowerShell"),
    ("python-heredoc", "RUN <<E\n#!/usr/bin/env python3\nx\nE\n", DEFAULT_SHELL, "python3"),
    ("bare-shebang", "RUN <<E\n#!\nx\nE\n", DEFAULT_SHELL, "program"),
    ("nul", "RUN a\0", DEFAULT_SHELL, "NUL"),
    ("syntax", "RUN (a", DEFAULT_SHELL, "syntax"),
]


@pytest.mark.parametrize(
    ("text", "shell", "reason"), [case[1:] for case in OPAQUE], ids=[case[0] for case in OPAQUE]
)
def test_opaque(text: str, shell: tuple[str, ...], reason: str) -> None:
    dockerfile, instructions = runs(text)
    script = read_run(dockerfile, instructions[0], shell)
    assert isinstance(script, OpaqueScript)
    assert reason in script.reason


def test_empty_shell_is_opaque() -> None:
    dockerfile, (instruction,) = runs("RUN a")
    assert isinstance(read_run(dockerfile, instruction, ()), OpaqueScript)


def test_place_of_a_syntax_error_lies_in_the_file() -> None:
    dockerfile, script = run("FROM a\nRUN a \\\n # b\n ) c\n")
    assert isinstance(script, OpaqueScript)
    assert script.span is not None
    assert dockerfile.text(script.span) == ")"


def test_shebang_options_hold_for_the_script() -> None:
    _, script = run("RUN <<E\n#!/bin/bash -e\na\nE\n", "/bin/sh", "-c")
    assert isinstance(script, Script)
    assert script.options == ShellOptions("bash", errexit=True)


def test_words_of_a_heredoc_with_carriage_returns_keep_them() -> None:
    _, script = run("RUN <<E\r\nnpm ci\r\nE\r\n")
    assert isinstance(script, Script)
    assert script.commands[0].fields({}) == ("npm", "ci\r")


def test_span_of_a_whole_script() -> None:
    dockerfile, script = run("RUN a && b\n")
    assert isinstance(script, Script)
    assert script.source.at(0, len(script.text)) == Span(4, 10)
    assert dockerfile.text(Span(4, 10)) == "a && b"
