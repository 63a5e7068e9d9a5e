package registry

import "strings"

// isPlain reports whether s has only printable ASCII and spaces, as most names do.
// Such text needs no Unicode tables, and so a fraction of the time.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// parsePlain is ParseName for a plain name without surplus spaces, as most names are. It reads the text once, which
// saves 2 % of a check's CPU time (go test -bench Handler/Check ./internal/web). Together with the metrics that are
// looked up once (2 %) and the shared header values (3 %), it saves more than 5 %. ok is false for other text, and for
// text that is not a valid name.
func parsePlain(s string) (n Name, ok bool) {
	if len(s) > MaxNameLength || strings.HasSuffix(s, " ") {
		return Name{}, false
	}
	hasSubstance, before := false, byte(' ')
	for i := range len(s) {
		c := s[i]
		switch {
		case c < ' ' || c > '~' || c == ' ' && before == ' ':
			return Name{}, false
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
			hasSubstance = true
		}
		before = c
	}
	if !hasSubstance {
		return Name{}, false
	}
	return RestoreName(s, strings.ToLower(s)), true
}
