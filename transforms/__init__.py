"""The rewrites, one file each, in the order in which they are tried.

Left out on purpose: merging every RUN. Fewer layers, but one edit rebuilds all.
"""

from __future__ import annotations

from optimizer.facade import Transform
from transforms.complete_manifests import CompleteManifests
from transforms.copy_manifests_first import CopyManifestsFirst
from transforms.order_by_volatility import OrderByVolatility
from transforms.serve_static_with_nginx import ServeStaticWithNginx
from transforms.split_builder_stage import SplitBuilderStage
from transforms.swap_slim_base import SwapSlimBase

CATALOGUE: tuple[Transform, ...] = (
    # Above the split, which would leave it a stage that builds nothing. On request.
    ServeStaticWithNginx(),
    # Above what orders steps: it makes the stages whose steps are ordered then.
    SplitBuilderStage(),
    # Behind it: a stage that built something may not start from a smaller image.
    SwapSlimBase(),
    CopyManifestsFirst(),
    # Behind it: what was taken from a COPY of everything is complete by then.
    CompleteManifests(),
    # Behind both: a COPY that is split has parts which seldom change, and those can be ordered.
    OrderByVolatility(),
)
