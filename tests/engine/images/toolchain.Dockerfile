# What a full image has and its slim twin lacks (buildpack-deps, in short). MORE are the headers
# of the language, which the official image has among its own files.
ARG BASE
FROM ${BASE}
ARG MORE
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    build-essential ca-certificates curl git libpq-dev pkg-config python3-dev wget xz-utils ${MORE} \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
# node-gyp fetches Node's headers from where no package registry is, unless it is told a folder.
RUN [ ! -d /usr/include/nodejs ] \
 || echo 'nodedir=/usr/include/nodejs' >> /usr/local/lib/node_modules/npm/npmrc
