"""What each step costs, as code lenses and hovers."""

from __future__ import annotations

from lsprotocol import types

from optimizer.cst.source import Span
from optimizer.model.stages import Step
from optimizer.pipeline import Look
from optimizer.report.editor import hover, lens
from optimizer.step_table import step_table
from optimizer.surfaces.lsp.analyst import Seen
from optimizer.surfaces.lsp.positions import Text
from optimizer.view import View


def lenses(seen: Seen) -> list[types.CodeLens]:
    """Returns one lens above each step that BuildKit solves. They show and do nothing."""
    view = _view(seen)
    if view is None:
        return []
    table = step_table(view)
    places = {step.id: step for step in _steps(view)}
    return [
        types.CodeLens(
            range=seen.document.text.first_line(places[row.id].instruction.code),
            command=types.Command(title=lens(row, table), command=""),
        )
        for row in table.rows
    ]


def hover_at(seen: Seen, position: types.Position, *, markdown: bool) -> types.Hover | None:
    """Returns what is to be known of the step at ``position``."""
    view = _view(seen)
    if view is None:
        return None
    text = seen.document.text
    at = text.offset(position)
    step = next((each for each in _steps(view) if _covers(each, at)), None)
    return None if step is None else _hover(view, step, text, markdown=markdown)


def _hover(view: View, step: Step, text: Text, *, markdown: bool) -> types.Hover:
    table = step_table(view)
    row = next((each for each in table.rows if each.id == step.id), None)
    vertex = next((each for each in view.cache.vertices if each.step.id == step.id), None)
    said = hover(view.effects(step), vertex, row, table)
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    if not markdown:
        said = "\n".join(line for line in said.split("\n") if not line.startswith("~~~"))
    return types.Hover(types.MarkupContent(kind, said), text.first_line(step.instruction.code))


def _view(seen: Seen) -> View | None:
    return seen.look.view if isinstance(seen.look, Look) else None


def _steps(view: View) -> list[Step]:
    return [step for stage in view.stages.stages for step in stage.steps]


def _covers(step: Step, at: int) -> bool:
    span: Span = step.instruction.code
    return span.start <= at <= span.end
