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

// plainLooks has what a reader makes of each plain character by itself; "" for
// what is overlooked.
var plainLooks = func() (looks [0x7f]string) {
	for c := rune(' '); c <= '~'; c++ {
		if !overlooked(c) {
			looks[c] = settle(string(smallLetter(c)))
		}
	}
	return looks
}()

// appendPlainLookalike is AppendLookalikeKey for plain text; it appends nothing
// for what has only punctuation.
func appendPlainLookalike[S ~string | ~[]byte](key []byte, text S) []byte {
	inWord, small := false, false // whether the word has had a letter, and a small one
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z':
			inWord, small = true, true
		case 'A' <= c && c <= 'Z':
			if c == 'I' && inWord && readsAsL(small, string(text[i+1:])) {
				c = 'l'
			}
			inWord = true
		default:
			inWord, small = false, false
		}
		if look := plainLooks[c]; len(look) == 1 { // most are, and a byte is appended without a call
			key = append(key, look[0])
		} else {
			key = append(key, look...)
		}
	}
	return key
}
