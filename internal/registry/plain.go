package registry

// Most names are printable ASCII. What becomes of them takes no tables of
// Unicode, and a fraction of the time; the results are the same.

// isPlain reports whether s has nothing but printable ASCII and spaces.
func isPlain[S ~string | ~[]byte](s S) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
