"""dockopt: rewrites Dockerfiles so that their layer cache is reused.

The rooms, from the ground up: `cst` (text to tree and back), `shell` (what
stands inside a RUN), `knowledge` (tables: package managers, commands, images),
`model` (stages and the state at each step), `context` (the files a build
sends), `effects` (what a step reads and writes), `cache` (what an edit makes
run again), then `proposal`, `view`, `transform`, `pipeline`, `report` and
`surfaces`. A transform imports `facade` alone. Imports only look down.
"""
