"""Images that are meant to keep their tools, and those that only look like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from optimizer.context.service import Bind, Service
from optimizer.context.tree import BuildContext
from optimizer.cst.parse import parse
from optimizer.cst.source import Source
from optimizer.effects.obstacles import CODES
from optimizer.journal import ContextAnswer
from optimizer.knowledge.installs import Obstacle
from optimizer.model.stages import Invocation
from optimizer.view import Build, View

APP = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
FILES = {
    "package.json": b'{"scripts": {"start": "node src/a.js", "dev": "nodemon src/a.js", '
    b'"up": "npm run dev", "serve": "react-scripts start", "test": "jest", "build": "tsc"}}',
    "src/a.js": b"",
    "conf/a.yaml": b"",
}


def fat(
    text: str,
    path: str = "Dockerfile",
    services: Sequence[Service] = (),
    places: Sequence[str] = (),
    target: str | None = None,
    dependents: Sequence[str] = (),
) -> Obstacle | None:
    context = BuildContext.from_listing(FILES, path)
    answer = ContextAnswer(".", "the test")
    build = Build(
        context,
        Invocation(target),
        answer,
        services=tuple(services),
        places=tuple(places),
        dependents=tuple(dependents),
    )
    view = View(parse(Source(path, text)), build)
    assert view.stages.target is not None
    return view.meant_to_be_fat(view.stages.target)


COMMANDS = {
    "nodemon": ('CMD ["nodemon", "a.js"]', "development"),
    "a dev script": ('CMD ["npm", "run", "dev"]', "development"),
    "a script that runs a watcher": ("CMD npm run up", "development"),
    "a front end's dev server": ('CMD ["npm", "run", "serve"]', "development"),
    "reload": ('CMD ["uvicorn", "a:app", "--reload"]', "development"),
    "flask in debug mode": ("CMD flask --app a run --debug", "development"),
    "air": ('CMD ["air", "-c", ".air.toml"]', "development"),
    "cargo watch": ("CMD cargo watch -x run", "development"),
    "kept alive": ("CMD sleep infinity", "development"),
    "kept alive by tail": ('CMD ["tail", "-f", "/dev/null"]', "development"),
    "a notebook": ("CMD jupyter lab --ip=0.0.0.0", "development"),
    "npm test": ('CMD ["npm", "test"]', "test"),
    "pytest": ('ENTRYPOINT ["python", "-m", "pytest"]', "test"),
    "go test": ("CMD go test ./...", "test"),
    "rspec": ("CMD bundle exec rspec", "test"),
    "Django's tests": ('CMD ["python", "manage.py", "test"]', "test"),
    "a shell": ('CMD ["/bin/bash"]', "toolbox"),
    "a login shell": ("CMD bash -l", "toolbox"),
    "an interpreter alone": ('ENTRYPOINT ["python3"]', "toolbox"),
    "no command": ("", "toolbox"),
}


@pytest.mark.parametrize(("command", "use"), COMMANDS.values(), ids=COMMANDS)
def test_commands_that_say_it(command: str, use: str) -> None:
    found = fat(APP + command)

    assert found is not None
    assert found.code == f"{use}-image"
    shown = "/app/package.json runs `" if "script" in found.reason else "in line 5 runs `"
    assert shown in found.reason or not command


PLAIN = {
    "a server": 'CMD ["node", "src/a.js"]',
    "npm start": "CMD npm start",
    "Django's own server": 'CMD ["python", "manage.py", "runserver", "0.0.0.0:8000"]',
    "flask run": 'CMD ["flask", "run"]',
    "a shell script": 'CMD ["sh", "-c", "node src/a.js"]',
    "an interpreter with a script": 'ENTRYPOINT ["python3", "a.py"]',
    "a front end's server of what was built": "RUN npm run build\nCMD npm run serve",
    "tests before the server": 'RUN npm test\nCMD ["node", "a.js"]',
    "a gem's program": "CMD bundle exec puma",
    "a package's program": "CMD npx --no-install next start",
    "uv run": "CMD uv run --no-sync a.py",
    "a short sleep": "CMD sleep 5 && node a.js",
    "a health check by a shell": 'HEALTHCHECK CMD ["bash"]\nCMD ["node", "a.js"]',
}


@pytest.mark.parametrize("command", PLAIN.values(), ids=PLAIN)
def test_commands_of_images_that_run_a_program(command: str) -> None:
    assert fat(APP + command) is None


INSTALLING = {
    "npm rebuild": "CMD npm rebuild && node src/a.js",
    "npm ci": "CMD npm ci && node src/a.js",
    "yarn alone": "CMD yarn && node src/a.js",
    "pip": "CMD pip3 install --quiet -r requirements.txt && python3 a.py",
    "pip as a module": "CMD python -m pip install x && python a.py",
    "uv sync": "CMD uv sync && python a.py",
    "bundle, perhaps": "CMD bundle check || bundle install; bundle exec puma",
}


@pytest.mark.parametrize("command", INSTALLING.values(), ids=INSTALLING)
def test_commands_that_may_compile_packages(command: str) -> None:
    found = fat(APP + command)

    assert found is not None
    assert found.code == "installs-when-it-starts"
    assert found.code in CODES


NAMES = {
    "a file for development": ("Dockerfile.dev", None, "development"),
    "a file for tests": ("test.Dockerfile", None, "test"),
    "a file for CI": ("Dockerfile-ci", None, "toolbox"),
    "a folder for development": ("docker/dev/Dockerfile", None, "development"),
    "a dev container's folder": (".devcontainer/Dockerfile", None, "development"),
    "a stage for development": ("Dockerfile", "dev", "development"),
    "a stage for tests": ("Dockerfile", "unit-test", "test"),
}


@pytest.mark.parametrize(("path", "stage", "use"), NAMES.values(), ids=NAMES)
def test_names_that_say_it(path: str, stage: str | None, use: str) -> None:
    text = APP + 'CMD ["node", "a.js"]\n'
    if stage is not None:
        text = text.replace("node:22", f"node:22 AS {stage}")

    found = fat(text, path)

    assert found is not None
    assert found.code == f"{use}-image"


@pytest.mark.parametrize(
    ("path", "stage"),
    [("Dockerfile", "runtime"), ("Dockerfile.prod", "app"), ("devops/Dockerfile", "device"),
     ("latest/Dockerfile", "contest")],
)  # fmt: skip
def test_names_that_only_look_like_it(path: str, stage: str) -> None:
    text = (APP + 'CMD ["node", "a.js"]\n').replace("node:22", f"node:22 AS {stage}")

    assert fat(text, path) is None


@pytest.mark.parametrize(("answer", "use"), [(".", None), ("services/test", "test-image")])
def test_what_the_whole_repository_is_called_is_no_sign(
    tmp_path: Path, answer: str, use: str | None
) -> None:
    folder = tmp_path / "test"
    folder.mkdir()
    text = 'FROM node:22\nCMD ["node", "a.js"]\n'
    context = BuildContext(folder, dockerfile=folder / "Dockerfile")
    build = Build(context, Invocation(), ContextAnswer(answer, "the test"))
    view = View(parse(Source("Dockerfile", text)), build)
    assert view.stages.target is not None
    found = view.meant_to_be_fat(view.stages.target)
    assert (found.code if found is not None else None) == use


def test_another_stage_for_development_is_no_sign() -> None:
    text = 'FROM node:22 AS dev\nCMD ["nodemon"]\nFROM node:22 AS prod\nCMD ["node", "a.js"]\n'

    assert fat(text) is None
    assert fat(text, target="dev") is not None


SERVICES = {
    "sources over the working directory": (Service("c.yaml:services.a", binds=(Bind(".", "/app"),)),
                                           True),
    "a folder above it": (Service("c.yaml:services.a", binds=(Bind("..", "/app/"),)), True),
    "sources in it": (Service("c.yaml:services.a", binds=(Bind("./src", "/app/src"),)), True),
    "settings in it": (Service("c.yaml:services.a", binds=(Bind("./conf", "/app/conf"),)), False),
    "data beside it": (Service("c.yaml:services.a", binds=(Bind("./data", "/data"),)), False),
    "one file of it": (Service("c.yaml:services.a",
                               binds=(Bind("./src/a.js", "/app/src/a.js"),)), False),
    "sources copied into the container": (Service("c.yaml:services.a", watches=True), True),
    "a watch command": (Service("c.yaml:services.a", command=("npm", "run", "dev")), True),
    "a test command": (Service("c.yaml:services.a", command=("npm", "test")), True),
    "a worker": (Service("c.yaml:services.a", command=("node", "w.js")), False),
}  # fmt: skip


@pytest.mark.parametrize(("service", "is_fat"), SERVICES.values(), ids=SERVICES)
def test_what_compose_does_with_it(service: Service, is_fat: bool) -> None:
    found = fat(APP + 'CMD ["node", "a.js"]\n', services=[service])

    assert (found is not None) == is_fat
    assert found is None or found.reason.lower().startswith("c.yaml:1 ")


CI = ".gitlab-ci.yml:unit.script"
USES = {
    "tests": (Service(CI, command=("npm", "test")), True),
    "tests by a shell": (Service(CI, entrypoint=("/bin/sh", "-c", "npm test | cat")), True),
    "tests behind a folder": (Service(CI, entrypoint=("/bin/sh", "-c", "cd /app\nnpm test")), True),
    "a linter": (Service(CI, command=("npm", "run", "lint")), True),
    "the program": (Service(CI, command=("node", "src/a.js", "--help")), False),
}


@pytest.mark.parametrize(("use", "is_fat"), USES.values(), ids=USES)
def test_what_ci_runs_in_it(use: Service, is_fat: bool) -> None:
    found = fat(APP + 'CMD ["node", "a.js"]\n', services=[use])

    assert (found is not None) == is_fat
    assert found is None or found.code == "test-image"
    assert found is None or found.reason.startswith(CI)


def test_a_command_of_ci_stands_in_for_none() -> None:
    found = fat(APP, services=[Service(CI, command=("node", "src/a.js", "--help"))])

    assert found is not None
    assert found.code == "toolbox-image"


def test_other_images_start_from_it() -> None:
    found = fat(APP + 'CMD ["node", "a.js"]\n', dependents=["web/Dockerfile:2"])

    assert found is not None
    assert found.code == "base-of-other-images"
    assert found.reason.startswith("web/Dockerfile:2 starts from this image")


def test_a_command_of_compose_stands_in_for_a_missing_one() -> None:
    service = Service("c.yaml:services.a", command=("node", "w.js"))

    assert fat(APP, services=[service]) is None


BASES: Mapping[str, tuple[str, bool]] = {
    "a dev container's base": ("mcr.microsoft.com/devcontainers/python:3.12", True),
    "a CI image": ("cimg/node:22.1", True),
    "a notebook": ("jupyter/scipy-notebook", True),
    "an ordinary image": ("node:22", False),
}


@pytest.mark.parametrize(("base", "is_fat"), BASES.values(), ids=BASES)
def test_bases_that_are_made_to_be_worked_in(base: str, is_fat: bool) -> None:
    found = fat(f'FROM {base}\nCMD ["node", "a.js"]\n')

    assert (found is not None) == is_fat


def test_a_dev_container_says_so() -> None:
    found = fat(APP + 'CMD ["node", "a.js"]\n', places=(".devcontainer/devcontainer.json:build",))

    assert found is not None
    assert found.reason == (
        ".devcontainer/devcontainer.json:build makes a dev container of it: the image is for "
        "development."
    )


def test_an_image_that_serves_by_itself_needs_no_command() -> None:
    assert fat("FROM nginx:1.27\nCOPY . /usr/share/nginx/html\n") is None


def test_codes_are_explained() -> None:
    assert {"development-image", "test-image", "toolbox-image"} <= set(CODES)


def test_paths_outside_are_no_trouble() -> None:
    assert fat(APP + "CMD node a.js", path=str(Path("..") / "x" / "Dockerfile")) is None
