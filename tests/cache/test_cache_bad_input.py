"""Bad and very large input: an answer every time, and no more work than the input is long."""

from __future__ import annotations

import pytest

from optimizer.cache.contents import MOST_LOOKS
from optimizer.cache.model import CacheModel, ContextChange
from optimizer.cache.rerun import rerun
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.journal import ContextAnswer
from optimizer.model.stages import Invocation
from optimizer.view import Build, View

FILES = {"a": b"1", "d/b": b"2"}


def model_of(text: str, invocation: Invocation | None = None) -> CacheModel:
    context = BuildContext.from_listing({**FILES, "Dockerfile": text.encode()})
    tree = parse(Source("Dockerfile", text))
    build = Build(context, invocation or Invocation(), ContextAnswer(".", "a test"))
    return View(tree, build).cache


def texts(model: CacheModel, path: str = "a") -> list[str]:
    found = rerun(model, model.after(ContextChange(changed=(path,))))
    return [each.vertex.text for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RUN echo\n",
        "FROM a\n",
        "FROM a AS b\nFROM b\nFROM c\nCOPY --from=1 / /x\n",
        "FROM\nRUN a\nCOPY a\nCOPY\nADD\nWORKDIR\nUSER\n",
        "FROM b AS a\nCOPY --from=b / /\nFROM a AS b\nCOPY --from=a / /\n",
        "FROM a AS a\nRUN a\nCOPY --from=a / /x\n",
        "FROM x\nCOPY --from=nowhere /a /b\nCOPY --from=9 a b\n",
        "FROM x\nCOPY missing /x\nADD [a /x\nCOPY <<A <<B /x\n1\nA\n2\nB\n",
        "FROM x\nRUN --mount=type=bind,from=y,source=$X,target=$Y ls\nRUN --mount=type=cache ls\n",
        "FROM x\nENV =1\nENV $A=1\nARG\nARG =\nWORKDIR $A\nCOPY $A $B\nSHELL []\nRUN a\n",
        "FROM x\nRUN <<E\n",
        "FROM x\nONBUILD FROM y\nONBUILD COPY --from=z a b\nFROM 0\nRUN a\n",
        "FROM x AS p\nONBUILD COPY --from=q a b\nFROM x AS q\nRUN b\nFROM p\nRUN a\n",
    ],
)
def test_broken_files_have_an_answer(text: str) -> None:
    model = model_of(text)
    assert rerun(model, model) == ()
    texts(model)


def test_expansions_that_grow_without_end() -> None:
    lines = ["ENV A=xxxxxxxxxxxxxxxx", *["ENV A=$A$A$A$A"] * 60, "RUN a", "COPY $A /x"]
    model = model_of("FROM x\n" + "\n".join(lines) + "\n")
    assert len(model.vertices) == 2
    assert len(texts(model)) in (0, 1)


def test_ten_thousand_steps_with_as_many_variables() -> None:
    body = "".join(f"ENV A{n}={n}\nRUN echo {n} > /o{n}\n" for n in range(1500))
    body += "RUN true\n" * 5000
    model = model_of(f"FROM x AS s\nCOPY a /a\n{body}FROM x\nCOPY --from=s /o7 /x\nRUN last\n")
    found = texts(model)
    assert found[0] == "COPY a /a"
    assert "COPY --from=s /o7 /x" not in found
    assert len(found) == 6501


def test_many_reads_of_reads_stay_bounded() -> None:
    chain = "".join(f"RUN cat /o{n} /o{n} > /o{n + 1}\n" for n in range(2000))
    model = model_of(f"FROM x AS s\nCOPY a /o0\n{chain}FROM x\nCOPY --from=s /o2000 /x\n")
    assert texts(model)[-1] == "COPY --from=s /o2000 /x"
    copies = "".join(f"COPY --from=s /o{n} /x{n}\n" for n in range(1000))
    steps = "".join(f"RUN echo {n} > /o{n}\n" for n in range(2000))
    assert MOST_LOOKS < 2000 * 1000
    texts(model_of(f"FROM x AS s\nCOPY a /a\n{steps}FROM x\n{copies}"))


def test_ten_thousand_stages_on_each_other() -> None:
    stages = "FROM x AS s0\nCOPY a /a\n" + "".join(
        f"FROM s{n} AS s{n + 1}\nRUN echo {n}\n" for n in range(3000)
    )
    model = model_of(f"{stages}FROM x\nCOPY --from=s3000 /a /a\n")
    assert len(texts(model)) == 3002


def test_missing_context(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("empty") / "gone"
    tree = parse(Source("Dockerfile", "FROM x\nCOPY . /x\n"))
    build = Build(BuildContext(root), Invocation(), ContextAnswer(".", "a test"))
    model = View(tree, build).cache
    assert texts(model) == ["COPY . /x"]


def test_unknown_values_are_the_same_in_every_build_of_one_invocation() -> None:
    model = model_of("FROM x\nARG A\nENV B=$A$UNKNOWN\nCOPY $B /x\nRUN echo $B\n")
    assert texts(model, "nowhere") == []
