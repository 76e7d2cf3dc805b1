# syntax=docker/dockerfile:1

# The program with what it needs, in an environment of its own.
FROM python:3.13-slim AS builder
RUN python -m venv /opt/dockopt
WORKDIR /src
COPY pyproject.toml tests/requirements.lock ./
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' > wanted.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/dockopt/bin/pip install --constraint requirements.lock --requirement wanted.txt
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip /opt/dockopt/bin/pip install --no-deps .

FROM python:3.13-slim
RUN --mount=type=cache,id=apt-get-python-3.13-slim,target=/var/cache/apt-archives,sharing=locked \
    apt-get update \
    && apt-get install -o Dir::Cache::Archives=/var/cache/apt-archives -y \
        --no-install-recommends ca-certificates git openssh-client \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 dockopt
COPY --from=builder /opt/dockopt /opt/dockopt
ENV PATH=/opt/dockopt/bin:$PATH
USER dockopt
WORKDIR /work
ENTRYPOINT ["dockopt"]
CMD ["--help"]
