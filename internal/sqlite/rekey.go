package sqlite

import (
	"context"

	"nametag/internal/registry"
)

// rekey gives all pets and rulings the lookalike keys that keyOf returns, unless theirs have this version.
func (s *Store) rekey(ctx context.Context, version int64, keyOf func(registry.Name) string) error {
	return s.write(ctx, "compute the lookalike keys", func(tx *transaction) error {
		var from int64
		err := tx.QueryRowContext(ctx, `SELECT version FROM lookalike_keys`).Scan(&from)
		if err != nil || from == version {
			return err
		}
		if err := registry.RekeyTx(ctx, snapshotTransaction{tx, s}, from, keyOf, s.log); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE lookalike_keys SET version = ?`, version)
		return err
	})
}

// A snapshotTransaction implements registry.SnapshotTx.
type snapshotTransaction struct {
	*transaction
	store *Store
}

// Snapshot implements registry.SnapshotTx. It reads with another connection, which
// sees the state before the transaction.
func (tx snapshotTransaction) Snapshot(ctx context.Context, visit func(registry.State) error) error {
	_, err := tx.store.Snapshot(ctx, visit)
	return err
}
