package main

import (
	"syscall"
	"time"
)

// pause sleeps for about d, or less if a signal comes.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil) // a signal may end it
}
