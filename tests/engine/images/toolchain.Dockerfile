# What a full image has and its slim twin lacks (buildpack-deps, in short).
ARG BASE
FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
    build-essential ca-certificates curl git pkg-config python3-dev wget xz-utils \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log
