"""Results in words, and as folders of tables and charts."""
