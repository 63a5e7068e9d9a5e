package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
)

// A system is a server to measure, on data of its own.
type system struct {
	name            string
	database        string // that has its pets
	check, register *load  // nil for what it cannot do
	program         string // a nametag that can serve the database as well; "" if none is to be measured
}

// start starts the servers to measure with n names: the programs on PostgreSQL at urls, and at the smallest size on
// SQLite; and the peers, unless programs are compared.
func (r *run) start(ctx context.Context, n int, urls []string) (all []*system, err error) {
	add := func(start func() (*system, error)) {
		if err == nil {
			var s *system
			s, err = start()
			all = append(all, s)
		}
	}
	for i, p := range r.programs {
		add(func() (*system, error) { return r.startOnPostgres(ctx, p, n, urls[i]) })
	}
	if r.peers {
		add(func() (*system, error) { return r.startConstant(ctx, n) })
	}
	if n > r.Sizes[0] {
		return all, err
	}
	for _, p := range r.programs {
		add(func() (*system, error) { return r.startOnSQLite(ctx, p, n) })
	}
	if r.peers {
		add(func() (*system, error) { return r.startPocketBase(ctx, n) })
	}
	return all, err
}

func (r *run) startOnPostgres(ctx context.Context, p program, n int, url string) (*system, error) {
	s, err := r.startNametag(ctx, p.path, url)
	check, register := checkNametag(n), registerNametag(&r.nextName)
	return &system{p.label + " on PostgreSQL", url, r.load(s, check), r.load(s, register), p.path}, err
}

func (r *run) startOnSQLite(ctx context.Context, p program, n int) (*system, error) {
	file := filepath.Join(r.folder, p.label+".db")
	s, err := r.startNametag(ctx, p.path, file)
	if err != nil {
		return nil, err
	}
	err = r.load(s, registerNametag(new(atomic.Uint64))).fill(ctx, n)
	check, register := checkNametag(n), registerNametag(&r.nextName)
	return &system{p.label + " on SQLite", file, r.load(s, check), r.load(s, register), ""}, err
}

func (r *run) startPocketBase(ctx context.Context, n int) (*system, error) {
	folder := filepath.Join(r.folder, pocketBase)
	s, err := r.startServer(ctx, pocketPath, self, pocketBase, folder)
	if err != nil {
		return nil, err
	}
	err = r.load(s, registerPocketBase(new(atomic.Uint64))).fill(ctx, n)
	check, register := checkPocketBase(n), registerPocketBase(&r.nextName)
	return &system{pocketBase, filepath.Join(folder, "data.db"), r.load(s, check), r.load(s, register), ""}, err
}

// startConstant starts the constant server. It answers as the first server does on average.
func (r *run) startConstant(ctx context.Context, n int) (*system, error) {
	s, err := r.startServer(ctx, "/", self, constant, r.servers[0].addr)
	return &system{name: constant, check: r.load(s, checkConstant(n))}, err
}

func (r *run) load(s *server, w workload) *load {
	return &load{server: s, work: w, connections: r.Connections}
}

// measureStart starts another nametag on the database, and returns how that went.
func (r *run) measureStart(ctx context.Context, s *system, n int) ([]Measurement, error) {
	nt, err := r.startNametag(ctx, s.program, s.database)
	if err != nil {
		return nil, err
	}
	defer nt.stop()
	bytes, err1 := nt.metric("nametag_index_bytes")
	names, err2 := nt.metric("nametag_index_names")
	resident, err3 := nt.metric("process_resident_memory_bytes")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	if int(names) < n {
		return nil, fmt.Errorf("the index is ready and has %.0f names; the registry has %d", names, n)
	}
	return []Measurement{
		{What: "start to first answer", Value: nt.firstAnswer.Seconds(), Unit: "s"},
		{What: "start to index ready", Value: nt.indexReady.Seconds(), Unit: "s"},
		{What: "index", Value: bytes / names, Unit: "bytes a name"},
		{What: "memory", Value: resident / (1 << 20), Unit: "MiB"},
	}, nil
}
