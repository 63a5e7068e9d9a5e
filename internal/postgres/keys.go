package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/registry"
	"nametag/internal/storekit"
)

// Claim implements registry.Tx. A concurrent retry waits at its claim until this
// transaction is committed, and then gets its answer.
func (tx *transaction) Claim(ctx context.Context, claims []registry.Claim) ([]registry.Answer, error) {
	lost, err := claimKeys(ctx, tx, claims)
	if err != nil || len(lost) == 0 {
		return nil, err
	}
	return earlierAnswers(ctx, tx.Conn, lost)
}

// claimKeys claims the keys that are new and returns those that were claimed
// before.
func claimKeys(ctx context.Context, tx *transaction, claims []registry.Claim) ([]string, error) {
	keys, fingerprints := make([]string, len(claims)), make([][]byte, len(claims))
	for i := range claims {
		keys[i], fingerprints[i] = claims[i].Key, claims[i].Fingerprint[:]
	}
	won := make(map[string]bool, len(claims))
	b := tx.batch()
	b.Queue(`
		INSERT INTO idempotency_keys (key, fingerprint, outcome)
		SELECT key, fingerprint, 'pending' FROM unnest($1::text[], $2::bytea[]) AS claim (key, fingerprint)
		ON CONFLICT (key) DO NOTHING
		RETURNING key`, keys, fingerprints).Query(func(rows pgx.Rows) error {
		var key string
		_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
			won[key] = true
			return nil
		})
		return err
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
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

// earlierAnswers returns what these keys, claimed in earlier calls, were
// answered. The error is errAgain if one of them has been forgotten since.
func earlierAnswers(ctx context.Context, conn *pgx.Conn, keys []string) ([]registry.Answer, error) {
	rows, err := conn.Query(ctx, `
		SELECT key, fingerprint, outcome, name_key, name, favorite_color, category, registered_at
		FROM idempotency_keys WHERE key = ANY($1::text[])`, keys)
	if err != nil {
		return nil, err
	}
	var answers []registry.Answer
	var key, outcome string
	var fingerprint []byte
	var nameKey, name, color, category *string
	var registered *time.Time
	_, err = pgx.ForEachRow(rows, []any{&key, &fingerprint, &outcome, &nameKey, &name, &color, &category, &registered}, func() error {
		c := registry.Claim{Key: key}
		copy(c.Fingerprint[:], fingerprint)
		var pet *registry.Pet
		if nameKey != nil {
			pet = new(petOf(*nameKey, *name, *color, *category, *registered))
		}
		answers = append(answers, registry.NewAnswer(c, outcome, pet))
		return nil
	})
	if err == nil && len(answers) < len(keys) {
		return nil, errAgain
	}
	return answers, err
}

// recordAnswers returns how what the keys that were claimed are answered is
// remembered.
func recordAnswers(answers []registry.Answer) statement {
	n := len(answers)
	keys, words, registered := make([]string, n), make([]string, n), make([]time.Time, n)
	nameKeys, names, colors, categories := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, a := range answers {
		var p registry.Pet
		if a.Pet() != nil {
			p = *a.Pet()
		}
		keys[i], words[i], registered[i] = a.Key, a.Outcome(), p.RegisteredAt
		nameKeys[i], names[i], colors[i], categories[i] = p.Name.Key(), p.Name.String(), string(p.FavoriteColor), string(p.Category)
	}
	// An empty name's key stands for a pet that is not known.
	return newStatement(`
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
		keys, words, nameKeys, names, colors, categories, registered)
}

// ForgetKeys implements registry.Store. It deletes the oldest keys first, a few
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
