"""`dockopt pr`: from proposals to branches and pull requests, in a clone of its own.

Commits are made with git's plumbing, so that no hook and no filter of a repository runs. A branch
is replaced only while all its commits are dockopt's own, as their seals say, and only if it still
is what was read. Every step may be repeated, so that a run that was killed is simply run again.
"""
