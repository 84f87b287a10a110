"""Run by alembic: migrate over the connection that `pipeline.batch.connection` hands in, in its transaction."""

from alembic import context

from pipeline.batch.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
