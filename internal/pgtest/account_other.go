//go:build !unix

package pgtest

import "syscall"

// An account is the user that runs the server; here it is always the one who runs the tests.
type account struct{}

func serverAccount() (*account, error) { return nil, nil }

func (*account) attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func (*account) own(string) error { return nil }
