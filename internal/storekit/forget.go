package storekit

// keysAtOnce is how many idempotency keys are forgotten in one transaction: a
// fraction of a second's work, for which others may have to wait.
const keysAtOnce = 4000

// ForgetKeys calls forget until there is nothing more to forget or it fails,
// and returns how many keys were forgotten. forget deletes at most limit keys
// in a transaction of its own and returns how many it was; with an error, none.
func ForgetKeys(forget func(limit int) (int64, error)) (int64, error) {
	var forgotten int64
	for {
		n, err := forget(keysAtOnce)
		if err != nil {
			return forgotten, err
		}
		forgotten += n
		if n < keysAtOnce {
			return forgotten, nil
		}
	}
}
