package registry

// isPlain reports whether s has only printable ASCII and spaces, as most names do.
// Such text needs no Unicode tables, and so a fraction of the time.
func isPlain[S ~string | ~[]byte](s S) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
