"""The overnight batch: a durable ledger of files, jobs and results."""
