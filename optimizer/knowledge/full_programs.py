"""The programs that large images have and their slim or runtime-only twins lack.

Names only, those of the alternatives system included. Whether a program is in the twin all the
same (the language's own ``python3``), `optimizer.knowledge.twins` says.
"""

from __future__ import annotations

import re
from typing import Final

_BUILDPACK_NAMES = """
aclocal addgnupghome addr2line animate applygnupgdefaults ar as autoconf autoheader autom4te
automake autoreconf autoscan autoupdate bunzip2 bzcat bzcmp bzdiff bzegrep bzexe bzfgrep bzgrep
bzip2 bzip2recover bzless bzmore c++ c++filt c89 c89-gcc c99 c99-gcc c_rehash cc chg compare
compile_et composite conjure convert corelist cpan cpp curl curl-config derb
dh_autotools-dev_restoreconfig dh_autotools-dev_updateconfig dirmngr dirmngr-client display
dpkg-architecture dpkg-buildapi dpkg-buildflags dpkg-buildpackage dpkg-buildtree
dpkg-checkbuilddeps dpkg-distaddfile dpkg-genbuildinfo dpkg-genchanges dpkg-gencontrol
dpkg-gensymbols dpkg-mergechangelogs dpkg-name dpkg-parsechangelog dpkg-scanpackages
dpkg-scansources dpkg-shlibdeps dpkg-source dpkg-vendor dwp elfedit enc2xs encguess escapesrc
fc-cache fc-cat fc-conflist fc-list fc-match fc-pattern fc-query fc-scan fc-validate
fftw-wisdom fftw-wisdom-to-conf fftwf-wisdom fftwl-wisdom fftwq-wisdom file free funzip g++
gapplication gcc gcc-ar gcc-nm gcc-ranlib gcov gcov-dump gcov-tool gdbus gdbus-codegen
gdk-pixbuf-csource gdk-pixbuf-pixdata gdk-pixbuf-thumbnailer genbrk gencat genccode gencfu
gencmn gencnval gendict gennorm2 genrb gensprep gi-compile-repository gi-decompile-typelib
gi-inspect-typelib gio gio-querymodules git git-receive-pack git-shell git-upload-archive
git-upload-pack glib-compile-resources glib-compile-schemas glib-genmarshal glib-gettextize
glib-mkenums gmake gobject-query gold gp-archive gp-collect-app gp-display-html gp-display-src
gp-display-text gpg gpg-agent gpg-connect-agent gpg-wks-server gpg-zip gpgcompose gpgconf
gpgparsemail gpgsm gpgsplit gpgtar gprof gprofng gprofng-archive gprofng-collect-app
gprofng-display-html gprofng-display-src gprofng-display-text gresource gsettings gtester
gtester-report h2ph h2xs hg hg-ssh icuexportdata icuinfo icupkg identify ifnames import
instmodsh json_pp kbxutil kill krb5-config krb5-config.mit lcf ld ld.bfd ld.gold libnetcfg
libpng-config libpng16-config libtoolize libwmf-config lspgpot lto-dump lzcat lzcmp lzdiff
lzegrep lzfgrep lzgrep lzless lzma lzmainfo lzmore m4 magick magick-script make
make-first-existing-target makeconv mariadb-config mariadb_config
migrate-pubring-from-classic-gpg mogrify montage mysql_config ncurses5-config ncurses6-config
ncursesw5-config ncursesw6-config nm objcopy objdump openssl pango-list pango-segmentation
pango-view patch pcre-config pcre2-config pdb3 perlbug perldoc perlivp perlthanks pg_config
pgrep piconv pidwait pinentry pinentry-curses pkg-config pkgconf pkgdata pkill pl2pm pmap
pod2html pod2man pod2text pod2usage podchecker prove ps ptar ptardiff ptargrep pwdx py3clean
py3compile py3versions pydoc3 pygettext3 python3 ranlib rcp readelf rlogin rpcgen rsh scalar
scp select-editor sensible-browser sensible-editor sensible-pager sensible-terminal sftp shasum
size skill slabtop slogin snice splain sq ssh ssh-add ssh-agent ssh-argv0 ssh-copy-id
ssh-keygen ssh-keyscan stream streamzip strings strip svn svnadmin svnauthz svnauthz-validate
svnbench svndumpfilter svnfsfs svnlook svnmucc svnrdump svnserve svnsync svnversion sysctl
tload top ucf ucfq ucfr uconv unlzma unxz unzip unzipsfx update-ca-certificates
update-mime-database uptime vmstat w w.procps watch watchgnupg wcurl wget xml2-config
xslt-config xsubpp xz xzcat xzcmp xzdiff xzegrep xzfgrep xzgrep xzless xzmore zipdetails
zipgrep zipinfo
"""
BUILDPACK: Final = frozenset(_BUILDPACK_NAMES.split())
"""What ``buildpack-deps`` adds to a minimal Debian.

Source: docker-library/buildpack-deps at 8330ca1d2319, the Dockerfiles of bullseye, bookworm and
trixie; their packages with everything that these depend on, from Debian's ``Packages`` of
2026-11-26, less the packages of a minimal system; the files in their ``bin`` and ``sbin``
directories from Debian's ``Contents`` of that day; and the names that their postinst scripts give
to update-alternatives.
"""

