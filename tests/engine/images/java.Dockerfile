ARG BASE
FROM ${BASE}
ARG PACKAGE
# Debian's package of authorities makes the JVM's trust store out of the image's own.
RUN mkdir -p /usr/share/man/man1 && apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ca-certificates-java \
 && apt-get install -y --no-install-recommends ${PACKAGE} \
 && update-ca-certificates --fresh \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && ln -s /usr/lib/jvm/java-17-openjdk-* /usr/local/openjdk-17
ENV JAVA_HOME=/usr/local/openjdk-17 LANG=C.UTF-8 \
    PATH=/usr/local/openjdk-17/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["jshell"]
