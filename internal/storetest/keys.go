package storetest

import (
	"testing"
	"time"

	"nametag/internal/registry"
)

var keyTests = map[string]func(*testing.T, registry.Store){
	"ARetryGetsTheFirstAnswer":               retryGetsFirstAnswer,
	"ARetryOfARefusedEntryGetsTheSameHolder": retryOfLoser,
	"AnotherRegistrationWithTheKeyIsRefused": otherFingerprint,
	"AKeyTwiceInACallIsARetry":               keyTwiceInCall,
	"AnEarlierKeyDecidesForEveryEntry":       earlierKeyDecides,
	"AReplayedEntryDoesNotCompeteForItsName": replayedDoesNotCompete,
	"BatchesMixRetriesAndNewEntries":         bulksMix,
	"DeletedKeysAreNew":                      forgottenKeysAreNew,
	"KeysUsedSinceAreKept":                   recentKeysAreKept,
}

func retryGetsFirstAnswer(t *testing.T, s registry.Store) {
	rex := newPet(t, "Rex")
	for range 3 {
		equal(t, "answer", insert(t, s, keyed(rex, "k")), []registry.Decision{registered(rex)})
	}
	retry := rex // as Registry makes it: the same request, a later clock
	retry.RegisteredAt = rex.RegisteredAt.Add(time.Minute)
	equal(t, "a minute later", insert(t, s, keyed(retry, "k")), []registry.Decision{registered(rex)})
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 10}), []registry.Pet{rex})
}

func retryOfLoser(t *testing.T, s registry.Store) {
	holder, late := newPet(t, "Rex"), newPet(t, "REX")
	late.FavoriteColor = "red"
	insert(t, s, entriesOf(holder)...)
	for range 2 {
		equal(t, "answer", insert(t, s, keyed(late, "k")), []registry.Decision{taken(holder)})
	}
}

func otherFingerprint(t *testing.T, s registry.Store) {
	insert(t, s, keyed(newPet(t, "Rex"), "k"))
	equal(t, "answer", insert(t, s, keyed(newPet(t, "Ada"), "k")), []registry.Decision{keyReused})
	equal(t, "in the book", find(t, s, "ada"), map[string]registry.Pet{})
}

func keyTwiceInCall(t *testing.T, s registry.Store) {
	rex, ada := newPet(t, "Rex"), newPet(t, "Ada")
	equal(t, "answers", insert(t, s, keyed(rex, "k"), keyed(rex, "k"), keyed(ada, "k")),
		[]registry.Decision{registered(rex), registered(rex), keyReused})
	equal(t, "book", list(t, s, registry.ListQuery{Limit: 10}), []registry.Pet{rex})
}

func earlierKeyDecides(t *testing.T, s registry.Store) {
	rex, ada := newPet(t, "Rex"), newPet(t, "Ada")
	insert(t, s, keyed(rex, "k"))
	equal(t, "answers", insert(t, s, keyed(ada, "k"), keyed(rex, "k"), keyed(ada, "k")),
		[]registry.Decision{keyReused, registered(rex), keyReused})
}

func replayedDoesNotCompete(t *testing.T, s registry.Store) {
	rex, ada := newPet(t, "Rex"), newPet(t, "Ada")
	insert(t, s, keyed(rex, "k"))
	equal(t, "answers", insert(t, s, keyed(ada, "k"), registry.Entry{Pet: ada}),
		[]registry.Decision{keyReused, registered(ada)})
}

func bulksMix(t *testing.T, s registry.Store) {
	pets := numbered(t, "Pet", 6)
	insert(t, s, keyed(pets[0], "zero"), registry.Entry{Pet: pets[1]})
	call := []registry.Entry{
		keyed(pets[0], "zero"),  // a retry
		keyed(pets[1], "one"),   // new, and loses
		keyed(pets[2], "two"),   // new, and wins
		{Pet: pets[3]},          // without a key
		keyed(pets[4], "two"),   // the key of another
		keyed(pets[3], "three"), // loses to the entry above
		keyed(pets[5], "a"),     // sorts before the others
	}
	want := []registry.Decision{registered(pets[0]), taken(pets[1]), registered(pets[2]), registered(pets[3]),
		keyReused, taken(pets[3]), registered(pets[5])}
	equal(t, "answers", insert(t, s, call...), want)

	want[3] = taken(pets[3]) // it had no key
	equal(t, "answers to the same call", insert(t, s, call...), want)
}

func forgottenKeysAreNew(t *testing.T, s registry.Store) {
	rex, ada := newPet(t, "Rex"), newPet(t, "Ada")
	insert(t, s, keyed(rex, "a"), keyed(ada, "b"))
	n, err := s.ForgetKeys(t.Context(), time.Now().Add(time.Hour))
	if n != 2 || err != nil {
		t.Fatalf("ForgetKeys: %d, %v; want 2", n, err)
	}
	equal(t, "answer", insert(t, s, keyed(rex, "a")), []registry.Decision{taken(rex)})
	if n, err := s.ForgetKeys(t.Context(), time.Now().Add(time.Hour)); n != 1 || err != nil {
		t.Errorf("ForgetKeys: %d, %v; want 1", n, err)
	}
}

// recentKeysAreKept dates a pet long ago. The age of its key is that of its use.
func recentKeysAreKept(t *testing.T, s registry.Store) {
	rex := newPet(t, "Rex")
	insert(t, s, keyed(rex, "k"))
	if n, err := s.ForgetKeys(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("ForgetKeys: %d, %v; want none", n, err)
	}
	equal(t, "answer", insert(t, s, keyed(rex, "k")), []registry.Decision{registered(rex)})
}
