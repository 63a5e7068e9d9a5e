package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag"
	"nametag/internal/storekit"
)

// insertWithKeys claims b's idempotency keys before it enters anything: a
// concurrent retry waits at its claim until this transaction is committed, and
// then gets its answer.
func insertWithKeys(ctx context.Context, tx pgx.Tx, b *storekit.Batch, claims []storekit.Claim) error {
	lost, err := claimKeys(ctx, tx, claims)
	if err != nil {
		return err
	}
	if err := replayAnswers(ctx, tx, b, lost); err != nil {
		return err
	}
	if err := insert(ctx, tx, b); err != nil {
		return err
	}
	return recordAnswers(ctx, tx, b.Answers())
}

// claimKeys claims the keys that are new and returns those that were claimed
// before.
func claimKeys(ctx context.Context, tx pgx.Tx, claims []storekit.Claim) ([]string, error) {
	keys, fingerprints := make([]string, len(claims)), make([][]byte, len(claims))
	for i := range claims {
		keys[i], fingerprints[i] = claims[i].Key, claims[i].Fingerprint[:]
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO idempotency_keys (key, fingerprint, outcome)
		SELECT key, fingerprint, 'pending' FROM unnest($1::text[], $2::bytea[]) AS claim (key, fingerprint)
		ON CONFLICT (key) DO NOTHING
		RETURNING key`, keys, fingerprints)
	if err != nil {
		return nil, err
	}
	won := make(map[string]bool, len(claims))
	var key string
	_, err = pgx.ForEachRow(rows, []any{&key}, func() error {
		won[key] = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	var lost []string
	for _, key := range keys {
		if !won[key] {
			lost = append(lost, key)
		}
	}
	return lost, nil
}

// replayAnswers tells b what these keys, claimed in earlier calls, were
// answered. The error is errAgain if one of them has been forgotten since.
func replayAnswers(ctx context.Context, tx pgx.Tx, b *storekit.Batch, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `
		SELECT key, fingerprint, outcome, name_key, name, favorite_color, category, registered_at
		FROM idempotency_keys WHERE key = ANY($1::text[])`, keys)
	if err != nil {
		return err
	}
	var key, outcome string
	var fingerprint []byte
	var nameKey, name, color, category *string
	var registered *time.Time
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&key, &fingerprint, &outcome, &nameKey, &name, &color, &category, &registered}, func() error {
		a := storekit.Answer{Claim: storekit.Claim{Key: key}}
		copy(a.Fingerprint[:], fingerprint)
		a.SetWord(outcome)
		if nameKey != nil {
			a.Result.Pet = petOf(*nameKey, *name, *color, *category, *registered)
		}
		b.Replay(a)
		found++
		return nil
	})
	if err == nil && found < len(keys) {
		return errAgain
	}
	return err
}

// recordAnswers remembers what the keys that were claimed are answered.
func recordAnswers(ctx context.Context, tx pgx.Tx, answers []storekit.Answer) error {
	if len(answers) == 0 {
		return nil
	}
	keys, words := make([]string, len(answers)), make([]string, len(answers))
	pets := make([]nametag.Pet, len(answers))
	for i, a := range answers {
		keys[i], words[i], pets[i] = a.Key, a.Word(), a.Result.Pet
	}
	c := columnsOf(pets)
	// An empty name's key stands for a holder that is not known.
	_, err := tx.Exec(ctx, `
		UPDATE idempotency_keys k
		SET outcome = a.outcome,
		    name_key = nullif(a.name_key, ''),
		    name           = CASE WHEN a.name_key <> '' THEN a.name END,
		    favorite_color = CASE WHEN a.name_key <> '' THEN a.favorite_color END,
		    category       = CASE WHEN a.name_key <> '' THEN a.category END,
		    registered_at  = CASE WHEN a.name_key <> '' THEN a.registered_at END
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
		     AS a (key, outcome, name_key, name, favorite_color, category, registered_at)
		WHERE k.key = a.key`,
		keys, words, c.keys, c.names, c.colors, c.categories, c.registered)
	return err
}

// ForgetKeys implements nametag.Store. It deletes the oldest keys first, a few
// at a time, and passes over those that another server is forgetting.
func (s *Store) ForgetKeys(ctx context.Context, t time.Time) (int64, error) {
	if s.readOnly {
		return 0, errReadOnly
	}
	return storekit.ForgetKeys(func(limit int) (n int64, err error) {
		err = s.call(ctx, "forget idempotency keys", func(ctx context.Context) error {
			// The array has the keys chosen once, whatever the plan.
			tag, err := s.pool.Exec(ctx, `
				DELETE FROM idempotency_keys WHERE key = ANY (ARRAY(
					SELECT key FROM idempotency_keys WHERE created_at < $1
					ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))`, t, limit)
			n = tag.RowsAffected()
			return err
		})
		return n, err
	})
}
