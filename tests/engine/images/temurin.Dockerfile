# Debian's OpenJDK in the place of Temurin's. The JDK is a layer on the JRE.
ARG BASE
FROM ${BASE}
ARG PACKAGE
# Debian's package of authorities makes the JVM's trust store out of the image's own.
RUN mkdir -p /usr/share/man/man1 && apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ca-certificates-java tzdata \
 && apt-get install -y --no-install-recommends ${PACKAGE} \
 && update-ca-certificates --fresh \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /usr/lib/jvm/*/lib/src.zip \
 && mkdir -p /opt/java && ln -sfn /usr/lib/jvm/java-17-openjdk-* /opt/java/openjdk
ENV JAVA_HOME=/opt/java/openjdk LANG=en_US.UTF-8 LANGUAGE=en_US:en LC_ALL=C.UTF-8 \
    PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["jshell"]
