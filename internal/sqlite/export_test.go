package sqlite

import (
	"context"

	"nametag/internal/registry"
)

// Rekey does what opening does in a program that computes these keys.
func (s *Store) Rekey(ctx context.Context, version int64, keyOf func(registry.Name) string) error {
	return s.rekey(ctx, version, keyOf)
}
