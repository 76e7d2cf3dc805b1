"""The rewrites, one file each, in the order in which they are tried.

Left out on purpose: merging every RUN. Fewer layers, but one edit rebuilds all.
"""

from __future__ import annotations

from optimizer.facade import Transform
from transforms.copy_manifests_first import CopyManifestsFirst
from transforms.order_by_volatility import OrderByVolatility

CATALOGUE: tuple[Transform, ...] = (
    CopyManifestsFirst(),
    # Behind it: a COPY that is split has parts which seldom change, and those can be ordered.
    OrderByVolatility(),
)
