"""The models: pure functions on arrays, one for each link of the chain."""
