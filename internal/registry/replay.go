package registry

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// buckets is the number of parts into which a hash of the keys divides the names, to
// compare the registry with its journal: with ten million pets, each has some 150.
const buckets = 1 << 16

// sums has, for each bucket, the sum of the SHA-256 hashes of items, each taken as four numbers. The items that the
// journal leads to are added and those of the registry are subtracted, in any order, so a sum that is not zero shows a
// difference. No item has to be kept in memory.
type sums [buckets][4]uint64

// add adds the items of a state; with the sign minus, it subtracts them.
func (s *sums) add(state State, sign uint64) {
	for _, it := range state.items() {
		hash := it.hash()
		sum := &s[it.bucket()]
		for i := range sum {
			sum[i] += sign * binary.BigEndian.Uint64(hash[8*i:])
		}
	}
}

// Signs, modulo 2^64.
const plus, minus = 1, math.MaxUint64

// unequal returns the buckets whose sums are not zero, at most maxFaults: each has at least one difference.
func (s *sums) unequal() map[uint16]bool {
	found := make(map[uint16]bool)
	for i, sum := range s {
		if sum != [4]uint64{} && len(found) < maxFaults {
			found[uint16(i)] = true
		}
	}
	return found
}

// An item is a pet or a ruling, as texts that the registry and its journal agree on.
type item struct {
	itemID
	texts [6]string // as petTexts or rulingTexts say
}

// An itemID identifies an item. A name may have a pet and a ruling.
type itemID struct {
	key  string // of the name
	kind itemKind
}

type itemKind int

const (
	aPet itemKind = iota
	aRuling
)

var (
	petTexts = [6]string{"with another spelling", "with another colour", "with another category", "with another date",
		"with another lookalike key", "with another exemption"}
	rulingTexts = [6]string{"its spelling", "its kind", "its reason", "its date", "its end", "its lookalike key"}
)

// items returns the pet and the ruling of s, which may have different names.
func (s State) items() (items []item) {
	date := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	if p := s.Pet; p != nil {
		items = append(items, item{itemID{p.NameKey, aPet}, [6]string{p.Name, string(p.FavoriteColor), string(p.Category),
			date(p.RegisteredAt), p.LookalikeKey, strconv.FormatBool(p.LookalikeExempt)}})
	}
	if r := s.Ruling; r != nil {
		end := "none"
		if !r.Until.IsZero() {
			end = date(r.Until)
		}
		items = append(items, item{itemID{r.NameKey, aRuling}, [6]string{r.Name, string(r.Kind), r.Reason, date(r.At), end, r.LookalikeKey}})
	}
	return items
}

func (id itemID) compare(other itemID) int {
	return cmp.Or(cmp.Compare(id.key, other.key), cmp.Compare(id.kind, other.kind))
}

func (id itemID) bucket() uint16 {
	h := sha256.Sum256([]byte(id.key))
	return binary.BigEndian.Uint16(h[:])
}

// hash returns a hash of an item. Each text is preceded by its length, so that
// different items have different encodings.
func (it item) hash() [sha256.Size]byte {
	b := append(make([]byte, 0, 256), byte(it.kind))
	for _, text := range append(it.texts[:], it.key) {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// differences compares some buckets of the registry with its journal, as they are at one moment, and returns a sentence
// for each difference, up to maxFaults. For each name, the last row of the journal counts.
func (r *Registry) differences(ctx context.Context, some map[uint16]bool) ([]string, error) {
	actual, journal := make(map[itemID]item), make(map[itemID]item)
	put := func(items map[itemID]item, s State) {
		for _, it := range s.items() {
			if some[it.bucket()] {
				items[it.itemID] = it
			}
		}
	}
	head, err := r.store.Snapshot(ctx, func(s State) error {
		put(actual, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = r.eachUpTo(ctx, 0, head.Seq, func(rec Record) error {
		e, err := rec.Event()
		for _, it := range e.Before.items() {
			delete(journal, it.itemID)
		}
		put(journal, e.After)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := maps.Clone(actual)
	maps.Copy(all, journal)
	var told []string
	for _, id := range slices.SortedFunc(maps.Keys(all), itemID.compare) {
		a, inRegistry := actual[id]
		j, inJournal := journal[id]
		switch it := all[id]; {
		case !inJournal:
			told = append(told, it.missing("registry", "journal"))
		case !inRegistry:
			told = append(told, it.missing("journal", "registry"))
		case a != j:
			told = append(told, a.differs(j))
		}
	}
	return told[:min(len(told), maxFaults)], nil
}

// missing says that it is in one of two and not in the other.
func (it item) missing(from, in string) string {
	if it.kind == aRuling {
		return fmt.Sprintf("A ruling on “%s” is in the %s, but not in the %s: %s.", it.texts[0], from, in, it.texts[1])
	}
	return fmt.Sprintf("“%s” is in the %s, but not in the %s.", it.texts[0], from, in)
}

// differs says how it, in the registry, differs from what the journal says.
func (it item) differs(journal item) string {
	what, of := "“%s” is in the journal %s.", petTexts
	if it.kind == aRuling {
		what, of = "The ruling on “%s” differs in the journal: %s.", rulingTexts
	}
	var ways []string
	for i, text := range it.texts {
		if journal.texts[i] != text {
			ways = append(ways, fmt.Sprintf("%s: “%s”, not “%s”", of[i], journal.texts[i], text))
		}
	}
	return fmt.Sprintf(what, it.texts[0], strings.Join(ways, ", "))
}
