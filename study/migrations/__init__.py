"""How the studies' database came to be what `study.schema` says, one revision after the other (Alembic)."""
