"""The words that a transform may use. Everything else is a room of its own and may change."""

from __future__ import annotations

from optimizer.comments import blank_line_above, is_set_apart, line_below, says_bust_cache
from optimizer.context.file_edit import FileEdit
from optimizer.cst.edit import Edit, Insert, Move, Remove, Replace
from optimizer.cst.source import Span
from optimizer.effects.copies import CopyStep, ForeignCopy, read_copy
from optimizer.effects.hiding import copies_from_host, covered, hide
from optimizer.effects.installs import InstallStep
from optimizer.effects.manifests import copy_lines, place_in_list, staying_files
from optimizer.effects.passing import copy_conflict, run_conflict, touch_conflict
from optimizer.effects.sources import brings_more, brings_sources, sample_edit
from optimizer.knowledge.installs import Inputs, Obstacle
from optimizer.model.stages import Stage, Step
from optimizer.model.triggers import runs_triggers
from optimizer.proposal import Evidence, Proposal, Refusal, Safety
from optimizer.transform import Transform
from optimizer.view import View

__all__ = [
    "CopyStep",
    "Edit",
    "Evidence",
    "FileEdit",
    "ForeignCopy",
    "Inputs",
    "Insert",
    "InstallStep",
    "Move",
    "Obstacle",
    "Proposal",
    "Refusal",
    "Remove",
    "Replace",
    "Safety",
    "Span",
    "Stage",
    "Step",
    "Transform",
    "View",
    "blank_line_above",
    "brings_more",
    "brings_sources",
    "copies_from_host",
    "copy_conflict",
    "copy_lines",
    "covered",
    "hide",
    "is_set_apart",
    "line_below",
    "place_in_list",
    "read_copy",
    "run_conflict",
    "runs_triggers",
    "sample_edit",
    "says_bust_cache",
    "staying_files",
    "touch_conflict",
]
