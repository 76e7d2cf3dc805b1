"""The stages below the target say whose file is missing; they are built only to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from optimizer.model.stages import Invocation
from optimizer.verify.builders import Built, Failed, Order, Watch
from optimizer.verify.closure import closure
from optimizer.verify.image import Entry, Facts, Image
from optimizer.verify.judge import Builds
from optimizer.verify.stage_images import MOST_STAGES, StageImages, below_target
from tests.verify.rootfs_images import image

PROGRAM = Entry("file", 0o755, 0, 0, facts=Facts(("libpq.so.5",), None, (), "EM_X86_64/64"))
LIBRARY = Entry("file", 0o644, 0, 0, facts=Facts(machine="EM_X86_64/64"))
LIBPQ: dict[str, bytes | str | Entry] = {
    "/usr/lib/libpq.so.5": LIBRARY,
    "/var/lib/dpkg/info/libpq5:amd64.list": "/usr/lib/libpq.so.5\n",
}
FULL = image({"/app": PROGRAM, "/usr/lib/libpq.so.5": LIBRARY})
"""An original that has the library, and nothing that says where it is from."""
SLIM = image({"/app": PROGRAM})


@dataclass
class Fake:
    """Gives an image for each target; one that it does not have does not build."""

    images: Mapping[str | None, Image]
    name: str = "fake"
    run_command: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)

    def check(self) -> None: ...

    def build(self, order: Order, watch: Watch) -> Built:
        self.orders.append(order)
        found = self.images.get(order.invocation.target)
        failed = Failed("error", "no such stage") if found is None else None
        return Built(found, None, 1.0, failed=failed)

    def image_bytes(self, image: str) -> int | None:
        return None

    def remove(self, built: Built) -> None: ...


TWO = """\
FROM python:3.11 AS deps
RUN pip install psycopg2
FROM deps AS build
RUN make
FROM node:22 AS unused
FROM python:3.11-slim
COPY --from=build /app /app
"""


def builds(fake: Fake) -> Builds:
    return Builds(fake, lambda which: lambda progress: None)


def labels(text: str, target: str | None = None) -> list[str]:
    order = Order(text, Path(), Invocation(target))
    return [stage.label for stage in below_target(order)]


def test_stages_are_those_that_the_target_takes_from() -> None:
    assert labels(TWO) == ["build", "deps"]
    assert labels(TWO, "build") == ["deps"]
    assert labels("FROM python\n") == []


def test_the_package_of_a_missing_library_is_that_of_the_stage() -> None:
    fake = Fake({None: SLIM, "build": image(LIBPQ), "deps": image({})})
    made = builds(fake)
    after = made.make(Order(TWO, Path()), "rewrite")
    verdict = closure(StageImages(made))(Built(FULL, None, 1.0), after)
    assert [(each.message, each.package) for each in verdict.findings] == [
        (
            "libpq.so.5 is missing: /app needs it; in stage `build` the package libpq5 owns it",
            "libpq5",
        )
    ]
    assert [(order.invocation.target, order.cold) for order in fake.orders[1:]] == [
        ("build", False),
        ("deps", False),
    ]
    assert len(made.made) == len(fake.orders)


def test_nothing_is_built_where_nothing_is_missing() -> None:
    fake = Fake({None: FULL})
    made = builds(fake)
    after = made.make(Order(TWO, Path()), "rewrite")
    assert closure(StageImages(made))(Built(FULL, None, 1.0), after).outcome == "kept"
    assert len(fake.orders) == 1


def test_a_stage_that_does_not_build_is_not_asked() -> None:
    fake = Fake({None: SLIM, "deps": image(LIBPQ)})
    made = builds(fake)
    after = made.make(Order(TWO, Path()), "rewrite")
    (finding,) = closure(StageImages(made))(Built(FULL, None, 1.0), after).findings
    assert "in stage `deps` the package libpq5 owns it" in finding.message


def test_not_every_stage_of_many_is_built() -> None:
    stages = "".join(f"FROM a AS s{number}\n" for number in range(20))
    copies = "".join(f"COPY --from=s{number} /x /x\n" for number in range(20))
    fake = Fake({None: SLIM})
    made = builds(fake)
    after = made.make(Order(f"{stages}FROM b\n{copies}", Path()), "rewrite")
    closure(StageImages(made))(Built(FULL, None, 1.0), after)
    assert len(fake.orders) == 1 + MOST_STAGES


def test_what_was_built_elsewhere_has_no_stages() -> None:
    assert StageImages(builds(Fake({})))(Built(SLIM, None, 1.0)) == {}
