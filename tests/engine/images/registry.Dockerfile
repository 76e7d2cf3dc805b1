ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends docker-registry \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
# Debian's own configuration asks for a password. The address is for whoever runs it to say
# (REGISTRY_HTTP_ADDR): it uses the host's network.
COPY <<"EOS" /etc/docker/registry/config.yml
version: 0.1
storage:
  filesystem:
    rootdirectory: /var/lib/registry
http:
  addr: 127.0.0.1:5000
EOS
ENTRYPOINT ["docker-registry"]
CMD ["serve", "/etc/docker/registry/config.yml"]
