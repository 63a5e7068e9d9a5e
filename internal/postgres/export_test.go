package postgres

import "github.com/jackc/pgx/v5/pgxpool"

// Pool returns the pool of connections.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }
