"""What packages of distributions are needed for at run time, and what images have of them."""
