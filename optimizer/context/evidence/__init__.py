"""What the files of a repository say about how its images are built, one module per kind of file.

Readers take text and give `Build` and `Unread` values. They run nothing, ask
nothing of the environment, and look only at the file they were given and at
the files of the repository that it names.
"""
