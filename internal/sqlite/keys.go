package sqlite

import (
	"context"
	"database/sql"
	"time"

	"nametag/internal/registry"
	"nametag/internal/storekit"
)

// Claim implements registry.Tx. The transaction holds the write lock, so no other claims the keys meanwhile.
func (tx *transaction) Claim(ctx context.Context, claims []registry.Claim) ([]registry.Answer, error) {
	keys := make([]string, len(claims))
	for i, c := range claims {
		keys[i] = c.Key
	}
	return collect(ctx, tx, scanAnswer, `
		SELECT key, fingerprint, outcome, name_key, name, favorite_color, category, registered_at_us
		FROM idempotency_keys WHERE key IN (SELECT value FROM json_each(?))`, jsonArray(keys))
}

func scanAnswer(rows *sql.Rows) (registry.Answer, error) {
	var c registry.Claim
	var fingerprint []byte
	var outcome string
	var key, name, color, category sql.Null[string]
	var registered sql.Null[int64]
	err := rows.Scan(&c.Key, &fingerprint, &outcome, &key, &name, &color, &category, &registered)
	if err != nil {
		return registry.Answer{}, err
	}
	copy(c.Fingerprint[:], fingerprint)
	var pet *registry.Pet
	if key.Valid {
		pet = &registry.Pet{
			Name:          registry.RestoreName(name.V, key.V),
			FavoriteColor: registry.Color(color.V),
			Category:      registry.Category(category.V),
			RegisteredAt:  timeOf(registered.V),
		}
	}
	return registry.NewAnswer(c, outcome, pet), nil
}

// answerRows returns the rows that keep the answers to idempotency keys.
func answerRows(answers []registry.Answer) [][]any {
	rows := make([][]any, len(answers))
	now := time.Now().UnixMicro()
	for i, a := range answers {
		known := a.Pet() != nil
		var p registry.Pet
		if known {
			p = *a.Pet()
		}
		rows[i] = []any{a.Key, a.Fingerprint[:], a.Outcome(),
			sql.Null[string]{V: p.Name.Key(), Valid: known},
			sql.Null[string]{V: p.Name.String(), Valid: known},
			sql.Null[string]{V: string(p.FavoriteColor), Valid: known},
			sql.Null[string]{V: string(p.Category), Valid: known},
			sql.Null[int64]{V: p.RegisteredAt.UnixMicro(), Valid: known},
			now}
	}
	return rows
}

// ForgetKeys implements registry.Store. It deletes the oldest keys first, a few at a
// time, so that pets can be registered in between.
func (s *Store) ForgetKeys(ctx context.Context, t time.Time) (int64, error) {
	return storekit.ForgetKeys(func(limit int) (n int64, err error) {
		err = s.write(ctx, "forget idempotency keys", func(tx *transaction) error {
			res, err := tx.ExecContext(ctx, `
				DELETE FROM idempotency_keys WHERE key IN (
					SELECT key FROM idempotency_keys WHERE created_at_us < ? ORDER BY created_at_us LIMIT ?)`,
				t.UnixMicro(), limit)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		return n, err
	})
}
