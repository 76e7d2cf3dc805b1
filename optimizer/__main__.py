"""``python -m optimizer``: the same as ``dockopt``."""

from optimizer.surfaces.cli import main

if __name__ == "__main__":
    main()
