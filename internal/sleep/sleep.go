// Package sleep sleeps until a duration has passed or a context ends.
package sleep

import (
	"context"
	"time"
)

// For returns nil after d, or the error of ctx as soon as it ends.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
