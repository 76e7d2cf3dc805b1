"""The doors: argv, configuration, reading and writing files.

The only room that knows of the process it runs in.
"""
