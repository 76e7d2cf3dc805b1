"""What builds on the JVM leave for the run time: archives and folders of them.

Sources are named in the modules of each build tool beside this one.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from optimizer.knowledge.installs import Call, Obstacle
from optimizer.knowledge.jvm import wrapper
from optimizer.knowledge.products import Made, Producer, Product

_TOOLS = {
    "mvn": "maven_products", "mvnw": "maven_products",
    "gradle": "gradle_products", "gradlew": "gradle_products",
    "sbt": "sbt_products", "javac": "javac_products", "jar": "javac_products",
}  # fmt: skip


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what a build tool leaves; see `optimizer.knowledge.products.Producer`."""
    inner = wrapper.bare(call)
    name = _TOOLS.get(inner.program)
    if name is None:
        return None
    module: Any = import_module(f"optimizer.knowledge.jvm.{name}")
    tool: Producer = module
    return tool.product(inner, made)
