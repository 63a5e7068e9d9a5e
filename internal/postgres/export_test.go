package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"nametag/internal/registry"
)

// Pool returns the pool of connections.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Rekey does what opening does in a program that computes these keys.
func (s *Store) Rekey(ctx context.Context, version int64, keyOf func(registry.Name) string) error {
	return s.rekey(ctx, version, keyOf)
}
