package main

// Numbers stand for names. Those from 0 on are in the book; those from
// freeNames on are never registered; those from newNames on are what a run
// registers, one after another.
const (
	freeNames = 1 << 32
	newNames  = 6_000_000_000
	allNames  = 10_000_000_000 // 100 syllables, 5 in a name
)

const (
	consonants = "bcdfghjklmnpqrstvwxz"
	vowels     = "aeiou"
	nameLength = 10 // bytes
)

// scramble has no divisor in common with allNames, so no name comes twice, and
// names with neighbouring numbers are far apart in the alphabet.
const scramble = 1_618_033_989

// appendName appends name number n to b: five syllables, such as "Bemakotuni".
// n is less than allNames.
func appendName(b []byte, n uint64) []byte {
	n = n * scramble % allNames
	start := len(b)
	for range 5 {
		syllable := n / (allNames / 100)
		b = append(b, consonants[syllable/5], vowels[syllable%5])
		n = n % (allNames / 100) * 100
	}
	b[start] -= 'a' - 'A'
	return b
}

// nameOf returns name number n.
func nameOf(n uint64) string { return string(appendName(make([]byte, 0, nameLength), n)) }
