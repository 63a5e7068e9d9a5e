package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"nametag/internal/pgtest"
	"nametag/internal/postgres"
	"nametag/internal/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m.Run)) }

func TestStore(t *testing.T) { storetest.Run(t, newDatabase) }

func BenchmarkStore(b *testing.B) { storetest.Bench(b, newDatabase) }

// A database is a storetest.Database.
type database struct{ url string }

func newDatabase(t testing.TB) storetest.Database { return database{pgtest.URL(t)} }

func (d database) Open(ctx context.Context, opts storetest.Options) (storetest.Store, error) {
	return postgres.Open(ctx, d.url, postgres.Options{MaxConns: 8,
		ReadOnly: opts.ReadOnly, Migrate: opts.Migrate, SkipSchemaCheck: opts.SkipSchemaCheck, Logger: opts.Logger})
}

func (d database) Execute(t testing.TB, statement string) { execute(t, raw(t, d.url), statement) }

func (d database) Schema(t testing.TB) (schema string) {
	err := raw(t, d.url).QueryRow(t.Context(), `
		SELECT string_agg(line, E'\n' ORDER BY line) FROM (
			SELECT format('%s.%s %s %s %s %s %s', table_name, ordinal_position, column_name, data_type, collation_name, is_nullable, column_default)
			FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL
			SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
			UNION ALL
			SELECT indexdef FROM pg_indexes WHERE schemaname = 'public') AS lines (line)`).Scan(&schema)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func (d database) Protect(t testing.TB, key string) (lift func()) {
	d.Execute(t, `
		CREATE FUNCTION protect() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''protected''; END';
		CREATE TRIGGER protect BEFORE DELETE ON idempotency_keys
			FOR EACH ROW WHEN (old.key = '`+key+`') EXECUTE FUNCTION protect()`)
	return func() { d.Execute(t, `DROP TRIGGER protect ON idempotency_keys`) }
}

func open(t testing.TB, url string, opts postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, opts)
	return storetest.Opened(t, s, err)
}

// refused checks that the database cannot be opened, and returns the message.
func refused(t testing.TB, url string, opts postgres.Options) string {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, opts)
	return storetest.Refused(t, s, err)
}

// raw connects to the database without a store.
func raw(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

func execute(t testing.TB, conn *pgx.Conn, statement string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
