"""The rewrites, one file each, in the order in which they are tried.

Left out on purpose: merging every RUN. Fewer layers, but one edit rebuilds all.
"""

from __future__ import annotations

from optimizer.facade import Transform
from transforms.compile_standard_library_first import CompileStandardLibraryFirst
from transforms.complete_manifests import CompleteManifests
from transforms.copy_manifests_first import CopyManifestsFirst
from transforms.copy_with_chmod import CopyWithChmod
from transforms.copy_with_chown import CopyWithChown
from transforms.drop_package_lists import DropPackageLists
from transforms.drop_unreachable_stage import DropUnreachableStage
from transforms.ignore_noise import IgnoreNoise
from transforms.join_apt_update import JoinAptUpdate
from transforms.mount_package_cache import MountPackageCache
from transforms.order_by_volatility import OrderByVolatility
from transforms.prune_in_own_stage import PruneInOwnStage
from transforms.serve_static_with_nginx import ServeStaticWithNginx
from transforms.skip_recommended_packages import SkipRecommendedPackages
from transforms.split_builder_stage import SplitBuilderStage
from transforms.swap_slim_base import SwapSlimBase

CATALOGUE: tuple[Transform, ...] = (
    # Above all else: what does not come into the context is in nobody's way.
    IgnoreNoise(),
    # Above what moves steps: a RUN that is gone is in nobody's way.
    CopyWithChmod(),
    CopyWithChown(),
    # Above the split, which would leave it a stage that builds nothing. On request.
    ServeStaticWithNginx(),
    # Above what orders steps: it makes the stages whose steps are ordered then.
    SplitBuilderStage(),
    # Behind it: a stage that built something may not start from a smaller image.
    SwapSlimBase(),
    CopyManifestsFirst(),
    # Behind it: what was taken from a COPY of everything is complete by then.
    CompleteManifests(),
    # Behind both: what it compiles stands below the modules.
    CompileStandardLibraryFirst(),
    # Behind both: a COPY that is split has parts which seldom change, and those can be ordered.
    OrderByVolatility(),
    # Behind what moves steps: what stands between an install and its pruning then stays there.
    PruneInOwnStage(),
    # Behind what moves and cuts RUNs: what is below a RUN then stays below it.
    JoinAptUpdate(),
    # Behind it: a RUN of its own for the lists cannot remove them.
    DropPackageLists(),
    # Behind what cuts RUNs: what is installed for the builder stage is another question.
    SkipRecommendedPackages(),
    # Behind what moves and cuts RUNs: a mount counts where it stands in the end.
    MountPackageCache(),
    # Changes nothing.
    DropUnreachableStage(),
)
