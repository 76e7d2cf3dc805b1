ARG BASE
FROM ${BASE}
ARG VERSION
# The official image compiles its own Python into /usr/local, and pip may install there. Debian's
# calls the folder of packages dist-packages.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /usr/lib/python3*/EXTERNALLY-MANAGED \
 && mkdir -p /usr/local/lib/python${VERSION}/site-packages \
 && rm -rf /usr/local/lib/python${VERSION}/dist-packages \
 && ln -s site-packages /usr/local/lib/python${VERSION}/dist-packages \
 && cd /usr/local/bin \
 && for name in python python3 python${VERSION}; do ln -s /usr/bin/python3 $name; done \
 && for name in pip pip3; do ln -s /usr/bin/pip3 $name; done
ENV LANG=C.UTF-8 PYTHON_VERSION=${VERSION}
CMD ["python3"]
