"""Which files of a stage can get into the image of the target."""

from __future__ import annotations

import pytest

from tests.effects.views import view_of

PATHS = ("/go/pkg", "/root/.cache", "/src/out")
BUILD = "FROM golang:1.24 AS build\nRUN go build\n"


@pytest.mark.parametrize(
    ("below", "reach"),
    [
        ("", PATHS),
        ("FROM build\n", PATHS),
        ("FROM build AS more\nFROM more\n", PATHS),
        ("FROM scratch\nCOPY --from=build /bin/app /app\n", ()),
        ("FROM scratch\nCOPY --from=build /src /src\n", ("/src/out",)),
        ("FROM scratch\nCOPY --from=build /go/pkg/mod /m\n", ("/go/pkg",)),
        ("FROM scratch\nCOPY --from=build / /\n", PATHS),
        ("FROM scratch\nCOPY --from=build /root/.[c]ache/x /x\n", ("/root/.cache",)),
        ("FROM build AS more\nFROM scratch\nCOPY --from=more /go/pkg /x\n", ("/go/pkg",)),
        ("FROM debian\nRUN --mount=from=build,target=/m cp -r /m/a /a\n", PATHS),
        ("FROM debian\nRUN --mount=from=build,source=/go,target=/m true\n", ("/go/pkg",)),
        ("FROM scratch\nCOPY --from=build $WHAT /x\n", PATHS),
        ("FROM scratch AS unused\nCOPY --from=build / /\nFROM scratch\n", ()),
    ],
)
def test_what_a_stage_writes_reaches_the_image_only_where_it_is_taken(
    below: str, reach: tuple[str, ...]
) -> None:
    view = view_of(BUILD + below)

    assert view.reach_the_image(view.stages.stages[0], PATHS) == reach
