# Without what no build reads (the tests of the standard library, C++, link-time optimisation):
# a third of the size, and every comparison of images reads all of it.
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    ca-certificates gcc git golang-go libc6-dev make pkg-config \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && rm -rf /usr/share/go-*/test /usr/bin/*-lto-dump-* /usr/lib/x86_64-linux-gnu/lib?san.so.* \
    /usr/lib/gcc/*/*/lto1 \
 && find /usr/share/go-*/src -name '*_test.go' -delete \
 && find /usr/share/go-*/src -name testdata -type d -prune -exec rm -r {} + \
 && ln -s /usr/lib/go /usr/local/go \
 && mkdir -p -m 1777 /go /go/src /go/bin
ARG VERSION
ENV GOLANG_VERSION=${VERSION} GOTOOLCHAIN=local GOPATH=/go \
    PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /go