ACCOUNTS: Final = frozenset(("addgroup", "adduser", "delgroup", "deluser"))
"""Those that ``buildpack-deps`` adds since Debian 13, by its package adduser; older minimal systems
have it, as apt depended on it (the same indexes)."""

_SCM_NAMES = """
bunzip2 bzcat bzip2 chg free funzip git git-receive-pack git-shell git-upload-archive
git-upload-pack hg hg-ssh kill lzcat lzma pgrep pidwait pkill pmap ps pwdx python3 scalar scp
sftp skill slabtop slogin snice ssh ssh-add ssh-agent ssh-argv0 ssh-copy-id ssh-keygen
ssh-keyscan svn svnadmin svnauthz svnbench svndumpfilter svnfsfs svnlook svnmucc svnrdump
svnserve svnsync svnversion sysctl tload top unlzma unxz unzip unzipsfx uptime vmstat w watch
xz xzcat xzgrep zipgrep zipinfo
"""
SCM: Final = frozenset(_SCM_NAMES.split())
"""Those that ``buildpack-deps:scm`` adds, from the same source; and unzip, bzip2 and xz, which
openjdk adds to it (docker-library/openjdk, Dockerfile-linux.template)."""

_JDK_NAMES = """
jar jarsigner javac javadoc javap jcmd jconsole jdb jdeprscan jdeps jhat jhsdb jimage jinfo jlink
jmap jmod jnativescan jpackage jps jrunscript jshell jstack jstat jstatd jwebserver native2ascii
schemagen serialver wsgen wsimport xjc idlj javah extcheck appletviewer
"""
JDK: Final = frozenset(_JDK_NAMES.split())
"""The tools of a JDK that a JRE has not (docs.oracle.com/en/java/javase/21/docs/specs/man and
docs.oracle.com/javase/8/docs/technotes/tools/unix)."""

JAVA_BUILDS: Final = frozenset(
    ("ant", "gradle", "gradlew", "kotlin", "kotlinc", "mvn", "mvnDebug", "mvnw", "mvnyjp", "sbt")
)
"""Programs that build Java projects; all of them want a JDK."""

_DOTNET_SDK_NAMES = """
curl dotnet-ef git git-receive-pack git-shell git-upload-archive git-upload-pack free kill nuget
pgrep pidwait pkill pmap ps pwdx pwsh scalar skill slabtop snice sysctl tload top uptime vmstat w
watch wget xz unxz xzcat lzma openssl
"""
DOTNET_SDK: Final = frozenset(_DOTNET_SDK_NAMES.split())
"""dotnet/dotnet-docker, src/sdk/*/Dockerfile: curl, git, procps, tar and wget, and PowerShell."""

GO: Final = frozenset(("go", "gofmt"))
"""docker-library/golang, Dockerfile-linux.template."""

_RUST_NAMES = """
cargo cargo-clippy cargo-fmt cargo-miri clippy-driver rls rust-analyzer rust-gdb rust-gdbgui
rust-lldb rustc rustdoc rustfmt rustup
"""
RUST: Final = frozenset(_RUST_NAMES.split())
"""rust-lang/docker-rust, Dockerfile-debian.template; rust-lang/rustup, src/lib.rs (TOOLS)."""

PYTHON: Final = re.compile(r"(?:python|pydoc|idle|2to3)[\d.]*(?:-config)?|pip[\d.]*")
"""The language's own programs in every image of python and pypy (docker-library/python,
Dockerfile-linux.template), which lie in front of the distribution's."""

_PERL_NAMES = """
corelist cpan cpanm enc2xs encguess h2ph h2xs instmodsh json_pp libnetcfg perl perlbug perldoc
perlivp perlthanks piconv pl2pm pod2html pod2man pod2text pod2usage podchecker prove ptar ptardiff
ptargrep shasum splain streamzip xsubpp zipdetails
"""
PERL: Final = frozenset(_PERL_NAMES.split())
"""Perl's own programs in every image of perl (Perl/docker-perl: Dockerfile.template; perlutil)."""

_VERSIONED: Final = re.compile(
    r"(?:g\+\+|gcc|cpp|gcov|gcov-dump|gcov-tool|gcc-ar|gcc-nm|gcc-ranlib|lto-dump|aclocal|automake"
    r"|python|pdb|pydoc|pygettext|perl)-?[\d.]+"
)
_TRIPLET: Final = re.compile(r"[a-z0-9_]+-(?:pc-)?linux-[a-z0-9]+-(?P<name>.+)")


def plain(program: str) -> str:
    """Returns the name of a program without its version and its architecture: ``gcc`` of
    ``x86_64-linux-gnu-gcc-12``."""
    match = _TRIPLET.fullmatch(program)
    name = match["name"] if match else program
    if _VERSIONED.fullmatch(name):
        bare = re.split(r"-?[\d.]+$", name)[0]
        return "python3" if bare == "python" else bare
    return name
