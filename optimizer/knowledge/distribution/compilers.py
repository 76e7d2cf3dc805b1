"""Packages of Debian and Ubuntu that only building needs, whatever is built."""

from __future__ import annotations

import re
from typing import Final

# Source: Debian's descriptions of these packages. A tool that a program may well call when it runs
# (git, make's users aside: patch, gettext's msgfmt, file) is not among them.
_TOOLS: Final = re.compile(
    r"build-essential|dpkg-dev|debhelper|dh-\S+|devscripts|equivs|fakeroot|lintian|quilt"
    r"|autoconf|autoconf-archive|automake|autotools-dev|autopoint|libtool|libtool-bin|m4"
    r"|make|cmake(?:-data)?|ninja-build|meson|scons|ccache|bear|gperf|bison|flex|swig\S*"
    r"|nasm|yasm|pkg-config|pkgconf(?:-bin)?|patchelf|binutils(?:-\S+)?|intltool"
    r"|linux-headers-\S+|linux-libc-dev|libc6-dev|libc-dev|libc-dev-bin|(?:g\+\+|gcc|cpp)-multilib|crossbuild-essential-\S+"
)
_COMPILERS: Final = re.compile(
    r"(?:gcc|g\+\+|cpp|clang|clang\+\+|lld|llvm)(?:-\d+(?:\.\d+)?)?(?:-base)?|build-essential"
    r"|lib(?:gcc|stdc\+\+|objc)-\d+-dev"
)
_FORTRAN: Final = re.compile(r"gfortran(?:-\d+)?|libgfortran-\d+-dev")

COMPILER_LIBRARIES: Final = frozenset(("libgomp1", "libatomic1"))
"""What gcc and clang link without being told of a package: -fopenmp and -latomic (GCC manual,
«Options for Linking»; libstdc++6 and libgcc-s1 are in every image, apt needs them)."""
_FORTRAN_LIBRARIES: Final = COMPILER_LIBRARIES | {"libgfortran5"}


def is_build_only(package: str) -> bool:
    """Whether a package is a compiler or a tool of builds."""
    return any(rule.fullmatch(package) for rule in (_TOOLS, _COMPILERS, _FORTRAN))


def libraries(package: str) -> frozenset[str]:
    """Returns the libraries of a compiler itself that what it compiles may load."""
    if _FORTRAN.fullmatch(package):
        return _FORTRAN_LIBRARIES
    return COMPILER_LIBRARIES if _COMPILERS.fullmatch(package) else frozenset()
