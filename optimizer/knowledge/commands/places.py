"""Places in an image that several subjects share."""

from __future__ import annotations

# Where packages of a distribution put files (Filesystem Hierarchy Standard 3.0; Debian policy
# 9.1.1). /home, /root and /srv belong to the site, /opt to add-on software, which keeps to
# directories of its vendor's name (FHS 3.13), and below /usr/src packages keep to directories of
# their own names.
SYSTEM = (
    "/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/run", "/sbin",
    "/usr/bin", "/usr/games", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64",
    "/usr/libexec", "/usr/local", "/usr/sbin", "/usr/share", "/var",
)  # fmt: skip
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/nsswitch.conf")
"""What names of users and groups are looked up in (nsswitch.conf(5), passwd(5), group(5))."""
LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib")
"""Where ld.so(8) and ldconfig(8) look for libraries."""
