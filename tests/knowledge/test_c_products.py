"""What builds of C and C++ leave for the run time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.knowledge.products import held, left

MAKEFILE = """\
CFLAGS ?= -O2
PREFIX ?= /usr/local
OBJECTS = src/main.o src/rle.o

rle: $(OBJECTS)
\t$(CC) $(LDFLAGS) -o $@ $(OBJECTS)

src/%.o: src/%.c src/rle.h
\t$(CC) $(CFLAGS) -c -o $@ $<

install: rle
\tinstall -D -m 755 rle $(DESTDIR)$(PREFIX)/bin/rle

clean:
\trm -f rle $(OBJECTS)

.PHONY: install clean
"""
APP = {"Makefile": MAKEFILE, "src/main.c": "", "src/rle.c": "", "src/rle.h": ""}


def made(makefile: str, command: str = "make", **options: Any) -> tuple[str, ...]:
    return left(command, {**APP, "Makefile": makefile}, **options).keeps


@pytest.mark.parametrize(
    ("command", "keeps"),
    [
        ("make", ["/app/rle"]),
        ("make -j4 CFLAGS=-O3", ["/app/rle"]),
        ("make install", ["/usr/local/bin/rle"]),
        ("make install PREFIX=/opt/rle", ["/opt/rle/bin/rle"]),
        ("make DESTDIR=/out install", ["/out/usr/local/bin/rle"]),
        ("make -C /app rle install", ["/usr/local/bin/rle"]),
        ("make clean", []),
        ("gcc -O2 -o rle src/main.c src/rle.c -lm", ["/app/rle"]),
        ("g++ -std=c++17 src/main.c -o/bin/x", ["/bin/x"]),
        ("x86_64-linux-gnu-gcc-12 src/main.c", ["/app/a.out"]),
        ("cc -c src/main.c -o main.o", []),
        ("gcc --version", []),
    ],
)  # fmt: skip
def test_programs_lie_where_they_are_linked_or_installed(command: str, keeps: list[str]) -> None:
    assert list(left(command, APP).keeps) == keeps


def test_what_is_installed_stands_for_what_was_linked() -> None:
    found = left("make install", APP, ["rle"], made=["/app/rle"])
    assert (found.keeps, found.replaces) == (("/usr/local/bin/rle",), ("/app/rle",))

    both = left("make install", APP, ["./rle"], made=["/app/rle"])
    assert set(both.keeps) == {"/usr/local/bin/rle", "/app/rle"}
    assert both.replaces == ()


def test_variables_of_the_environment_are_the_weakest() -> None:
    assert left("make install", APP, env={"PREFIX": "/srv"}).keeps == ("/srv/bin/rle",)
    fixed = MAKEFILE.replace("PREFIX ?=", "PREFIX :=")
    assert made(fixed, "make install", env={"PREFIX": "/srv"}) == ("/usr/local/bin/rle",)
    assert made(fixed, "make install PREFIX=/x") == ("/x/bin/rle",)


@pytest.mark.parametrize(
    ("recipe", "keeps"),
    [
        ("cp rle /usr/bin", ["/usr/bin/rle"]),
        ("cp rle /opt/thing", ["/opt/thing"]),
        ("mkdir -p /opt/thing && cp rle /opt/thing", ["/opt/thing/rle"]),
        ("install -d $(PREFIX)/libexec; install rle $(PREFIX)/libexec", ["/usr/local/libexec/rle"]),
        ("cp -r src /usr/share/rle/", ["/usr/share/rle/src"]),
        ("install -t /usr/bin rle", ["/usr/bin/rle"]),
        ("install -m 644 src/rle.h src/main.c /etc/rle", ["/etc/rle/rle.h", "/etc/rle/main.c"]),
        ("@echo done > /dev/null 2>&1", []),
        ("ln -sf rle /usr/bin/unrle", ["/usr/bin/unrle"]),
    ],
)
def test_recipes_are_followed(recipe: str, keeps: list[str]) -> None:
    assert list(made(f"PREFIX = /usr/local\ninstall:\n\t{recipe}\n", "make install")) == keeps


@pytest.mark.parametrize(
    "makefile",
    [
        "all:\n\t./generate.sh\n",
        "all:\n\tfor i in a b; do cp $$i /usr/bin; done\n",
        "all:\n\tcp $(shell ls) /usr/bin\n",
        "all:\n\tcp *.so /usr/lib\n",
        "all:\n\tpython3 gen.py > data.bin\n",
        "all:\n\techo x > /etc/rle.conf\n",
        "include rules.mk\nall:\n\ttrue\n",
        "ifdef X\nall:\n\ttrue\nendif\n",
        "define f\nx\nendef\nall:\n\ttrue\n",
        "ifdef X\nP = /a\nelse\nP = /b\nendif\nall:\n\tcp rle $(P)\n",
        "all: rle\n\t$(CC) -o $(NAME_$(X)) rle.o\nrle:\n",
        "all: nothing\n",
        "",
    ],
)
def test_recipes_that_are_not_plain_are_held(makefile: str) -> None:
    found = held("make", {**APP, "Makefile": makefile})

    assert found.code == "product-not-known"
    assert "writes=" in found.unblock


def test_targets_without_recipe_are_linked_by_built_in_rules() -> None:
    assert left("make hello", {"Makefile": "", "hello.c": ""}).keeps == ("/app/hello",)
    assert made("tool: tool.o util.o\n\ntool.o util.o: x.h\n") == ("/app/tool",)


def test_directories_below_are_followed() -> None:
    files = {"Makefile": "all:\n\t$(MAKE) -C lib\n", "lib/Makefile": "x: a.o\n\tcc -o $@ a.o\n"}
    assert left("make", files).keeps == ("/app/lib/x",)
    endless = {"Makefile": "all:\n\t$(MAKE) -C .\n"}
    assert held("make", endless).code == "product-not-known"


def test_linking_is_static_where_every_program_is() -> None:
    assert left("gcc -static -o x src/main.c", APP).linking == "static"
    assert left("gcc -o x src/main.c", APP).linking == "dynamic"
    assert left("make LDFLAGS=-static", APP).linking == "static"


@pytest.mark.parametrize(
    ("command", "is_alone"),
    [
        ("make install", True),
        ("make LDFLAGS='-Wl,--as-needed -lm -pthread'", True),
        ("gcc -std=c11 -o rle src/main.c src/rle.c -lm", True),
        ("make CC=gcc-12", True),
        ("make CC=g++", False),
        ("make CC=clang", False),
        ("make LDFLAGS=-lpng", False),
        ("make LDFLAGS=-fopenmp", False),
        ("make LDFLAGS=-Wl,-rpath,/opt/lib", False),
        ("make LDFLAGS=-shared-libgcc", False),
        ("gcc -fsanitize=address src/main.c", False),
        ("gcc -latomic src/main.c", False),
        ("gcc src/main.c @more", False),
        ("gcc src/main.c -l stdc++", False),
        ("gcc src/main.c lib/libvendor.so", False),
        ("gcc src/main.c downloaded.c", False),
        ("gcc src/main.f90", False),
        ("g++ src/main.c", False),
    ],
)
def test_c_library_alone_is_said_where_the_link_shows_it(command: str, is_alone: bool) -> None:
    assert left(command, APP).needs_libc_alone is is_alone


@pytest.mark.parametrize(
    "source",
    ['system("git log");', "popen (c, m);", "execvp(a, b);", 'dlopen("libpng.so", 1);',
     "#include <stdatomic.h>", "iconv_open(a, b);", "posix_spawnp(p, n, f, a, v, e);", "fork();",
     'getservbyname("http", "tcp");', 'fopen("/usr/share/dict/words", "r");'],
)  # fmt: skip
def test_c_library_is_not_alone_where_a_source_looks_for_more(source: str) -> None:
    assert not left("make", {**APP, "src/rle.c": source}).needs_libc_alone
    assert not left("make", {**APP, "src/rle.h": source}).needs_libc_alone


def test_c_library_is_not_alone_beside_programs_that_are_only_installed() -> None:
    more = MAKEFILE.replace("DIR)$(PREFIX)/bin/rle", "DIR)$(PREFIX)/bin/rle\n\tcp vendor/x /bin/x")
    assert not left("make install", {**APP, "Makefile": more}).needs_libc_alone


CMAKE = """\
cmake_minimum_required(VERSION 3.16)
project(shop C) # a comment (with brackets)
#[[ a comment
install(FILES x DESTINATION y) ]]
set(SOURCES main.c
    util.c)
