"""Alembic's entry: runs the migrations on the connection that `ledger.database` hands over."""

from alembic import context

from loop_core.ledger.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="loopbench_schema",
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
