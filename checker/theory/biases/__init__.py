"""Networks with biases, which are not homogeneous, and their flows."""
