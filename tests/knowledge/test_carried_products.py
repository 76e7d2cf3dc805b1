"""Commands that carry on what a build left."""

from __future__ import annotations

import pytest

from optimizer.knowledge.products import Product
from tests.knowledge.products import asked, held, left

BUILT = ["/app/target/release/shop", "/app/target/release/worker"]
JAR = ["/app/target/shop-1.2.jar"]


@pytest.mark.parametrize(
    ("command", "made", "keeps", "replaces"),
    [
        ("cp target/release/shop /usr/local/bin/shop", BUILT, ["/usr/local/bin/shop"], [BUILT[0]]),
        ("cp target/release/shop /usr/local/bin", BUILT, ["/usr/local/bin/shop"], [BUILT[0]]),
        ("cp target/release/shop /usr/local/bin/", BUILT, ["/usr/local/bin/shop"], [BUILT[0]]),
        ("cp target/release/shop /out", BUILT, ["/out"], [BUILT[0]]),
        ("cp target/release/shop .", BUILT, ["/app/shop"], [BUILT[0]]),
        ("cp -a target/release/* /srv/bin/", BUILT, ["/srv/bin/shop", "/srv/bin/worker"], BUILT),
        ("cp target/release/shop target/release/worker /x", BUILT, ["/x/shop", "/x/worker"], BUILT),
        ("cp -t /x target/release/shop", BUILT, ["/x/shop"], [BUILT[0]]),
        ("mv target/release/shop /bin/shop", BUILT, ["/bin/shop"], [BUILT[0]]),
        ("mv server /bin/", ["/app/server"], ["/bin/server"], ["/app/server"]),
        ("cp server /bin/", ["/app/server"], ["/bin/server"], []),
        ("mv target /out", BUILT, ["/out"], BUILT),
        ("cp target/*.jar app.jar", JAR, ["/app/app.jar"], JAR),
        ("cp target/shop-*.jar /usr/local/tomcat/webapps/", JAR,
         ["/usr/local/tomcat/webapps/shop-1.2.jar"], JAR),
        ("install -m 755 target/release/shop /usr/bin/shop", BUILT, ["/usr/bin/shop"], [BUILT[0]]),
        ("install -Dm755 target/release/shop -t /usr/bin", BUILT, ["/usr/bin/shop"], [BUILT[0]]),
        ("strip target/release/shop", BUILT, [BUILT[0]], []),
        ("upx --best /app/target/release/*", BUILT, BUILT, []),
        ("rm -rf target", BUILT, [], BUILT),
    ],
)  # fmt: skip
def test_products_follow_what_carries_them(
    command: str, made: list[str], keeps: list[str], replaces: list[str]
) -> None:
    found = left(command, {"src/main.rs": ""}, made=made)

    assert list(found.keeps) == keeps
    assert sorted(found.replaces) == replaces
    assert not keeps or set(found.taken_from) >= {*replaces}


def test_what_the_container_names_stays_where_it_is() -> None:
    command = "cp target/release/shop /usr/local/bin/"

    assert left(command, {}, ["target/release/shop"], made=BUILT).replaces == ()


@pytest.mark.parametrize(
    "command",
    ["cp config.toml /etc/", "rm -rf src", "strip /usr/bin/other",
     "ln -s /app/target/release/shop /usr/bin/shop",
     "cp --odd target/release/shop /x", "mkdir /x", "install -d /x"],
)  # fmt: skip
def test_other_things_are_no_business_of_theirs(command: str) -> None:
    assert asked(command, {"config.toml": "", "src/main.rs": ""}, made=BUILT) is None


@pytest.mark.parametrize("command", ["cp target/release/HOLE /x", "cp target/release/shop /x/HOLE"])
def test_what_is_not_known_is_held(command: str) -> None:
    assert held(command, {}, made=BUILT).code == "product-not-known"


def test_what_is_carried_is_of_the_kind_that_it_was() -> None:
    program = Product(("/app/target/release/shop",), linking="static", ecosystem="crates",
                      packages=("ring",), needs=frozenset(("certificates",)))  # fmt: skip
    archive = Product(("/app/target/shop-1.2.jar",), interpreter="java")
    above = [program, archive]

    found = left("cp target/release/shop /usr/bin/", {}, made=BUILT, products=above)
    assert (found.linking, found.packages) == ("static", ("ring",))
    assert found.needs == {"certificates"}
    assert left("mv target/*.jar x.jar", {}, made=JAR, products=above).interpreter == "java"
    both = left("cp -r target /out", {}, made=[*BUILT, *JAR], products=above)
    assert both.linking == "unknown"
