"""Crates that link libraries of the system, and the development packages that they are built with.

What stands behind such a package at run time is the business of
`optimizer.knowledge.distribution.packages`.
"""

from __future__ import annotations

from collections.abc import Mapping

NATIVE: Mapping[str, tuple[str, ...]] = {
    # The README or build script of each, on Debian; a crate that brings its own copy of the
    # library (libsqlite3-sys with `bundled`, libz-sys, zstd-sys) links that of the system where
    # pkg-config finds it, so the package is named all the same.
    "openssl-sys": ("libssl-dev",),
    "pq-sys": ("libpq-dev",),
    "mysqlclient-sys": ("default-libmysqlclient-dev",),
    "libsqlite3-sys": ("libsqlite3-dev",),
    "libz-sys": ("zlib1g-dev",),
    "bzip2-sys": ("libbz2-dev",),
    "lzma-sys": ("liblzma-dev",),
    "libgit2-sys": ("libgit2-dev",),
    "libssh2-sys": ("libssh2-1-dev",),
    "curl-sys": ("libcurl4-openssl-dev",),
    "rdkafka-sys": ("librdkafka-dev",),
    "libxml": ("libxml2-dev",),
    "libudev-sys": ("libudev-dev",),
    "libusb1-sys": ("libusb-1.0-0-dev",),
    "alsa-sys": ("libasound2-dev",),
    "libdbus-sys": ("libdbus-1-dev",),
    "fontconfig-sys": ("libfontconfig-dev",),
    "yeslogic-fontconfig-sys": ("libfontconfig-dev",),
    "freetype-sys": ("libfreetype-dev",),
    "servo-fontconfig-sys": ("libfontconfig-dev",),
    "libheif-sys": ("libheif-dev",),
    "gdal-sys": ("libgdal-dev",),
    "geos-sys": ("libgeos-dev",),
    "proj-sys": ("libproj-dev",),
    "libsodium-sys": ("libsodium-dev",),
    "libsodium-sys-stable": ("libsodium-dev",),
    "zmq-sys": ("libzmq3-dev",),
    "zeromq-src": ("libzmq3-dev",),
    "odbc-sys": ("unixodbc-dev",),
    "pcap": ("libpcap-dev",),
    "opencv": ("libopencv-dev",),
    "leptonica-sys": ("libleptonica-dev",),
    "tesseract-sys": ("libtesseract-dev",),
    "magick_rust": ("libmagickwand-dev",),
    "glib-sys": ("libglib2.0-dev",),
    "cairo-sys-rs": ("libcairo2-dev",),
    "pango-sys": ("libpango1.0-dev",),
    "gtk-sys": ("libgtk-3-dev",),
    "gstreamer-sys": ("libgstreamer1.0-dev",),
    "ffmpeg-sys-next": ("libavcodec-dev", "libavformat-dev", "libavutil-dev", "libavfilter-dev",
                        "libavdevice-dev", "libswscale-dev", "libswresample-dev"),
    "krb5-sys": ("libkrb5-dev",),
    "libgssapi-sys": ("libkrb5-dev",),
    "sasl2-sys": ("libsasl2-dev",),
    "pam-sys": ("libpam0g-dev",),
    "systemd": ("libsystemd-dev",),
    "libsystemd-sys": ("libsystemd-dev",),
    "nettle-sys": ("nettle-dev",),
    "gpgme-sys": ("libgpgme-dev",),
    "librocksdb-sys": ("librocksdb-dev",),
}  # fmt: skip
"""By the crate's name in Cargo.lock."""
