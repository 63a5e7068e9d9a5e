package cli_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMigrateSaysFromWhichVersionToWhich(t *testing.T) {
	onBoth(t, func(t *testing.T, database string) {
		if r := run(t, nil, "", "migrate", "--check", "--database", database); r.code != 1 {
			t.Errorf("migrate --check of an empty database: exit code %d, want 1", r.code)
		}
		if out := must(t, "migrate", "--database", database); !strings.Contains(out, "migrated from version 0 to version ") {
			t.Errorf("migrate says %q", out)
		}
		if out := must(t, "migrate", "--database", database); !strings.Contains(out, "up to date") {
			t.Errorf("migrate says %q the second time", out)
		}
		if out := must(t, "migrate", "--status", "--database", database); !strings.Contains(out, "up to date") {
			t.Errorf("migrate --status says %q", out)
		}
		if got := names(t, database); len(got) > 0 {
			t.Errorf("the book has %v", got)
		}
	})
}

func TestMigrateListsPetsWhoseNamesLookAlike(t *testing.T) {
	dump, err := os.ReadFile("../sqlite/testdata/schema-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	database := filepath.Join(t.TempDir(), "pets.db")
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(dump)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r := run(t, nil, "", "migrate", "--database", database)
	if r.code != 0 || !strings.Contains(r.stdout, "migrated from version 1 to version ") || !strings.Contains(r.stderr, "name=Bella looks_like=Bel-la") {
		t.Errorf("migrate: exit code %d, %s%s", r.code, r.stdout, r.stderr)
	}
	if r := run(t, nil, "", "migrate", "--database", database); r.code != 0 || r.stderr != "" {
		t.Errorf("migrate again: exit code %d, %s", r.code, r.stderr)
	}
	must(t, "journal", "verify", "--database", database)
}

func TestMigrateCheckCreatesNothing(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	refuses(t, run(t, nil, "", "migrate", "--check", "--database", database), 1, database)
	if files, _ := os.ReadDir(filepath.Dir(database)); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}
