# Debian's cargo takes its settings from CARGO_HOME as the official image's does, but knows no
# rustup. The sources of the standard library and its documentation are not in these packages.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates cargo gcc git libc6-dev rustc \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && rm -rf /usr/bin/*-lto-dump-* /usr/lib/x86_64-linux-gnu/lib?san.so.* /usr/lib/gcc/*/*/lto1
ARG VERSION
ENV RUST_VERSION=${VERSION} CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup \
    PATH=/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
