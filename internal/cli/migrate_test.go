package cli_test

import (
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

func TestMigrateCheckCreatesNothing(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	refuses(t, run(t, nil, "", "migrate", "--check", "--database", database), 1, database)
	if files, _ := os.ReadDir(filepath.Dir(database)); len(files) > 0 {
		t.Errorf("there is %v", files)
	}
}
