"""Rust: cargo and cargo-chef."""
