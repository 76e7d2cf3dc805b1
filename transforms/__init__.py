"""The rewrites, one file each, in the order in which they are tried.

Left out on purpose: merging every RUN. Fewer layers, but one edit rebuilds all.
"""

from __future__ import annotations

from optimizer.facade import Transform
from transforms.complete_manifests import CompleteManifests
from transforms.copy_manifests_first import CopyManifestsFirst
from transforms.order_by_volatility import OrderByVolatility

CATALOGUE: tuple[Transform, ...] = (
    CopyManifestsFirst(),
    # Behind it: what was taken from a COPY of everything is complete by then.
    CompleteManifests(),
    # Behind both: a COPY that is split has parts which seldom change, and those can be ordered.
    OrderByVolatility(),
)
