package main

import (
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations"
)

// pocketPath is where PocketBase has its pets.
const pocketPath = "/api/collections/pets/records"

// servePocketBase serves an empty collection of pets from a new folder. To be as fast as it can, it logs no requests, and
// keeps all connections to its database that it may open; by default it keeps 15 of them.
func servePocketBase(addr, folder string) error {
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: folder, DataMaxIdleConns: core.DefaultDataMaxOpenConns})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	app.Settings().Logs.MaxDays = 0
	if err := app.Save(app.Settings()); err != nil {
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
	// The filter name:lower compares LOWER(name). No filter uses an index on (name COLLATE NOCASE).
	pets.Indexes = []string{`CREATE UNIQUE INDEX pets_name ON pets (LOWER(name))`}
	if err := app.Save(pets); err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil // it would open a browser
		return e.Next()
	})
	return apis.Serve(app, apis.ServeConfig{HttpAddr: addr})
}
