package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"nametag/internal/registry"
	"nametag/internal/storekit"
)

// Claim implements registry.Tx. It only reads: Write writes the keys under the lock, and Lock reads again before.
func (tx *transaction) Claim(ctx context.Context, claims []registry.Claim) ([]registry.Answer, error) {
	unused := make(map[string]bool, len(claims))
	for _, c := range claims {
		unused[c.Key] = true
	}
	answers, err := collect(ctx, tx, scanAnswer, `
		SELECT key, fingerprint, outcome, name_key, name, favorite_color, category, registered_at
		FROM idempotency_keys WHERE key = ANY($1::text[])`, slices.Collect(maps.Keys(unused)))
	for _, a := range answers {
		delete(unused, a.Key)
	}
	tx.unused = slices.Collect(maps.Keys(unused))
	return answers, err
}

func scanAnswer(row pgx.CollectableRow) (registry.Answer, error) {
	var c registry.Claim
	var fingerprint []byte
	var outcome string
	var key, name, color, category *string
	var registered *time.Time
	err := row.Scan(&c.Key, &fingerprint, &outcome, &key, &name, &color, &category, &registered)
	if err != nil {
		return registry.Answer{}, err
	}
	copy(c.Fingerprint[:], fingerprint)
	var pet *registry.Pet
	if key != nil {
		pet = &registry.Pet{
			Name:          registry.RestoreName(*name, *key),
			FavoriteColor: registry.Color(*color),
			Category:      registry.Category(*category),
			RegisteredAt:  registered.UTC(),
		}
	}
	return registry.NewAnswer(c, outcome, pet), nil
}

// addAnswers returns a statement that keeps the answers to idempotency keys.
func addAnswers(last registry.Record, answers []registry.Answer) statement {
	n := len(answers)
	keys, fingerprints, outcomes, registered := make([]string, n), make([][]byte, n), make([]string, n), make([]*time.Time, n)
	nameKeys, names, colors, categories := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	for i, a := range answers {
		keys[i], fingerprints[i], outcomes[i] = a.Key, a.Fingerprint[:], a.Outcome()
		if p := a.Pet(); p != nil {
			nameKeys[i], names[i] = new(p.Name.Key()), new(p.Name.String())
			colors[i], categories[i], registered[i] = new(string(p.FavoriteColor)), new(string(p.Category)), &p.RegisteredAt
		}
	}
	return newStatement(`
		INSERT INTO idempotency_keys (key, fingerprint, outcome, name_key, name, favorite_color, category, registered_at)
		SELECT * FROM unnest($3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
		WHERE `+ifMoved,
		last.Seq, last.Hash[:], keys, fingerprints, outcomes, nameKeys, names, colors, categories, registered)
}

// ForgetKeys implements registry.Store. It deletes the oldest keys first, a few at a
// time, and skips those that another server is deleting.
func (s *Store) ForgetKeys(ctx context.Context, t time.Time) (int64, error) {
	return storekit.ForgetKeys(func(limit int) (n int64, err error) {
		err = s.write(ctx, "forget idempotency keys", func(ctx context.Context) error {
			// The array makes every plan choose the keys only once.
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
