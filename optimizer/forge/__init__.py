"""The forges: GitHub, GitLab, Gitea and Forgejo behind one small interface.

A token is sent to the host it was found for and nowhere else, never in an address, and stands in
no message. Requests are few and one after the other, as the forges ask for.
"""
