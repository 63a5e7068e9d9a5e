package storekit

// keysAtOnce is how many idempotency keys one transaction deletes: a fraction of a
// second's work, since registrations may have to wait for it.
const keysAtOnce = 4000

// ForgetKeys calls forget until no key is left or it fails, and returns how many keys were deleted. forget deletes at
// most limit keys in a transaction of its own and returns how many; with an error, none.
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
