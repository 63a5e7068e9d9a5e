package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations"
)

// pocketIndex is the index on names in PocketBase. One on (name COLLATE NOCASE)
// would keep names unique as well, but its filters compare byte for byte, cannot
// use such an index, and read the whole table. LOWER(name) is what its filter
// name:lower compares.
const pocketIndex = `CREATE UNIQUE INDEX pets_name ON pets (LOWER(name))`

// openPocketBase opens PocketBase on a folder, with its own settings. Tuned, it
// logs no requests, and keeps all connections to its file that it may open: by
// default it keeps 15, and opens others for the rest of 64 clients again and
// again.
func openPocketBase(folder string, tuned bool) (*core.BaseApp, error) {
	config := core.BaseAppConfig{DataDir: folder}
	if tuned {
		config.DataMaxIdleConns = core.DefaultDataMaxOpenConns
	}
	app := core.NewBaseApp(config)
	if err := app.Bootstrap(); err != nil {
		return nil, err
	}
	if err := app.RunAllMigrations(); err != nil || !tuned {
		return app, err
	}
	app.Settings().Logs.MaxDays = 0
	return app, app.Save(app.Settings())
}

// servePocketBase serves a folder that makePocketBase has made.
func servePocketBase(addr, folder string, tuned bool) error {
	app, err := openPocketBase(folder, tuned)
	if err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil // it would open a browser
		return e.Next()
	})
	return apis.Serve(app, apis.ServeConfig{HttpAddr: addr})
}

// makePocketBase makes a PocketBase in folder that has the first n names.
func makePocketBase(ctx context.Context, folder string, n int) error {
	app, err := openPocketBase(folder, false)
	if err != nil {
		return err
	}
	public := ""
	pets := core.NewBaseCollection("pets")
	pets.ListRule, pets.ViewRule, pets.CreateRule = &public, &public, &public
	pets.Fields.Add(
		&core.TextField{Name: "name", Required: true},
		&core.TextField{Name: "favorite_color"},
		&core.TextField{Name: "category"},
	)
	pets.Indexes = []string{pocketIndex}
	if err := app.Save(pets); err != nil {
		return err
	}
	if err := app.ResetBootstrapState(); err != nil {
		return err
	}
	return fillPocketBase(ctx, filepath.Join(folder, "data.db"), n)
}

func fillPocketBase(ctx context.Context, file string, n int) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, `INSERT INTO pets (id, name, favorite_color, category) VALUES (?, ?, 'blue', 'cat')`)
	if err != nil {
		return err
	}
	for i := range n {
		if _, err := insert.ExecContext(ctx, pocketID(), nameOf(uint64(i))); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, statement := range []string{`ANALYZE`, `PRAGMA wal_checkpoint(TRUNCATE)`} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return checkPocketPlan(ctx, db)
}

// checkPocketPlan makes sure that a check is answered from the index.
func checkPocketPlan(ctx context.Context, db *sql.DB) error {
	var id, parent, unused int
	var detail string
	err := db.QueryRowContext(ctx, `EXPLAIN QUERY PLAN SELECT pets.* FROM pets WHERE LOWER(pets.name) = 'x' LIMIT 1`).
		Scan(&id, &parent, &unused, &detail)
	if err == nil && !strings.Contains(detail, "USING INDEX pets_name") {
		err = fmt.Errorf("PocketBase would not use the index on names (%s): ask in another way", detail)
	}
	return err
}

// pocketID returns an id as PocketBase makes them: 15 random characters.
func pocketID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 15)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}
