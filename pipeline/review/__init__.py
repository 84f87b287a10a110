"""The review page: people look at what the batch found, and decide."""
