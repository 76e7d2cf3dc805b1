"""The words that a transform may use. Everything else is a room of its own and may change."""

from __future__ import annotations

from optimizer.cache.order import Item
from optimizer.cache.plan import LEAST_SECONDS, Plan, Row
from optimizer.comments import blank_line_above, is_set_apart, line_below, said, says_bust_cache
from optimizer.context.file_edit import FileEdit
from optimizer.cst.edit import Edit, Insert, Move, Remove, Replace
from optimizer.cst.nodes import Instruction, Pair
from optimizer.cst.source import Span
from optimizer.effects.added_packages import added_packages
from optimizer.effects.authorities import AUTHORITIES
from optimizer.effects.base_words import renamed_base
from optimizer.effects.cache_mounts import CacheMounts, Surroundings, cache_mounts
from optimizer.effects.conflict import Conflict, conflict
from optimizer.effects.copies import CopyStep, ForeignCopy, read_copy
from optimizer.effects.dependencies import DependencyStep, keeps_downloads, run_line
from optimizer.effects.effects import Effects
from optimizer.effects.ended import ended_images
from optimizer.effects.hiding import covered, ignoring
from optimizer.effects.installs import InstallStep
from optimizer.effects.manifests import copy_lines, place_in_list, staying_files
from optimizer.effects.missing import Missing, added_words, list_to_extend
from optimizer.effects.noise import Quiet, Secret, noise, secrets
from optimizer.effects.noise import Surroundings as NoiseAround
from optimizer.effects.package_lists import LISTS as PACKAGE_LISTS
from optimizer.effects.package_lists import (
    KeptLists,
    LoneUpdate,
    kept_lists,
    lists_copied,
    lists_wanted_later,
    lone_update,
    runs_below,
)
from optimizer.effects.placement import (
    Place,
    inherited_sources,
    lines_in_place,
    place_for,
    settled_above,
)
from optimizer.effects.precompiled import NotPrecompiled, Precompiling
from optimizer.effects.pruned_apart import PrunedApart
from optimizer.effects.recommended import Recommended
from optimizer.effects.runtime_base import RuntimeBase
from optimizer.effects.sources import (
    brings_a_folder,
    brings_more,
    brings_sources,
    sample_edit,
)
from optimizer.effects.split.plan import Plan as SplitPlan
from optimizer.effects.static_site import WORKDIR, StaticSite
from optimizer.flag_proposals import flag_proposals
from optimizer.knowledge.arguments import busts_cache, changes_per_build, watches
from optimizer.knowledge.distribution.recommended import source as recommended_source
from optimizer.knowledge.image_sizes import image_bytes
from optimizer.knowledge.installs import Inputs, Obstacle
from optimizer.model.stages import ImageBase, Stage, StageBase, Step
from optimizer.model.triggers import runs_triggers
from optimizer.model.unreached import Unreached
from optimizer.model.values import Known
from optimizer.proposal import Basis, Evidence, Proposal, Refusal, Safety
from optimizer.rearrange import rearrange
from optimizer.transform import Transform
from optimizer.view import View

__all__ = [
    "AUTHORITIES",
    "LEAST_SECONDS",
    "PACKAGE_LISTS",
    "WORKDIR",
    "Basis",
    "CacheMounts",
    "Conflict",
    "CopyStep",
    "DependencyStep",
    "Edit",
    "Effects",
    "Evidence",
    "FileEdit",
    "ForeignCopy",
    "ImageBase",
    "Inputs",
    "Insert",
    "InstallStep",
    "Instruction",
    "Item",
    "KeptLists",
    "Known",
    "LoneUpdate",
    "Missing",
    "Move",
    "NoiseAround",
    "NotPrecompiled",
    "Obstacle",
    "Pair",
    "Place",
    "Plan",
    "Precompiling",
    "Proposal",
    "PrunedApart",
    "Quiet",
    "Recommended",
    "Refusal",
    "Remove",
    "Replace",
    "Row",
    "RuntimeBase",
    "Safety",
    "Secret",
    "Span",
    "SplitPlan",
    "Stage",
    "StageBase",
    "StaticSite",
    "Step",
    "Surroundings",
    "Transform",
    "Unreached",
    "View",
    "added_packages",
    "added_words",
    "blank_line_above",
    "brings_a_folder",
    "brings_more",
    "brings_sources",
    "busts_cache",
    "cache_mounts",
    "changes_per_build",
    "conflict",
    "copy_lines",
    "covered",
    "ended_images",
    "flag_proposals",
    "ignoring",
    "image_bytes",
    "inherited_sources",
    "is_set_apart",
    "keeps_downloads",
    "kept_lists",
    "line_below",
    "lines_in_place",
    "list_to_extend",
    "lists_copied",
    "lists_wanted_later",
    "lone_update",
    "noise",
    "place_for",
    "place_in_list",
    "read_copy",
    "rearrange",
    "recommended_source",
    "renamed_base",
    "run_line",
    "runs_below",
    "runs_triggers",
    "said",
    "sample_edit",
    "says_bust_cache",
    "secrets",
    "settled_above",
    "staying_files",
    "watches",
]
