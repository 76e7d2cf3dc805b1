"""The words that a transform may use. Everything else is a room of its own and may change."""

from __future__ import annotations

from optimizer.cache.order import Item
from optimizer.cache.plan import LEAST_SECONDS, Plan, Row
from optimizer.comments import blank_line_above, is_set_apart, line_below, said, says_bust_cache
from optimizer.context.file_edit import FileEdit
from optimizer.cst.edit import Edit, Insert, Move, Remove, Replace
from optimizer.cst.nodes import Instruction, Pair
from optimizer.cst.source import Span
from optimizer.effects.conflict import Conflict, conflict
from optimizer.effects.copies import CopyStep, ForeignCopy, read_copy
from optimizer.effects.effects import Effects
from optimizer.effects.hiding import copies_from_host, covered, hide
from optimizer.effects.installs import InstallStep
from optimizer.effects.manifests import copy_lines, place_in_list, staying_files
from optimizer.effects.sources import brings_more, brings_sources, sample_edit
from optimizer.knowledge.arguments import busts_cache, changes_per_build, watches
from optimizer.knowledge.installs import Inputs, Obstacle
from optimizer.model.stages import Stage, StageBase, Step
from optimizer.model.triggers import runs_triggers
from optimizer.model.values import Known
from optimizer.proposal import Basis, Evidence, Proposal, Refusal, Safety
from optimizer.rearrange import rearrange
from optimizer.transform import Transform
from optimizer.view import View

__all__ = [
    "LEAST_SECONDS",
    "Basis",
    "Conflict",
    "CopyStep",
    "Edit",
    "Effects",
    "Evidence",
    "FileEdit",
    "ForeignCopy",
    "Inputs",
    "Insert",
    "InstallStep",
    "Instruction",
    "Item",
    "Known",
    "Move",
    "Obstacle",
    "Pair",
    "Plan",
    "Proposal",
    "Refusal",
    "Remove",
    "Replace",
    "Row",
    "Safety",
    "Span",
    "Stage",
    "StageBase",
    "Step",
    "Transform",
    "View",
    "blank_line_above",
    "brings_more",
    "brings_sources",
    "busts_cache",
    "changes_per_build",
    "conflict",
    "copies_from_host",
    "copy_lines",
    "covered",
    "hide",
    "is_set_apart",
    "line_below",
    "place_in_list",
    "read_copy",
    "rearrange",
    "runs_triggers",
    "said",
    "sample_edit",
    "says_bust_cache",
    "staying_files",
    "watches",
]
