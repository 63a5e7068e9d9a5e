package postgres

import (
	"context"
	"errors"
	"testing"

	"nametag/internal/pgtest"
	"nametag/internal/registry"
)

// TestAChangeOfAMissingRowIsRetried removes a row without the lock. The change that was
// to remove it is rolled back and retried.
func TestAChangeOfAMissingRowIsRetried(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := registry.New(s, nil).Register(t.Context(), registry.Application{Name: "Bella", FavoriteColor: "blue", Category: "cat"}); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	err = s.change(t.Context(), "test", func(ctx context.Context, tx registry.Tx) error {
		attempts++
		head, _, err := tx.Lock(ctx, registry.Selection{Keys: []string{"bella"}, Lookalikes: []string{"bella"}})
		if err != nil {
			return err
		}
		if _, err := s.pool.Exec(ctx, `DELETE FROM pets`); err != nil {
			return err
		}
		next := head.Append(registry.Event{Action: registry.ActionReleased})
		return tx.Write(ctx, registry.Changes{Head: head, Records: []registry.Record{next}, RemovePets: []string{"bella"}})
	})
	if !errors.Is(err, errAgain) || attempts != maxAttempts {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	if head, err := s.JournalHead(t.Context()); err != nil || head.Seq != 1 {
		t.Errorf("the journal ends with %v, %v", head, err)
	}
	if n := s.pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are not released", n)
	}
}

// TestAChangeWithAnUnknownOutcomeIsNotRetried breaks the connection during the commit.
func TestAChangeWithAnUnknownOutcomeIsNotRetried(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	attempts := 0
	err = s.change(t.Context(), "test", func(ctx context.Context, tx registry.Tx) error {
		attempts++
		head, _, err := tx.Lock(ctx, registry.Selection{})
		if err != nil {
			return err
		}
		conn := tx.(*transaction).PgConn()
		if _, err := s.pool.Exec(ctx, `SELECT pg_terminate_backend($1, 5000)`, conn.PID()); err != nil {
			return err
		}
		return tx.Write(ctx, registry.Changes{Head: head, Records: []registry.Record{head.Append(registry.Event{Action: registry.ActionReleased})}})
	})
	if registry.ErrorCode(err) != registry.CodeUnavailable || attempts != 1 {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	if head, err := s.JournalHead(t.Context()); err != nil || head.Seq != 0 {
		t.Errorf("afterwards the journal ends with %v, %v", head, err)
	}
}

// TestInsertsAreOptimisticUntilOneLosesItsRace checks that an optimistic insert takes one
// round trip, and that a lost race pauses them.
func TestInsertsAreOptimisticUntilOneLosesItsRace(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	relies := func(freeAt registry.Head) (does bool) {
		err := s.change(t.Context(), "test", func(ctx context.Context, tx registry.Tx) error {
			head, _, err := tx.Lock(ctx, registry.Selection{Keys: []string{"bella"}, Lookalikes: []string{"bella"}, CheckedAt: freeAt})
			does = head == freeAt && !tx.(*transaction).begun
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return does
	}
	enter := func(name string, freeAt registry.Head) registry.Head {
		n, err := registry.ParseName(name)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Insert(t.Context(), []registry.Entry{{Pet: registry.Pet{Name: n}, Action: registry.ActionRegistered, CheckedAt: freeAt}})
		if err != nil || res[0].Code != "" {
			t.Fatalf("%s: %v, %v", name, res, err)
		}
		return res[0].Record.Head()
	}
	first := enter("Bella", registry.Head{})
	second := enter("Max", first)
	if relies(registry.Head{}) || !relies(second) {
		t.Error("the inserts are not optimistic, or lose their races")
	}
	third := enter("Rex", first) // the journal has gone on since
	for i := range pauseAfterLoss {
		if relies(third) {
			t.Fatalf("after %d inserts that would have won, one is optimistic", i)
		}
	}
	if !relies(third) {
		t.Error("the inserts are not optimistic any more")
	}
}

func TestALostRaceChangesNothing(t *testing.T) {
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	reg := registry.New(s, nil)
	var checked registry.Head // before the last of these
	for _, name := range []string{"Bella", "Max"} {
		if checked, err = s.JournalHead(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := reg.Register(t.Context(), registry.Application{Name: name, FavoriteColor: "blue", Category: "cat"}); err != nil {
			t.Fatal(err)
		}
	}
	attempts := 0
	err = s.change(t.Context(), "test", func(ctx context.Context, tx registry.Tx) error {
		attempts++
		head, _, err := tx.Lock(ctx, registry.Selection{Keys: []string{"rex"}, Lookalikes: []string{"rex"}, CheckedAt: checked})
		if err != nil || head != checked {
			return err // after the first attempt, which relies on the head
		}
		rex, ruling := &registry.PetState{NameKey: "rex", LookalikeKey: "rex"}, &registry.RulingState{NameKey: "ada", LookalikeKey: "ada"}
		return tx.Write(ctx, registry.Changes{
			Head:       head,
			Records:    []registry.Record{head.Append(registry.NewEvent(registry.ActionRegistered, registry.Origin{}, registry.State{}, registry.State{Pet: rex}))},
			AddPets:    []*registry.PetState{rex},
			PutRulings: []*registry.RulingState{ruling},
			Answers:    []registry.Answer{{Claim: registry.Claim{Key: "key"}}},
		})
	})
	if err != nil || attempts != 2 {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	for table, want := range map[string]int{"journal": 2, "pets": 2, "rulings": 0, "idempotency_keys": 0} {
		var rows int
		if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&rows); err != nil || rows != want {
			t.Errorf("%s has %d rows (%v), want %d", table, rows, err, want)
		}
	}
}

// TestADamagedHeadIsReported changes the head to one that the journal does not have. It
// is reported, and the change is not retried.
func TestADamagedHeadIsReported(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.pool.Exec(t.Context(), `UPDATE journal_head SET hash = '\xff'`); err != nil {
		t.Fatal(err)
	}
	_, err = registry.New(s, nil).Register(t.Context(), registry.Application{Name: "Bella", FavoriteColor: "blue", Category: "cat"})
	if !errors.Is(err, registry.ErrNoHead) {
		t.Error(err)
	}
}
