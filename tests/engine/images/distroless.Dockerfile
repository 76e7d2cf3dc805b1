# Certificates, time zones, users and an empty /tmp: no shell, no C library.
ARG BASE
FROM ${BASE} AS made
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates netbase tzdata \
 && echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >> /etc/passwd \
 && echo 'nonroot:x:65532:' >> /etc/group \
 && mkdir -p /rootfs/etc/ssl/certs /rootfs/usr/share /rootfs/home/nonroot /rootfs/root \
 && mkdir -m 1777 /rootfs/tmp && chown 65532:65532 /rootfs/home/nonroot \
 && cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/services /etc/os-release /rootfs/etc/ \
 && cp -a /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ \
 && cp -a /usr/share/zoneinfo /rootfs/usr/share/

FROM scratch
COPY --from=made /rootfs /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /
