"""Entries are hashed with the ledger's key: no table changes, but programs that do not know the key must not append."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing to change: see `loop_core.ledger.ledger`, which marks the change of rule."""


def downgrade() -> None:
    """Nothing to change."""
