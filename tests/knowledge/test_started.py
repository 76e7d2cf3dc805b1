"""What sources of each language start, and that no source ends or stops the reading."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.knowledge.installs import HOLE
from optimizer.knowledge.started import ANYTHING, LANGUAGES, LONGEST, Started, started

X, ANY = HOLE, ANYTHING
SP = "import subprocess\n"
CP = 'const cp = require("child_process");\n'
GO = 'package a\nimport "os/exec"\n'
SYMFONY = "<?php use Symfony\\Component\\Process\\Process;\n"

COMMANDS = [
    ("py list", ".py", SP + 'subprocess.run(["git", "log", x])', [("git", "log", X)]),
    ("py alias", ".py", 'import subprocess as s\ns.call(["git"])', [("git",)]),
    ("py from", ".py", 'from subprocess import Popen as P\nP(["git"])', [("git",)]),
    ("py star", ".py", 'from subprocess import *\ncheck_output(["git"])', [("git",)]),
    ("py a text is a program", ".py", SP + 'subprocess.run("git")', [("git",)]),
    ("py args=", ".py", SP + 'subprocess.run(args=("git", "x"))', [("git", "x")]),
    ("py executable=", ".py", SP + 'subprocess.run(["x"], executable="git")', [("git",), ("x",)]),
    ("py constant", ".py", SP + 'GIT = "git"\ndef f():\n  subprocess.run([GIT, *a])', [("git",)]),
    ("py attribute", ".py", SP + 'class A:\n g = "git"\n def f(self): subprocess.run([self.g])',
     [("git",)]),
    ("py both", ".py", SP + 'c = ["a"]\nif x:\n  c = ["b"]\nsubprocess.run(c)', [("a",), ("b",)]),
    ("py either", ".py", SP + 'subprocess.run(["a"] if x else ["b"])', [("a",), ("b",)]),
    ("py added to", ".py", SP + 'c = ["a"]\nc += x\nc.append(y)\nsubprocess.run(c)', [("a",)]),
    ("py concatenated", ".py", SP + 'subprocess.run(["a"] + x)', [("a",)]),
    ("py the interpreter", ".py", SP + 'subprocess.run([sys.executable, "m.py"])',
     [("python", "m.py")]),
    ("py exec", ".py", 'import os\nos.execvp("git", ["git", "log"])', [("git", "log")]),
    ("py spawn", ".py", 'import os\nos.spawnlp(os.P_WAIT, "git", "git", "x")',
     [("git", "git", "x")]),
    ("py asyncio", ".py", 'import asyncio\nawait asyncio.create_subprocess_exec("git", *a)',
     [("git",)]),
    ("py which", ".py", 'import shutil\nif shutil.which("git"): pass', [("git",)]),
    ("py sh", ".py", 'from sh import git, ErrorReturnCode\ngit("log")', [("git", "log")]),
    ("py sh dashes", ".py", 'import sh\nsh.apt_get("x")', [("apt-get", "x")]),
    ("py plumbum", ".py", 'from plumbum import local\nlocal["git"]()', [("git",)]),
    ("py plumbum.cmd", ".py", "from plumbum.cmd import git\ngit()", [("git",)]),
    ("py pexpect", ".py", 'import pexpect\npexpect.spawn("ssh host")', [("ssh", "host")]),
    ("py shlex", ".py", SP + 'import shlex\nsubprocess.run(shlex.split("git log"))',
     [("git", "log")]),
    ("py annotation", ".py", SP + "def f(p: subprocess.Popen): isinstance(p, subprocess.Popen)",
     []),
    ("py other run", ".py", "from x import run\nrun(y)\nasyncio.run(main())", []),
    ("py syntax of 3.12", ".py", SP + 'type A = int\nsubprocess.run([f"{x["a"]}/git"])',
     [(f"{X}/git",)]),
    ("py 2", ".py", SP + 'print "x"\nsubprocess.call(["git"])', [("git",)]),
    ("js spawn", ".js", CP + 'cp.spawn("git", ["log"])', [("git", "log")]),
    ("js destructured", ".js", 'const {spawn: s} = require("node:child_process"); s("git")',
     [("git",)]),
    ("js of require", ".js", 'require("child_process").execFileSync("git", ["x"])', [("git", "x")]),
    ("ts import", ".ts", 'import {execFile} from "child_process"; execFile("git")', [("git",)]),
    ("ts namespace", ".ts", 'import * as c from "child_process"; c.spawn("git", a as string[])',
     [("git",)]),
    ("ts cast", ".ts", 'import {spawn} from "child_process"; const a = <any>b; spawn("git")',
     [("git",)]),
    ("tsx", ".tsx", 'import {spawn} from "child_process"; const a = <b>{spawn("git")}</b>',
     [("git",)]),
    ("js promisified", ".js",
     'const run = util.promisify(require("child_process").execFile); run("git")', [("git",)]),
    ("js execa", ".mjs", 'import {execa} from "execa"; await execa("git", ["log"])',
     [("git", "log")]),
    ("js execa template", ".mjs", 'import {$} from "execa"; await $`git log ${x}`',
     [("git", "log", X)]),
    ("js execa old", ".js", 'const execa = require("execa"); execa.sync("git")', [("git",)]),
    ("js execa command", ".js", 'const execa = require("execa"); execa.command("git log")',
     [("git", "log")]),
    ("js cross-spawn", ".js", 'const spawn = require("cross-spawn"); spawn.sync("git")',
     [("git",)]),
    ("js fork", ".js", CP + "cp.fork(path.join(__dirname, 'w.js'))", [("node", X)]),
    ("js node", ".js", CP + "cp.spawn(process.execPath, [])", [("node",)]),
    ("js either", ".js", CP + 'cp.spawn(x ? "a" : "b")', [("a",), ("b",)]),
    ("js bun", ".ts", 'Bun.spawn(["git", "log"]); Bun.spawn({cmd: ["ls"]})',
     [("git", "log"), ("ls",)]),
    ("js deno", ".ts", 'new Deno.Command("git", {args: ["x"]}).output()', [("git",)]),
    ("js another exec", ".js", CP + "/x/.exec(y); db.exec(z)", []),
    ("go", ".go", GO + 'func f() { exec.Command("git", "log", x).Run() }', [("git", "log", X)]),
    ("go context", ".go", GO + 'func f() { exec.CommandContext(c, "git") }', [("git",)]),
    ("go renamed", ".go", 'package a\nimport e "os/exec"\nfunc f() { e.LookPath("git") }',
     [("git",)]),
    ("go const", ".go", GO + 'const b = "git"\nfunc f() { exec.Command(b, a...) }', [("git",)]),
    ("go list", ".go", GO + 'func f() { a := []string{"-c", "x"}; exec.Command("sh", a...) }',
     [("sh", "-c", "x")]),
    ("go exec", ".go", 'package a\nimport "syscall"\nfunc f() { syscall.Exec("/bin/git", a, e) }',
     [("/bin/git",)]),
    ("go other exec", ".go", 'package a\nimport "x/exec"\nfunc f() { syscall.Kill(1, 2) }', []),
    ("rb system", ".rb", 'system("git", "log")', [("git", "log")]),
    ("rb a plain word", ".rb", 'system "git"', [("git",)]),
    ("rb open3", ".rb", 'out, s = Open3.capture2e("git", *args)', [("git",)]),
    ("rb popen", ".rb", 'IO.popen(["git", "log"])', [("git", "log")]),
    ("rb env", ".rb", 'spawn({"A" => "b"}, "git", chdir: "/")', [("git",)]),
    ("rb instance", ".rb", '@bin = "git"\nsystem(@bin, "x")', [("git", "x")]),
    ("rb database", ".rb", 'conn.exec("select 1"); job.system("x")', []),
    ("php process", ".php", SYMFONY + 'new Process(["git", $x]);', [("git", X)]),
    ("php mail", ".php", "<?php mail($a, $b, $c);", [("sendmail",)]),
    ("php other exec", ".php", "<?php curl_exec($h); $db->exec($sql);", []),
    ("java builder", ".java", 'class A { void f() { new ProcessBuilder("git", "log"); } }',
     [("git", "log")]),
    ("java list", ".java", 'class A { void f() { new ProcessBuilder(List.of("git", x)); } }',
     [("git", X)]),
    ("java exec", ".java", 'class A { void f() { Runtime.getRuntime().exec("git log"); } }',
     [("git", "log")]),
    ("java array", ".java",
     'class A { void f() { Runtime.getRuntime().exec(new String[]{"sh", "-c", x}); } }',
     [("sh", "-c", X)]),
    ("java command", ".java",
     'class A { void f() { ProcessBuilder p = new ProcessBuilder(); p.command("git"); } }',
     [("git",)]),
    ("rs", ".rs", 'use std::process::Command;\nfn f() { Command::new("git").arg(x); }', [("git",)]),
    ("rs tokio", ".rs", 'fn f() { tokio::process::Command::new("git"); }', [("git",)]),
    ("rs clap", ".rs", 'use clap::Command;\nfn f() { Command::new(name); }', []),
    ("cs start", ".cs", 'class A { void f() { Process.Start("git", "log"); } }', [("git",)]),
    ("cs info", ".cs", 'class A { void f() { new ProcessStartInfo { FileName = "git" }; } }',
     [("git",)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "text", "commands"),
    [case[1:] for case in COMMANDS],
    ids=[case[0] for case in COMMANDS],
)
def test_programs_that_are_named(suffix: str, text: str, commands: list[tuple[str, ...]]) -> None:
    found = started(suffix, text.encode())

    assert sorted(found.commands) == sorted(commands)
    assert found.opaque is None
    assert not found.needs_shell


SCRIPTS = [
    ("py shell=True", ".py", SP + 'subprocess.run("ls | wc", shell=True)', "ls | wc"),
    ("py list and shell", ".py", SP + 'subprocess.run(["ls | wc"], shell=True)', "ls | wc"),
    ("py system", ".py", 'import os\nos.system(f"git {x}")', f"git {ANY}"),
    ("py from os", ".py", 'from os import system\nsystem("git " + x)', f"git {ANY}"),
    ("py percent", ".py", 'import os\nos.popen("git %s" % x)', f"git {ANY}"),
    ("py format", ".py", 'import os\nos.system("git {}".format(x))', f"git {ANY}"),
    ("py joined", ".py", 'import os\nos.system(" ".join(["git", x]))', f"git {ANY}"),
    ("py async shell", ".py", 'import asyncio\nasyncio.create_subprocess_shell("git x")', "git x"),
    ("js exec", ".js", CP + "cp.exec(`git ${x}`, cb)", f"git {ANY}"),
    ("js promisified", ".ts",
     'import {exec} from "child_process"; const run = promisify(exec); run("git x")', "git x"),
    ("js shelljs", ".js", 'require("shelljs/global"); exec("git x")', "git x"),
    ("rb backticks", ".rb", "x = `git #{y}`", f"git {ANY}"),
    ("rb percent x", ".rb", "x = %x(git log)", "git log"),
    ("rb a line", ".rb", 'system("git log #{x}")', f"git log {ANY}"),
    ("php exec", ".php", '<?php exec("git $x");', f"git {ANY}"),
    ("php variable", ".php", '<?php $c = "git " . $x; shell_exec($c);', f"git {ANY}"),
    ("php backticks", ".php", "<?php $a = `git log`;", "git log"),
    ("php sprintf", ".php", "<?php passthru(sprintf('git %s', $x));", f"git {ANY}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "text", "script"), [case[1:] for case in SCRIPTS], ids=[case[0] for case in SCRIPTS]
)
def test_texts_that_go_to_a_shell(suffix: str, text: str, script: str) -> None:
    assert started(suffix, text.encode()) == Started(scripts=(script,))


UNKNOWN = [
    ("py parameter", ".py", SP + "def f(cmd):\n  subprocess.run(cmd)", 3),
    ("py loop", ".py", SP + 'c = ["a"]\nfor c in x:\n  subprocess.run(c)', 4),
    ("py put in front", ".py", SP + 'c = ["a"]\nc.insert(0, x)\nsubprocess.run(c)', 4),
    ("py handed on", ".py", SP + "pool.map(subprocess.run, x)", 2),
    ("py partly", ".py", 'import os\nos.system("git")\nos.system(x)', 3),
    ("py environment", ".py", SP + 'subprocess.run([os.environ["GIT"]])', 2),
    ("py half a name", ".py", SP + 'subprocess.run([f"git-{x}"])', 2),
    ("js variable", ".js", CP + "cp.spawn(cmd, args)", 2),
    ("js handed on", ".js", CP + "module.exports = { run: cp.spawn }", 2),
    ("js perhaps a shell", ".js", CP + "cp.spawn(x, {shell: true})", 2),
    ("go variable", ".go", GO + "func f(n string) {\n exec.Command(n)\n}", 4),
    ("go struct", ".go", GO + "func f() {\n c := exec.Cmd{Path: p}\n}", 4),
    ("rb variable", ".rb", "def f(c)\n  system(c)\nend", 2),
    ("rb sent", ".rb", "Kernel.send(:system, x)", 1),
    ("php variable", ".php", "<?php\nexec($cmd);", 2),
    ("java variable", ".java", "class A {\n void f(String c) { new ProcessBuilder(c); } }", 2),
    ("rs variable", ".rs", "use std::process::Command;\nfn f(p: &str) { Command::new(p); }", 2),
    ("cs variable", ".cs", "class A {\n void f(string c) { p.StartInfo.FileName = c; } }", 2),
    ("a language that is not read", ".c", 'int main() {\n return system("ls"); }', 2),
]  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "text", "line"), [case[1:] for case in UNKNOWN], ids=[case[0] for case in UNKNOWN]
)
def test_what_is_not_known_is_said_with_its_line(suffix: str, text: str, line: int) -> None:
    found = started(suffix, text.encode()).opaque

    assert found is not None
    assert found.line == line


def test_a_fault_of_syntax_around_a_start_is_unknown() -> None:
    text = SP + "x = (((\nsubprocess.run(['a'\n"

    assert started(".py", text.encode()).opaque is not None


def test_code_that_starts_nothing_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.knowledge.started.import_module", None)

    for suffix in LANGUAGES:
        assert started(suffix, b"x = open(y)\nprint(y)\n" * 100) == Started()


READ = (".py", ".ts", ".go", ".rb", ".php", ".java", ".rs", ".cs")
"""One suffix of each language that is parsed."""


@pytest.mark.parametrize("suffix", READ)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_source_raises(suffix: str, data: st.DataObject) -> None:
    pieces = ["subprocess", ".run(", "[", '"git"', ")", "exec(", "`", "${", "\n", "import ", "$x",
              "Command::new(", "system ", "\0", "\xff", "=", ",", "new Process(", "{",
              "}"]  # fmt: skip
    text = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=30)))

    found = started(suffix, text.encode("latin-1"))

    assert all(words and words[0] for words in found.commands)


@pytest.mark.parametrize("suffix", READ)
@pytest.mark.parametrize("nested", ["(", "[", "a.", "-", "{", "f(", "a+", '"" + '])
def test_deep_nesting_ends(suffix: str, nested: str) -> None:
    head = "import subprocess, child_process `system` Command ProcessBuilder exec( "

    started(suffix, (head + nested * 5_000).encode())


def test_a_source_that_is_too_long_is_unknown_only_where_it_names_something() -> None:
    padding = "x = 1\n" * (LONGEST // 6 + 1)

    assert started(".py", padding.encode()) == Started()
    assert started(".py", (padding + SP).encode()).opaque is not None


COMPILING = {
    "pyximport": b"import pyximport\npyximport.install()\n",
    "a decorator": b"import torch\n@torch.compile\ndef f(x): ...\n",
    "an extension": b"from torch.utils.cpp_extension import load_inline\nload_inline('x')\n",
}


@pytest.mark.parametrize("source", COMPILING.values(), ids=COMPILING)
def test_python_that_compiles_while_it_runs_starts_the_compiler(source: bytes) -> None:
    assert "cc" in started(".py", source).programs
    assert "cc" not in started(".py", b"import re\nre.compile('a')\n").programs


OF_THE_JDK = {
    "the compiler": b"class A { Object c = javax.tools.ToolProvider.getSystemJavaCompiler(); }",
    "its own classes": b"import com.sun.tools.javac.Main;\nclass A { }\n",
    "the shell": b"import jdk.jshell.JShell;\nclass A { }\n",
    "the debugger": b"import com.sun.jdi.Bootstrap;\nclass A { }\n",
}


@pytest.mark.parametrize("source", OF_THE_JDK.values(), ids=OF_THE_JDK)
def test_java_that_uses_tools_of_the_jdk_starts_them(source: bytes) -> None:
    assert "javac" in started(".java", source).programs
    assert started(".kt", source).opaque is not None


def test_messages_of_annotation_processors_need_no_jdk() -> None:
    source = b"import javax.tools.Diagnostic;\nclass A { Object k = Diagnostic.Kind.ERROR; }\n"

    assert started(".java", source) == Started()
