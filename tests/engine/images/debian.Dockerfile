ARG BASE
FROM ${BASE}
COPY --from=trust ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# An image's own ca-certificates package rebuilds the bundle from this folder.
COPY --from=trust extra/ /usr/local/share/ca-certificates/
# Debian's official images empty apt's caches in the same way (debuerreotype's
# debuerreotype-minimizing-config): a cache mount under /var/cache/apt stays empty.
COPY <<"EOF" /etc/apt/apt.conf.d/docker-clean
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
EOF
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
    CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt
CMD ["bash"]
