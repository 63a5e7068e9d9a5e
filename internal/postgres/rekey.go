package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"nametag/internal/registry"
)

// rekey gives all pets and rulings the lookalike keys that keyOf returns, unless theirs have this version. Meanwhile
// other calls of rekey, and all transactions that change the registry, wait.
func (s *Store) rekey(ctx context.Context, version int64, keyOf func(registry.Name) string) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var from int64
		err := tx.QueryRow(ctx, `SELECT version FROM lookalike_keys FOR UPDATE`).Scan(&from)
		if err != nil || from == version {
			return err
		}
		keys := snapshotTransaction{&transaction{Conn: tx.Conn(), begun: true, optimism: &s.optimism}}
		if err := registry.RekeyTx(ctx, keys, from, keyOf, s.log); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE lookalike_keys SET version = $1`, version)
		return err
	})
}

// A snapshotTransaction implements registry.SnapshotTx in a transaction that has begun.
type snapshotTransaction struct{ *transaction }

// Write implements registry.SnapshotTx.
func (tx snapshotTransaction) Write(ctx context.Context, c registry.Changes) error {
	b := tx.batch()
	queueChanges(b, c)
	err := tx.SendBatch(ctx, b).Close()
	if errors.Is(err, errHeadMoved) {
		return errWrongHead
	}
	return err
}

// Snapshot implements registry.SnapshotTx.
func (tx snapshotTransaction) Snapshot(ctx context.Context, visit func(registry.State) error) error {
	return eachState(ctx, tx, visit)
}
