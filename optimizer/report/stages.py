"""The face of ``dockopt print stages``: what the model says of a file, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optimizer.cst.nodes import Diagnostic
from optimizer.model.stages import (
    Base,
    ImageBase,
    ScratchBase,
    Stage,
    StageBase,
    Stages,
    Step,
)
from optimizer.model.state import State
from optimizer.model.values import Known, Unknown, Value
from optimizer.report.words import count, printable

SCHEMA_VERSION = 1

_WIDTH = 72
"""How much of an instruction is shown."""

_DEEPEST = 40
"""How deep the graph is drawn."""


def as_json(stages: Stages, path: str) -> dict[str, object]:
    """Returns the stages of the file at ``path`` as values for JSON.

    A value is ``{"value": text}`` or ``{"unknown": reason}``. ``sets`` of a step is
    what it changes in the state; ``takes_from`` is what ``--from`` and mounts name.
    """
    needed = {stage.index for stage in stages.needed}
    return {
        "schema_version": SCHEMA_VERSION,
        "path": path,
        "target": stages.target and stages.target.label,
        "global_args": _values(stages.global_args),
        "stages": [_stage(stage, stage.index in needed) for stage in stages.stages],
        "edges": [
            {"stage": stage.label, "by": by, "line": line, "takes_from": _base(base)}
            for stage in stages.stages
            for by, line, base in _edges(stage)
        ],
        "problems": [_problem(problem) for problem in stages.problems],
    }


def _stage(stage: Stage, is_needed: bool) -> dict[str, object]:
    return {
        "index": stage.index,
        "name": stage.name,
        "label": stage.label,
        "line": stage.instruction.line,
        "base": _base(stage.base),
        "platform": stage.platform and _value(stage.platform),
        "needed": is_needed,
        "state": {
            "workdir": _value(stage.start.workdir),
            "user": _value(stage.start.user),
            "shell": _shell(stage.start.shell),
        },
        "image_env": {} if isinstance(stage.base, StageBase) else _values(stage.start.env),
        "triggers": [trigger.line for trigger in stage.triggers],
        "steps": [
            {
                "id": step.id,
                "line": step.instruction.line,
                "end_line": step.instruction.end_line,
                "keyword": step.instruction.keyword,
                "takes_from": [_base(source) for source in step.sources],
                "sets": _changes(step, after),
            }
            for step, after in _with_states(stage)
        ],
    }


def _base(base: Base) -> dict[str, object]:
    if isinstance(base, StageBase):
        return {"kind": "stage", "stage": base.stage.label}
    if isinstance(base, ImageBase):
        return {"kind": "image", "reference": str(base.reference), "text": base.text}
    if isinstance(base, ScratchBase):
        return {"kind": "scratch"}
    return {"kind": "unknown", "reason": base.reason}


def _value(value: Value) -> dict[str, str]:
    return {"value": value.text} if isinstance(value, Known) else {"unknown": value.reason}


def _values(values: Mapping[str, Value]) -> dict[str, dict[str, str]]:
    return {name: _value(value) for name, value in values.items()}


def _shell(shell: tuple[str, ...] | Unknown) -> dict[str, object]:
    return {"unknown": shell.reason} if isinstance(shell, Unknown) else {"value": list(shell)}


def _problem(problem: Diagnostic) -> dict[str, object]:
    return {"line": problem.line, "column": problem.column, "message": problem.message}


def _with_states(stage: Stage) -> Iterator[tuple[Step, State]]:
    """Yields each step with the state behind it."""
    behind = [*(step.state for step in stage.steps[1:]), stage.end]
    return zip(stage.steps, behind, strict=False)


def _changes(step: Step, after: State) -> dict[str, object]:
    """What a step changes in the state; names and values of ENV and ARG by name."""
    before, keyword = step.state, step.instruction.keyword
    if keyword in ("ENV", "ARG"):
        bindings = after.env if keyword == "ENV" else after.args
        return {keyword.lower(): _values({n: bindings[n] for n in _names(step) if n in bindings})}
    if keyword == "WORKDIR" and after is not before:
        return {"workdir": _value(after.workdir)}
    if keyword == "USER" and after is not before:
        return {"user": _value(after.user)}
    if keyword == "SHELL" and after is not before:
        return {"shell": _shell(after.shell)}
    return {}


def _names(step: Step) -> list[str]:
    words = (pair.name.value for pair in step.instruction.pairs)
    if step.instruction.keyword == "ARG":
        return list(dict.fromkeys(words))
    names = (step.state.expand(word) for word in words)
    return list(dict.fromkeys(name.text for name in names if isinstance(name, Known)))


def _edges(stage: Stage) -> Iterator[tuple[str, int, Base]]:
    """Yields what a stage is made from: how, on which line, and from what."""
    yield "FROM", stage.instruction.line, stage.base
    for step in stage.steps:
        for source in step.sources:
            yield _by(step), step.instruction.line, source


def _by(step: Step) -> str:
    return "COPY --from" if step.instruction.keyword == "COPY" else "RUN --mount"


def as_text(stages: Stages) -> str:
    """Returns the stages, their steps and their graph for reading, with a final line end."""
    blocks = [_headline(stages)]
    declared = [
        (pair.name.value, stages.global_args.get(pair.name.value))
        for instruction in stages.preamble
        if instruction.keyword == "ARG"
        for pair in instruction.pairs
    ]
    if declared:
        rows = [f"  {printable(name)}{_said(value)}" for name, value in dict(declared).items()]
        blocks.append("\n".join(["global arguments", *rows]))
    blocks += [_stage_text(stage) for stage in stages.stages]
    if stages.target is not None:
        blocks.append("\n".join(["graph", *_graph(stages.target)]))
    needed = {stage.index for stage in stages.needed}
    spare = [stage.label for stage in stages.stages if stage.index not in needed]
    if spare and stages.target is not None:
        blocks.append(f"not needed: {', '.join(spare)}")
    if stages.problems:
        rows = [f"  line {each.line}: {printable(each.message)}" for each in stages.problems]
        blocks.append("\n".join(["problems", *rows]))
    return "\n\n".join(blocks) + "\n"


def _headline(stages: Stages) -> str:
    found = count(len(stages.stages), "stage")
    return f"{found}, target: stage {stages.target.label}" if stages.target else found


def _said(value: Value | tuple[str, ...] | None) -> str:
    if value is None:
        return " has no value"
    if isinstance(value, Unknown):
        return f" unknown: {printable(value.reason)}"
    text = value.text if isinstance(value, Known) else " ".join(value)
    return f" = {printable(text)}" if text else ' = ""'


def _stage_text(stage: Stage) -> str:
    name = f"stage {stage.index}" + (f"  {stage.name}" if stage.name else "")
    rows = [f"{name}  (line {stage.instruction.line})", f"  from {_base_text(stage.base)}"]
    if stage.platform is not None:
        rows.append(f"  platform{_said(stage.platform)}")
    start = stage.start
    rows.append(f"  workdir{_said(start.workdir)}")
    rows.append(f"  user{_said(start.user)}")
    rows.append(f"  shell{_said(start.shell)}")
    if stage.triggers:
        lines = ", ".join(str(trigger.line) for trigger in stage.triggers)
        rows.append(f"  runs first what ONBUILD holds on line {lines}")
    width = max((len(step.id) for step in stage.steps), default=0)
    for step, after in _with_states(stage):
        line = f"line {step.instruction.line}"
        rows.append(f"  {step.id:<{width}}  {line:<8}  {_instruction(step)}")
        rows += [f"{'':{width + 14}}{row}" for row in _step_rows(step, after)]
    return "\n".join(rows)


def _instruction(step: Step) -> str:
    # No more than the part that can show is looked at: an instruction may be megabytes long.
    text = " ".join(printable(step.instruction.logical.text[: 8 * _WIDTH]).split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def _step_rows(step: Step, after: State) -> list[str]:
    keyword, before = step.instruction.keyword, step.state
    if keyword in ("ENV", "ARG"):
        bindings = after.env if keyword == "ENV" else after.args
        return [f"{keyword.lower()} {printable(n)}{_said(bindings.get(n))}" for n in _names(step)]
    if keyword == "WORKDIR" and after is not before:
        return [f"workdir{_said(after.workdir)}"]
    if keyword == "USER" and after is not before:
        return [f"user{_said(after.user)}"]
    if keyword == "SHELL" and after is not before:
        return [f"shell{_said(after.shell)}"]
    return [f"takes files from {what}" for what in dict.fromkeys(map(_base_text, step.sources))]


def _base_text(base: Base) -> str:
    if isinstance(base, StageBase):
        return f"stage {base.stage.label}"
    if isinstance(base, ImageBase):
        return f"image {printable(base.text)}"
    if isinstance(base, ScratchBase):
        return "scratch"
    return f"something unknown: {printable(base.reason)}"


def _graph(target: Stage) -> Iterator[str]:
    """Draws what the target is made from; a stage is followed where it is met first."""
    yield f"  stage {target.label}"
    seen = {target.index}
    pending = _branches(target, "  ")
    while pending:
        prefix, is_last, how, base = pending.pop()
        fork = "└─ " if is_last else "├─ "
        note = ""
        if isinstance(base, StageBase):
            if base.stage.index in seen:
                note = " (see above)"
            elif len(prefix) > 3 * _DEEPEST:
                note = " (and so on)"
            else:
                seen.add(base.stage.index)
                pending += _branches(base.stage, prefix + ("   " if is_last else "│  "))
        yield f"{prefix}{fork}{how} {_base_text(base)}{note}"


def _branches(stage: Stage, prefix: str) -> list[tuple[str, bool, str, Base]]:
    """The edges of a stage, last first, those of one kind to one place joined."""
    joined: dict[tuple[str, str], tuple[dict[int, None], Base]] = {}
    for by, line, base in _edges(stage):
        joined.setdefault((by, _base_text(base)), ({}, base))[0][line] = None
    rows = [
        (f"{by} (line {', '.join(map(str, lines))})", base)
        for (by, _), (lines, base) in joined.items()
    ]
    return [(prefix, at == len(rows) - 1, how, base) for at, (how, base) in enumerate(rows)][::-1]