add_library(core STATIC ${SOURCES})
add_library(plug SHARED plug.c)
add_executable(${PROJECT_NAME} main.c)
target_link_libraries(shop PRIVATE core plug)
include(GNUInstallDirs)
install(TARGETS shop plug RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION lib)
install(FILES shop.conf DESTINATION ${CMAKE_INSTALL_SYSCONFDIR})
install(DIRECTORY data/ DESTINATION share/shop)
"""
LISTS = {"CMakeLists.txt": CMAKE, "main.c": "", "shop.conf": "", "data/a": ""}
CONFIGURE = ["cmake -S . -B build -DCMAKE_BUILD_TYPE=Release"]


@pytest.mark.parametrize(
    ("command", "before", "keeps"),
    [
        ("cmake --build build", CONFIGURE, ["/app/build/libplug.so", "/app/build/shop"]),
        ("cmake --build build --target install", CONFIGURE, None),
        ("cmake --install build", CONFIGURE, None),
        ("make -C build install", CONFIGURE, None),
        ("ninja -C build install", ["cmake -GNinja -B build"], None),
        ("cmake -S . -B build", [], []),
    ],
)
def test_cmake_builds_and_installs_what_the_lists_name(
    command: str, before: list[str], keeps: list[str] | None
) -> None:
    installed = ["/usr/local/bin/shop", "/usr/local/etc/shop.conf", "/usr/local/lib/libplug.so",
                 "/usr/local/share/shop"]  # fmt: skip
    found = left(command, LISTS, before=before)

    assert sorted(found.keeps) == (installed if keeps is None else keeps)


def test_cmake_installs_below_its_prefix() -> None:
    before = ["cmake -B build -DCMAKE_INSTALL_PREFIX:PATH=/opt/shop"]

    assert "/opt/shop/bin/shop" in left("cmake --install build", LISTS, before=before).keeps
    named = left("cmake --install build --prefix /srv", LISTS, before=before)
    assert "/srv/bin/shop" in named.keeps


@pytest.mark.parametrize(
    "lists",
    [
        CMAKE + "if(X)\ninstall(FILES a DESTINATION b)\nendif()\n",
        CMAKE + "install(CODE \"file(WRITE /x)\")\n",
        CMAKE + "set_target_properties(shop PROPERTIES OUTPUT_NAME other)\n",
        CMAKE + "add_subdirectory(absent)\n",
        CMAKE + "install(FILES ${UNHEARD_OF} DESTINATION b)\n",
        CMAKE + "FetchContent_MakeAvailable(other)\n",
        CMAKE.replace("add_executable", "if(X)\nendif()\nif(Y)\nadd_executable"),
    ],
)  # fmt: skip
def test_an_install_that_is_not_known_is_held(lists: str) -> None:
    files = {**LISTS, "CMakeLists.txt": lists}

    assert held("cmake --install build", files, before=CONFIGURE).code == "product-not-known"


def test_a_prefix_of_its_own_is_taken_whole() -> None:
    before = ["./configure --prefix=/opt/x", "make"]

    assert left("make", {}, before=before[:1]).keeps == ()
    assert left("make install", {}, before=before).keeps == ("/opt/x",)
    assert held("make install", {}, before=["./configure"]).code == "product-not-known"
    assert held("make install", {}, before=["./configure --prefix=/usr"]).code == (
        "product-not-known"
    )


@pytest.mark.parametrize("text", ["#[[" * 60_000, "[=[" * 60_000, '"' * 100_001, "(" * 100_000,
                                  "${" * 50_000])  # fmt: skip
def test_hostile_lists_are_read_in_time(text: str) -> None:
    files = {**LISTS, "CMakeLists.txt": text}

    assert left("cmake --build build", files, before=CONFIGURE).keeps == ()


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 50_000,
        "a:\n" * 4_000,
        "x = $(x)$(x)\nall:\n\t$(x)\n",
        "a = $(b)$(b)\nb = $(a)$(a)\nall: $(a)\n\tcp $(a) /usr/bin\n",
    ],
)
def test_hostile_makefiles_are_read_in_time(text: str) -> None:
    held("make -f Makefile install", {"Makefile": text})


def test_what_the_program_may_read_stays() -> None:
    others = {"data/words.txt": "", "run.sh": "", "nginx.conf.in": "", "config.h.in": ""}
    found = left("make install", {**APP, **others, "Dockerfile": ""})

    assert set(found.build_only or ()) == {
        "/app/Makefile", "/app/src", "/app/Dockerfile", "/app/config.h.in",
    }  # fmt: skip
