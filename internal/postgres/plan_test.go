package postgres_test

import (
	"fmt"
	"testing"

	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/storetest"
)

// TestARegistrationReadsNoWholeJournal registers pets after PostgreSQL has taken statistics of a journal with one row. For
// such a small table, it plans to read all of it, and a connection keeps that plan while the table grows.
func TestARegistrationReadsNoWholeJournal(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, url, postgres.Options{Migrate: true})
	storetest.Enter(t, s, "Rex")
	conn := raw(t, url)
	execute(t, conn, `VACUUM ANALYZE`)

	const pets = 300
	for i := range pets {
		storetest.Enter(t, s, fmt.Sprintf("Pet %d", i))
	}
	s.Close() // which reports what its connections read

	var read int
	if err := conn.QueryRow(t.Context(), `SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'journal'`).Scan(&read); err != nil {
		t.Fatal(err)
	}
	if read > 2*pets {
		t.Errorf("%d registrations read %d rows of the journal without an index", pets, read)
	}
}
