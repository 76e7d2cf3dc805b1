"""Which files are sources: text that people edit, by the end of the name."""

from __future__ import annotations

# Source: the programming languages of GitHub Linguist (languages.yml, type: programming, and
# the markup types that web projects compile), first extensions, as of v9.
SOURCE_SUFFIXES = frozenset(
    {
        ".astro", ".c", ".cc", ".clj", ".cpp", ".cs", ".css", ".cu", ".d", ".dart", ".erl",
        ".ex", ".exs", ".f90", ".fs", ".go", ".groovy", ".h", ".hpp", ".hs", ".html", ".java",
        ".jl", ".js", ".jsx", ".kt", ".kts", ".less", ".lua", ".m", ".mjs", ".cjs", ".ml", ".mts",
        ".php", ".pl", ".proto", ".py", ".pyi", ".pyx", ".r", ".rb", ".rs", ".sass", ".scala",
        ".scss", ".sh", ".sql", ".svelte", ".swift", ".templ", ".tf", ".ts", ".tsx", ".vb",
        ".vue", ".zig",
    }
)  # fmt: skip
