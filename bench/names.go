package main

import "strings"

// Numbers stand for names: those from 0 on are in the registry, those from freeNames on are never registered, and those
// from newNames on are what a run registers.
const (
	freeNames = 1 << 32
	newNames  = 6_000_000_000
	allNames  = 10_000_000_000 // 100 syllables, 5 in a name
)

// scramble has no divisor in common with allNames, so each number has a name of its own, and names with neighbouring
// numbers are far apart in the alphabet.
const scramble = 1_618_033_989

const nameLength = 10 // bytes

// syllables are "ba", "be" and so on.
var syllables = func() (all []string) {
	for _, consonant := range strings.Split("bcdfghjklmnpqrstvwxz", "") {
		for _, vowel := range strings.Split("aeiou", "") {
			all = append(all, consonant+vowel)
		}
	}
	return all
}()

// appendName appends name number n, which is less than allNames, to b: five syllables, such as "Bemakotuni".
func appendName(b []byte, n uint64) []byte {
	n = n * scramble % allNames
	start := len(b)
	for range 5 {
		b = append(b, syllables[n/(allNames/100)]...)
		n = n % (allNames / 100) * 100
	}
	b[start] -= 'a' - 'A'
	return b
}

// nameOf returns name number n.
func nameOf(n uint64) string { return string(appendName(make([]byte, 0, nameLength), n)) }
