"""Control laws, one a file; ``table`` lists them."""
