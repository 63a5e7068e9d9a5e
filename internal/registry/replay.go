package registry

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// buckets is the number of parts into which a hash of the keys divides the names, to
// compare the registry with its journal: with ten million pets, each has some 150.
const buckets = 1 << 16

// maxBuckets is the greatest number of differing buckets that are examined. Each has at
// least one difference.
const maxBuckets = maxFaults

func bucketOf(key string) uint16 {
	h := sha256.Sum256([]byte(key))
	return binary.BigEndian.Uint16(h[:])
}

// sums has, for each bucket, the sum of the SHA-256 hashes of states, each taken as four
// numbers. The states that the journal leads to are added and those of the registry are
// subtracted, in any order, so a sum that is not zero shows a difference. No state has
// to be kept in memory.
type sums [buckets][4]uint64

func (s *sums) add(state State)      { s.count(state, func(sum *uint64, n uint64) { *sum += n }) }
func (s *sums) subtract(state State) { s.count(state, func(sum *uint64, n uint64) { *sum -= n }) }

func (s *sums) count(state State, by func(sum *uint64, n uint64)) {
	for _, part := range state.parts() {
		hash := part.hash()
		sum := &s[bucketOf(part.key())]
		for i := range sum {
			by(&sum[i], binary.BigEndian.Uint64(hash[8*i:]))
		}
	}
}

// replay applies e.
func (s *sums) replay(e Event) {
	s.subtract(e.Before)
	s.add(e.After)
}

// unequal returns the buckets whose sums are not zero, at most maxBuckets.
func (s *sums) unequal() map[uint16]bool {
	found := make(map[uint16]bool)
	for i, sum := range s {
		if sum != [4]uint64{} && len(found) < maxBuckets {
			found[uint16(i)] = true
		}
	}
	return found
}

// parts returns the pet and the ruling of s as separate states, because they may have
// different names.
func (s State) parts() (parts []State) {
	if s.Pet != nil {
		parts = append(parts, State{Pet: s.Pet})
	}
	if s.Ruling != nil {
		parts = append(parts, State{Ruling: s.Ruling})
	}
	return parts
}

// hash returns a hash of a state. Each text is preceded by its length, so that
// different states have different encodings.
func (s State) hash() [sha256.Size]byte {
	b := make([]byte, 0, 256)
	text := func(t string) {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	if p := s.Pet; p != nil {
		text("pet")
		for _, t := range []string{p.Name, p.NameKey, p.LookalikeKey, string(p.FavoriteColor), string(p.Category), strconv.FormatBool(p.LookalikeExempt)} {
			text(t)
		}
		b = binary.AppendVarint(b, p.RegisteredAt.UnixMicro())
	}
	if r := s.Ruling; r != nil {
		text("ruling")
		for _, t := range []string{string(r.Kind), r.Name, r.NameKey, r.LookalikeKey, r.Reason} {
			text(t)
		}
		b = binary.AppendVarint(b, r.At.UnixMicro())
		b = binary.AppendVarint(b, r.Until.UnixMicro())
	}
	return sha256.Sum256(b)
}

// A ledger has the states of some names, by key.
type ledger map[string]State

func (l ledger) put(s State) {
	for _, part := range s.parts() {
		now := l[part.key()]
		if part.Pet != nil {
			now.Pet = part.Pet
		} else {
			now.Ruling = part.Ruling
		}
		l[part.key()] = now
	}
}

func (l ledger) remove(s State) {
	for _, part := range s.parts() {
		now := l[part.key()]
		if part.Pet != nil {
			now.Pet = nil
		} else {
			now.Ruling = nil
		}
		if l[part.key()] = now; now == (State{}) {
			delete(l, part.key())
		}
	}
}

// among returns the part of s that is in some buckets.
func (s State) among(some map[uint16]bool) State {
	if s.Pet != nil && !some[bucketOf(s.Pet.NameKey)] {
		s.Pet = nil
	}
	if s.Ruling != nil && !some[bucketOf(s.Ruling.NameKey)] {
		s.Ruling = nil
	}
	return s
}

// differences compares some buckets of the registry with its journal, as they are at
// one moment, and returns a sentence for each difference, up to maxFaults. For each
// name, the last row of the journal counts.
func (r *Registry) differences(ctx context.Context, some map[uint16]bool) ([]string, error) {
	actual, journal := make(ledger), make(ledger)
	head, err := r.store.Snapshot(ctx, func(s State) error {
		actual.put(s.among(some))
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = r.eachUpTo(ctx, 0, head.Seq, func(rec Record) error {
		e, err := rec.Event()
		if err == nil {
			journal.remove(e.Before.among(some))
			journal.put(e.After.among(some))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all := maps.Clone(actual)
	maps.Copy(all, journal)
	var told []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		told = append(told, differ(actual[key], journal[key])...)
	}
	return told[:min(len(told), maxFaults)], nil
}

// differ describes how the states of a name differ in the registry and its journal.
func differ(actual, journal State) (told []string) {
	tell := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
	switch b, j := actual.Pet, journal.Pet; {
	case b == nil && j == nil:
	case j == nil:
		tell("“%s” is in the registry, but not in the journal.", b.Name)
	case b == nil:
		tell("“%s” is in the journal, but not in the registry.", j.Name)
	case State{Pet: b}.hash() != State{Pet: j}.hash():
		tell("“%s” is in the journal %s.", b.Name, strings.Join(petDiffers(b, j), ", "))
	}
	switch b, j := actual.Ruling, journal.Ruling; {
	case b == nil && j == nil:
	case j == nil:
		tell("A ruling on “%s” is in the registry, but not in the journal: %s.", b.Name, b.Kind)
	case b == nil:
		tell("A ruling on “%s” is in the journal, but not in the registry: %s.", j.Name, j.Kind)
	case State{Ruling: b}.hash() != State{Ruling: j}.hash():
		tell("The ruling on “%s” differs in the journal: %s.", b.Name, strings.Join(rulingDiffers(b, j), ", "))
	}
	return told
}

func petDiffers(actual, journal *PetState) []string {
	var ways differing
	ways.see("with another spelling", journal.Name, actual.Name)
	ways.see("with another colour", string(journal.FavoriteColor), string(actual.FavoriteColor))
	ways.see("with another category", string(journal.Category), string(actual.Category))
	ways.see("with another date", journal.RegisteredAt.Format(time.RFC3339Nano), actual.RegisteredAt.Format(time.RFC3339Nano))
	ways.see("with another lookalike key", journal.LookalikeKey, actual.LookalikeKey)
	ways.see("with another let_pass", strconv.FormatBool(journal.LookalikeExempt), strconv.FormatBool(actual.LookalikeExempt))
	return ways
}

func rulingDiffers(actual, journal *RulingState) []string {
	end := func(r *RulingState) string {
		if r.Until.IsZero() {
			return "none"
		}
		return r.Until.Format(time.RFC3339Nano)
	}
	var ways differing
	ways.see("its kind", string(journal.Kind), string(actual.Kind))
	ways.see("its spelling", journal.Name, actual.Name)
	ways.see("its reason", journal.Reason, actual.Reason)
	ways.see("its date", journal.At.Format(time.RFC3339Nano), actual.At.Format(time.RFC3339Nano))
	ways.see("its end", end(journal), end(actual))
	ways.see("its lookalike key", journal.LookalikeKey, actual.LookalikeKey)
	return ways
}

// differing is a list of differences.
type differing []string

func (d *differing) see(what, journal, actual string) {
	if journal != actual {
		*d = append(*d, fmt.Sprintf("%s: “%s”, not “%s”", what, journal, actual))
	}
}
