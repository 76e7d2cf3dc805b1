"""What builds of C and C++ leave: make, CMake, configure scripts and the compilers themselves."""
