package postgres

import (
	"context"
	"errors"
	"testing"

	"nametag"
	"nametag/internal/pgtest"
	"nametag/internal/storekit"
)

// What somebody removed past the lock is not removed once more: nothing of the
// change is done, and it is tried again.
func TestARowThatIsGoneMakesAChangeTryAgain(t *testing.T) {
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := nametag.NewRegistry(s, nil).Register(t.Context(), nametag.Application{Name: "Bella", FavoriteColor: "blue", Category: "cat"}); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	err = s.change(t.Context(), "test", func(ctx context.Context, tx storekit.Tx) error {
		attempts++
		head, _, err := tx.Lock(ctx, storekit.Wanted{Keys: []string{"bella"}, Lookalikes: []string{"bella"}})
		if err != nil {
			return err
		}
		if _, err := s.pool.Exec(ctx, `DELETE FROM pets`); err != nil {
			return err
		}
		next := head.Append(nametag.Event{Action: nametag.ActionReleased})
		return tx.Write(ctx, storekit.Changes{Head: head, Records: []nametag.Record{next}, RemovePets: []string{"bella"}})
	})
	if !errors.Is(err, errAgain) || attempts != maxAttempts {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	if head, err := s.JournalHead(t.Context()); err != nil || head.Seq != 1 {
		t.Errorf("the journal ends with %v, %v", head, err)
	}
	if n := s.pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are not given back", n)
	}
}

// When the connection breaks at the commit, nobody knows whether it was done, so
// it is not done again.
func TestAChangeWhoseCommitIsUnknownIsNotDoneAgain(t *testing.T) {
	s, err := Open(t.Context(), pgtest.URL(t), Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	attempts := 0
	err = s.change(t.Context(), "test", func(ctx context.Context, tx storekit.Tx) error {
		attempts++
		head, _, err := tx.Lock(ctx, storekit.Wanted{})
		if err != nil {
			return err
		}
		conn := tx.(*transaction).PgConn()
		if _, err := s.pool.Exec(ctx, `SELECT pg_terminate_backend($1, 5000)`, conn.PID()); err != nil {
			return err
		}
		return tx.Write(ctx, storekit.Changes{Head: head, Records: []nametag.Record{head.Append(nametag.Event{Action: nametag.ActionReleased})}})
	})
	if nametag.ErrorCode(err) != nametag.CodeUnavailable || attempts != 1 {
		t.Errorf("after %d attempts: %v", attempts, err)
	}
	if head, err := s.JournalHead(t.Context()); err != nil || head.Seq != 0 {
		t.Errorf("afterwards the journal ends with %v, %v", head, err)
	}
}
