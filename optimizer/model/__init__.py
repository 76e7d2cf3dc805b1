"""What a Dockerfile means: stages, steps, and the state in force at each of them."""
