# Nothing but the daemon, the client that buildx runs in it, and what starts containers. Go's
# files are gone before the layer ends: they are gigabytes.
ARG BASE
FROM ${BASE} AS made
ARG VERSION
WORKDIR /made
RUN go mod init made \
 && go get github.com/moby/buildkit/cmd/buildctl@v${VERSION} \
    github.com/moby/buildkit/cmd/buildkitd@v${VERSION} \
 && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /made/ \
    github.com/moby/buildkit/cmd/buildctl github.com/moby/buildkit/cmd/buildkitd \
 && rm -rf /go/pkg /root/.cache
RUN mkdir libraries && cp /lib/x86_64-linux-gnu/libc.so.6 \
    /lib/x86_64-linux-gnu/libseccomp.so.2 libraries

FROM scratch
COPY --from=made /made/buildctl /made/buildkitd /usr/bin/
COPY --from=made /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=made /lib64/ld-linux-x86-64.so.2 /lib64/ld-linux-x86-64.so.2
COPY --from=made /made/libraries /lib/x86_64-linux-gnu/
COPY --from=parts usr/sbin/runc /usr/bin/buildkit-runc
# A daemon wants a folder for temporary files.
WORKDIR /tmp
VOLUME /var/lib/buildkit
ENTRYPOINT ["buildkitd"]
