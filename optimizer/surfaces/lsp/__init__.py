"""`dockopt lsp`: the language server, thin over the same proposals.

The event loop reads and answers messages; one thread beside it does all looking at files, so
that nothing which an analysis holds is ever shared. Only this room knows of the protocol.
"""
