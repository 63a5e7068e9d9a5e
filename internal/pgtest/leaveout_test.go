package pgtest

import (
	"errors"
	"testing"
)

// A spy records how a test would end.
type spy struct {
	testing.TB
	ended string
}

func (s *spy) Helper()      {}
func (s *spy) Skip(...any)  { s.ended = "skipped" }
func (s *spy) Fatal(...any) { s.ended = "failed" }

func TestTestsAreSkippedOnlyIfNotRequired(t *testing.T) {
	for _, c := range []struct {
		required string
		err      error
		want     string
	}{
		{"", errNoPostgres, "skipped"},
		{"browser", errNoPostgres, "skipped"},
		{"postgres", errNoPostgres, "failed"},
		{"browser,postgres", errNoPostgres, "failed"},
		{"", errors.New("initdb failed"), "failed"},
	} {
		t.Setenv("NAMETAG_TEST_REQUIRE", c.required)
		s := &spy{TB: t}
		LeaveOut(s, c.err)
		if s.ended != c.want {
			t.Errorf("required %q, %v: the test is %s, want %s", c.required, c.err, s.ended, c.want)
		}
	}
}
