"""The engine: scenarios compiled to arrays, lanes of draws, executors, statistics."""
