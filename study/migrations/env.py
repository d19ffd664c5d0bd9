"""Alembic runs this for every command; `study.store.migrating` gives it a connection inside a transaction."""

from alembic import context

from study.schema import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
