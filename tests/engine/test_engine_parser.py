"""Our parser and the engine's agree on which Dockerfiles are Dockerfiles, and where one is not."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from tests.engine.check import Verdict, judge, without_syntax_line
from tests.engine.daemon import Engine

pytestmark = pytest.mark.engine

SAMPLE = 100
"""How many corpus files are asked about; each takes the engine a quarter of a second."""

EDGE_CASES = {
    "empty-file": b"",
    "only-comments": b"# nothing\n",
    "only-arguments": b"ARG a=1\nARG b\n",
    "only-blank-lines": b"\n \n\t\n",
    "no-from": b"RUN true\n",
    "arg-before-from": b"ARG A=1\nFROM scratch\n",
    "env-before-from": b"ENV A=1\nFROM scratch\n",
    "unknown-instruction": b"FROM scratch\nBOGUS x\n",
    "lower-case-keywords": b"from scratch\nrun true\n",
    "from-without-image": b"FROM\n",
    "from-with-two-words": b"FROM a b\n",
    "from-with-bad-stage-name": b"FROM a AS 1b\n",
    "from-with-reserved-stage-name": b"FROM a AS scratch\n",
    "from-with-a-digit-later": b"FROM a AS b-1.c_d\n",
    "from-with-upper-case-stage-name": b"FROM a AS Build\n",
    "from-with-unknown-flag": b"FROM --nope=1 a\n",
    "from-with-platform-without-value": b"FROM --platform a\n",
    "same-stage-name-twice": b"FROM a AS x\nFROM b AS x\n",
    "run-empty": b"FROM scratch\nRUN\n",
    "run-empty-json": b"FROM scratch\nRUN []\n",
    "run-bad-json-is-shell": b"FROM scratch\nRUN ['a']\n",
    "run-mount-of-unknown-type": b"FROM scratch\nRUN --mount=type=foo x\n",
    "run-mount-unknown-key": b"FROM scratch\nRUN --mount=type=cache,target=/a,nope=1 x\n",
    "run-mount-without-target": b"FROM scratch\nRUN --mount=type=cache x\n",
    "run-mount-bad-sharing": b"FROM scratch\nRUN --mount=type=cache,target=/a,sharing=no x\n",
    "run-mount-with-variable": b"FROM scratch\nARG T\nRUN --mount=type=$T,target=/a x\n",
    "run-network-unknown": b"FROM scratch\nRUN --network=foo x\n",
    "run-unknown-flag": b"FROM scratch\nRUN --nope x\n",
    "run-flag-twice": b"FROM scratch\nRUN --network=none --network=none x\n",
    "run-flag-behind-the-command": b"FROM scratch\nRUN x --nope\n",
    "run-shift-is-a-heredoc": b"FROM scratch\nRUN echo $((1 << 3))\n",
    "run-shift-without-blank": b"FROM scratch\nRUN echo $((1<<3))\n",
    "run-heredoc": b"FROM scratch\nRUN <<E\nx\nE\n",
    "run-heredoc-open": b"FROM scratch\nRUN <<E\nx\n",
    "run-heredoc-end-without-newline": b"FROM scratch\nRUN <<E\nx\nE",
    "run-heredoc-end-with-blank": b"FROM scratch\nRUN <<E\nx\nE \n",
    "run-heredoc-chomp-with-tab": b"FROM scratch\nRUN <<-E\n\tx\n\tE\n",
    "run-heredoc-tab-without-chomp": b"FROM scratch\nRUN <<E\n\tx\n\tE\n",
    "run-two-heredocs": b"FROM scratch\nRUN cat <<A <<B\na\nA\nb\nB\n",
    "run-quoted-heredoc-with-blank": b"FROM scratch\nRUN <<'a b'\nx\na b\n",
    "run-here-string": b"FROM scratch\nRUN cat <<<EOF\n",
    "run-heredoc-behind-a-lexer-error": b"FROM scratch\nRUN echo don't <<E\nRUN x\n",
    "run-heredoc-body-turned-into-instructions": b"FROM scratch\nRUN echo don't <<E\nx\nE\n",
    "run-heredoc-in-json": b'FROM scratch\nRUN ["cat", "<<E"]\nE\n',
    "copy-heredoc": b"FROM scratch\nCOPY <<E /x\na\nE\n",
    "copy-heredoc-as-destination": b"FROM scratch\nCOPY a <<E\na\nE\n",
    "add-heredoc": b"FROM scratch\nADD <<E /x\na\nE\n",
    "env-heredoc-is-text": b"FROM scratch\nENV A <<E\n",
    "onbuild-heredoc": b"FROM scratch\nONBUILD RUN <<E\nx\nE\n",
    "onbuild-copy-heredoc": b"FROM scratch\nONBUILD COPY <<E /x\nx\nE\n",
    "copy-one-argument": b"FROM scratch\nCOPY a\n",
    "copy-no-argument": b"FROM scratch\nCOPY\n",
    "copy-json": b'FROM scratch\nCOPY ["a b", "/c d"]\n',
    "copy-json-one": b'FROM scratch\nCOPY ["a"]\n',
    "copy-unknown-flag": b"FROM scratch\nCOPY --nope a b\n",
    "copy-link-value": b"FROM scratch\nCOPY --link=false a b\n",
    "copy-link-bad-value": b"FROM scratch\nCOPY --link=nope a b\n",
    "copy-chmod-words": b"FROM scratch\nCOPY --chmod=u+x a b\n",
    "copy-chmod-nonsense": b"FROM scratch\nCOPY --chmod=nonsense a b\n",
    "copy-exclude-twice": b"FROM scratch\nCOPY --exclude=a --exclude=b . /c\n",
    "copy-checksum": b"FROM scratch\nCOPY --checksum=sha256:0 a b\n",
    "add-checksum": b"FROM scratch\nADD --checksum=sha256:0 a b\n",
    "add-keep-git-dir": b"FROM scratch\nADD --keep-git-dir=true a b\n",
    "add-from": b"FROM scratch\nADD --from=x a b\n",
    "copy-from-self": b"FROM scratch AS x\nCOPY --from=x a b\n",
    "copy-from-later": b"FROM scratch\nCOPY --from=y a b\nFROM scratch AS y\n",
    "workdir-none": b"FROM scratch\nWORKDIR\n",
    "workdir-two-words": b"FROM scratch\nWORKDIR a b\n",
    "user-none": b"FROM scratch\nUSER\n",
    "user-two-words": b"FROM scratch\nUSER a b\n",
    "volume-none": b"FROM scratch\nVOLUME\n",
    "volume-empty-json": b"FROM scratch\nVOLUME []\n",
    "volume-empty-string": b'FROM scratch\nVOLUME [""]\n',
    "expose-none": b"FROM scratch\nEXPOSE\n",
    "expose-nonsense": b"FROM scratch\nEXPOSE abc\n",
    "stopsignal-none": b"FROM scratch\nSTOPSIGNAL\n",
    "stopsignal-nonsense": b"FROM scratch\nSTOPSIGNAL NOPE\n",
    "env-none": b"FROM scratch\nENV\n",
    "env-name-only": b"FROM scratch\nENV a\n",
    "env-empty-name": b"FROM scratch\nENV =a\n",
    "env-mixed": b"FROM scratch\nENV a=b c\n",
    "env-old-spelling": b"FROM scratch\nENV a b c=d\n",
    "env-open-quote": b'FROM scratch\nENV a="b\n',
    "env-bad-substitution": b"FROM scratch\nENV a=${b\n",
    "env-unsupported-modifier": b"FROM scratch\nENV a=${b^^}\n",
    "label-none": b"FROM scratch\nLABEL\n",
    "label-name-only": b"FROM scratch\nLABEL a\n",
    "arg-none": b"FROM scratch\nARG\n",
    "arg-many": b"FROM scratch\nARG a b=1 c\n",
    "arg-empty-name": b"FROM scratch\nARG =1\n",
    "arg-with-old-spelling": b"FROM scratch\nARG a b\n",
    "cmd-none": b"FROM scratch\nCMD\n",
    "cmd-empty-json": b"FROM scratch\nCMD []\n",
    "entrypoint-none": b"FROM scratch\nENTRYPOINT\n",
    "shell-no-json": b"FROM scratch\nSHELL sh -c\n",
    "shell-empty": b"FROM scratch\nSHELL []\n",
    "shell-none": b"FROM scratch\nSHELL\n",
    "shell": b'FROM scratch\nSHELL ["sh", "-c"]\n',
    "healthcheck-none": b"FROM scratch\nHEALTHCHECK NONE\n",
    "healthcheck-none-with-words": b"FROM scratch\nHEALTHCHECK NONE x\n",
    "healthcheck-empty": b"FROM scratch\nHEALTHCHECK\n",
    "healthcheck-cmd-empty": b"FROM scratch\nHEALTHCHECK CMD\n",
    "healthcheck-unknown-type": b"FROM scratch\nHEALTHCHECK FOO x\n",
    "healthcheck-bad-interval": b"FROM scratch\nHEALTHCHECK --interval=x CMD y\n",
    "healthcheck-zero-interval": b"FROM scratch\nHEALTHCHECK --interval=0 CMD y\n",
    "healthcheck-tiny-interval": b"FROM scratch\nHEALTHCHECK --interval=1us CMD y\n",
    "healthcheck-bad-retries": b"FROM scratch\nHEALTHCHECK --retries=-1 CMD y\n",
    "healthcheck-none-with-flag": b"FROM scratch\nHEALTHCHECK --retries=1 NONE\n",
    "maintainer-none": b"FROM scratch\nMAINTAINER\n",
    "maintainer": b"FROM scratch\nMAINTAINER a b <c>\n",
    "onbuild-none": b"FROM scratch\nONBUILD\n",
    "onbuild-onbuild": b"FROM scratch\nONBUILD ONBUILD RUN x\n",
    "onbuild-from": b"FROM scratch\nONBUILD FROM x\n",
    "onbuild-maintainer": b"FROM scratch\nONBUILD MAINTAINER x\n",
    "onbuild-unknown": b"FROM scratch\nONBUILD BOGUS x\n",
    "onbuild-bad-argument": b"FROM scratch\nONBUILD WORKDIR\n",
    "onbuild-bad-flag": b"FROM scratch\nONBUILD COPY --nope a b\n",
    "continuation": b"FROM scratch\nRUN a \\\n b\n",
    "continuation-at-the-end": b"FROM scratch\nRUN a \\",
    "continuation-with-blank-behind": b"FROM scratch\nRUN a \\ \t\n b\n",
    "continuation-then-blank-line": b"FROM scratch\nRUN a \\\n\n b\n",
    "continuation-then-comment": b"FROM scratch\nRUN a \\\n# c\n b\n",
    "continuation-then-instruction": b"FROM scratch\nRUN a \\\nUSER\n",
    "continuation-inside-keyword": b"FROM scratch\nRU\\\nN a\n",
    "continuation-two-backslashes": b"FROM scratch\nRUN a \\\\\nUSER x\n",
    "continuation-no-break-space-line": "FROM scratch\nRUN a \\\n\u00a0\nUSER\n".encode(),
    "escape-backtick": b"# escape=`\nFROM scratch\nRUN a `\n b\n",
    "escape-backtick-old-continuation": b"# escape=`\nFROM scratch\nRUN a \\\nUSER\n",
    "escape-nonsense": b"# escape=x\nFROM scratch\n",
    "escape-twice": b"# escape=`\n# escape=`\nFROM scratch\n",
    "escape-after-comment": b"# a\n# escape=`\nFROM scratch\nRUN a `\nUSER\n",
    "escape-after-blank-line": b"\n# escape=`\nFROM scratch\nRUN a `\nUSER\n",
    "check-directive": b"# check=skip=all\nFROM scratch\n",
    "check-directive-error": b"# check=error=true\nFROM scratch\n",
    "unknown-directive": b"# foo=bar\n# escape=`\nFROM scratch\nRUN a `\nUSER\n",
    "crlf": b"FROM scratch\r\nRUN a \\\r\n b\r\n",
    "crlf-heredoc": b"FROM scratch\r\nRUN <<E\r\nx\r\nE\r\n",
    "byte-order-mark": b"\xef\xbb\xbfFROM scratch\n",
    "byte-order-mark-before-directive": b"\xef\xbb\xbf# escape=`\nFROM scratch\nRUN a `\n b\n",
    "no-final-newline": b"FROM scratch\nRUN a",
    "undecodable-bytes": b"FROM scratch\nRUN echo \xff\xfe\n",
    "undecodable-keyword": b"FROM scratch\n\xff\xfe x\n",
    "nul": b"FROM scratch\nRUN a\x00b\n",
    "form-feed-before-keyword": b"FROM scratch\n\x0cRUN a\n",
    "vertical-tab-before-keyword": b"FROM scratch\n\x0bRUN a\n",
    "no-break-space-before-keyword": "FROM scratch\n\u00a0RUN a\n".encode(),
    "unit-separator-before-keyword": b"FROM scratch\n\x1fRUN a\n",
    "no-break-space-behind-keyword": "FROM scratch\nRUN\u00a0a\n".encode(),
    "indented-comment": b"FROM scratch\n  # c\nRUN a\n",
    "comment-behind-instruction": b"FROM scratch # c\n",
    "line-of-65535": b"FROM scratch\nRUN " + b"a" * 65531 + b"\n",
    "line-of-65536": b"FROM scratch\nRUN " + b"a" * 65532 + b"\n",
    "line-of-70000": b"FROM scratch\nRUN " + b"a" * 69996 + b"\n",
    "long-logical-line": b"FROM scratch\nRUN " + b"a \\\n" * 30000 + b"b\n",
    "long-heredoc-line": b"FROM scratch\nRUN <<E\n" + b"a" * 70000 + b"\nE\n",
    "long-comment": b"#" * 70000 + b"\nFROM scratch\n",
}

ONLY_IN_OTHER_FRONTENDS = {
    "copy-parents": b"FROM scratch\nCOPY --parents a b\n",
    "run-security": b"FROM scratch\nRUN --security=sandbox x\n",
}
"""Flags that the engine's built-in frontend does not have and that a ``# syntax=`` line can
bring (BuildKit's labs channel), so that our parser has to let them pass."""

PLACES_OF_THE_SCAN = (
    "line greater than max",
    "parser directive",
    "escape token",
    "cannot be empty",
    "no stages to build",
)
"""Refusals for which BuildKit names the place its scan had reached, or none, not the fault's."""


def ours(dockerfile: bytes) -> Verdict:
    diagnostics = parse(Source.from_bytes("Dockerfile", dockerfile)).diagnostics
    if not diagnostics:
        return Verdict(True)
    return Verdict(False, diagnostics[0].message, diagnostics[0].line)


def disagreement(dockerfile: bytes, theirs: Verdict) -> str | None:
    """Says what differs between the engine's verdict and ours, or None where nothing does."""
    mine = ours(dockerfile)
    told = any(words in theirs.message + mine.message for words in PLACES_OF_THE_SCAN)
    if mine.accepted == theirs.accepted and (told or mine.line == theirs.line):
        return None
    return f"BuildKit: {theirs}; ours: {mine}"


def corpus_sample() -> list[Path]:
    folder = os.environ.get("DOCKOPT_CORPUS")
    if not folder:
        pytest.skip("DOCKOPT_CORPUS is not set: no folder with `dockerfiles/` to take a sample of")
    files = sorted(path for path in Path(folder, "dockerfiles").rglob("*") if path.is_file())
    return files[:: max(1, len(files) // SAMPLE)]


@pytest.fixture(scope="module")
def verdicts(engine: Engine) -> dict[str, Verdict]:
    """The engine's answers for the edge cases, asked two at a time."""
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda text: judge(engine, text), EDGE_CASES.values())
        return dict(zip(EDGE_CASES, answers, strict=True))


@pytest.mark.parametrize("reason", EDGE_CASES)
def test_edge_case_is_judged_alike(reason: str, verdicts: dict[str, Verdict]) -> None:
    assert disagreement(EDGE_CASES[reason], verdicts[reason]) is None


@pytest.mark.parametrize("reason", ONLY_IN_OTHER_FRONTENDS)
def test_flag_of_another_frontend_is_let_pass(reason: str, engine: Engine) -> None:
    theirs = judge(engine, ONLY_IN_OTHER_FRONTENDS[reason])
    assert "unknown flag" in theirs.message
    assert ours(ONLY_IN_OTHER_FRONTENDS[reason]).accepted


def test_corpus_sample_is_judged_alike(engine: Engine) -> None:
    files = corpus_sample()
    texts = [without_syntax_line(path.read_bytes()) for path in files]
    with ThreadPoolExecutor(2) as pool:
        theirs = list(pool.map(lambda text: judge(engine, text), texts))
    found = {
        path.name: disagreement(text, verdict)
        for path, text, verdict in zip(files, texts, theirs, strict=True)
    }
    assert len(files) >= SAMPLE
    assert {name: said for name, said in found.items() if said is not None} == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"FROM a\n", b"FROM a\n", id="no-directive"),
        pytest.param(b"# syntax=x\nFROM a\n", b"#\nFROM a\n", id="alone"),
        pytest.param(
            b"# syntax=x\n# escape=`\nFROM a\n", b"# escape=`\n#\nFROM a\n", id="above-another"
        ),
        pytest.param(b"# a\n# syntax=x\n", b"# a\n# syntax=x\n", id="below-a-comment"),
    ],
)
def test_syntax_line_is_taken_out(before: bytes, after: bytes) -> None:
    assert without_syntax_line(before) == after
