"""Estimated costs: which class a command falls into, and that the classes stand in order."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.knowledge.costs import cost_class, estimate


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("apt-get -y update", "apt update"),
        ("apt-get install -y git", "apt install"),
        ("apt-get clean", "account"),
        ("apk add --no-cache git", "apk add"),
        ("dnf -y install git", "rpm install"),
        ("dnf clean all", "account"),
        ("npm ci --omit=dev", "npm install"),
        ("npm --prefix web ci", "npm install"),
        ("npm prune --omit=dev", "npm prune"),
        ("mvn -B --define a=b dependency:resolve", "jvm dependencies"),
        ("mvn -B --define a=b package", "jvm build"),
        ("pnpm prune --prod --ignore-scripts", "npm prune"),
        ("npm install -g pnpm", "npm global"),
        ("npm run build", "npm script"),
        ("yarn", "npm install"),
        ("yarn install --frozen-lockfile", "npm install"),
        ("yarn build", "npm script"),
        ("yarn cache clean", "account"),
        ("pip install flask", "pip install"),
        ("pip3.11 install -r requirements.txt", "pip requirements"),
        ("python -m pip install .", "pip requirements"),
        ("python3 manage.py collectstatic", "interpreter"),
        ("uv sync --frozen", "uv install"),
        ("go mod download", "go download"),
        ("/usr/local/go/bin/go build ./...", "go build"),
        ("cargo build --release", "cargo build"),
        ("cargo fetch", "cargo fetch"),
        ("./mvnw dependency:go-offline", "jvm dependencies"),
        ("sh ./mvnw -B dependency:resolve", "jvm dependencies"),
        (
            "mvn org.apache.maven.plugins:maven-dependency-plugin:3.6.1:go-offline",
            "jvm dependencies",
        ),
        ("sh ./gradlew dependencies", "jvm dependencies"),
        ("sbt app/update", "jvm dependencies"),
        ("sbt assembly", "jvm build"),
        ("mvn -B package", "jvm build"),
        ("dotnet restore x.csproj", "dotnet restore"),
        ("dotnet publish -c Release", "dotnet build"),
        ("bundle install", "bundle install"),
        ("docker-php-ext-install gd intl", "php extension"),
        ("./configure --prefix=/usr", "configure"),
        ("make -j4", "native build"),
        ("curl -fsSL https://h/x -o x", "fetch"),
        ("git clone https://h/x", "clone"),
        ("git config --global a b", "account"),
        ("tar xzf x", "unpack"),
        ("useradd -m me", "account"),
        ("mkdir -p /x", "trivial"),
        ("", "trivial"),
        ("./setup.sh", "unknown"),
        ("sleep 2.5", "sleep"),
    ],
)
def test_class_of_a_command(command: str, name: str) -> None:
    assert cost_class(shlex.split(command))[0] == name


def test_dearer_commands_cost_more() -> None:
    lines = [
        "mkdir x", "useradd me", "curl https://h/x", "apk add git", "apt-get install git",
        "apt-get install git make gcc", "npm ci", "go build .", "mvn package", "cargo build",
    ]  # fmt: skip
    costs = [estimate(line.split()) for line in lines]

    assert costs == sorted(costs)
    assert len(set(costs)) == len(costs)
    assert estimate(["sleep", "2.5"]) == 2.5


@given(st.lists(st.text(max_size=8) | st.sampled_from(["npm", "ci", "-g", "apt", "install"])))
def test_any_words_have_a_positive_cost(words: list[str]) -> None:
    name, cost = cost_class(words)

    assert cost.source
    assert 0 <= estimate(words) <= 10_000_000
    assert estimate(words) > 0 or name == "sleep"
