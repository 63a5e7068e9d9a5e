package pebbletest

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
	for required, want := range map[string]string{
		"": "skipped", "postgres": "skipped", "acme": "failed", "postgres,acme,race": "failed",
	} {
		t.Setenv("NAMETAG_TEST_REQUIRE", required)
		s := &spy{TB: t}
		leaveOut(s, errors.New("ACME tests left out: for a test"))
		if s.ended != want {
			t.Errorf("required %q: the test is %s, want %s", required, s.ended, want)
		}
	}
}
