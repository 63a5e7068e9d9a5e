package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/pprof/profile"
)

// writeProfile writes a profile for the compiler to a file: what nametag's processors do under checks and registrations,
// on both databases.
func writeProfile(ctx context.Context, opts options, file string) (err error) {
	r, err := newRun(ctx, opts, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	n := opts.Sizes[0]
	urls, err := r.createRegistries(ctx, r.programs[0].path, n, 1)
	if err != nil {
		return err
	}
	r.peers = false
	systems, err := r.start(ctx, n, urls)
	if err != nil {
		return err
	}
	var all []*profile.Profile
	for _, s := range systems {
		for _, l := range []*load{s.check, s.register} {
			log.Printf("%s: taking a profile", s.name)
			p, err := takeProfile(ctx, l, opts.Warmup)
			if err != nil {
				return err
			}
			all = append(all, p)
		}
	}
	merged, err := profile.Merge(all)
	if err != nil {
		return err
	}
	for _, f := range merged.Function { // the compiler goes by names and lines, and needs no paths of this machine
		f.Filename = ""
	}
	for _, m := range merged.Mapping {
		m.File, m.BuildID = "", ""
	}
	var text bytes.Buffer
	if err := merged.Write(&text); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}

// takeProfile takes a CPU profile of nametag under a load, of so many whole seconds.
func takeProfile(ctx context.Context, l *load, d time.Duration) (*profile.Profile, error) {
	done := make(chan error, 1)
	go func() {
		_, err := l.run(ctx, d)
		done <- err
	}()
	text, err := get(l.server.metrics, fmt.Sprintf("/debug/pprof/profile?seconds=%.0f", d.Seconds()))
	if err := errors.Join(err, <-done); err != nil {
		return nil, err
	}
	return profile.ParseData(text)
}
