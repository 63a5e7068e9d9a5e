package registry_test

import (
	"testing"
	"time"

	"nametag/internal/registry"
)

func BenchmarkJournal(b *testing.B) {
	name, err := registry.ParseName("Bella Blue")
	if err != nil {
		b.Fatal(err)
	}
	pet := registry.Pet{Name: name, FavoriteColor: "dark olive green", Category: registry.Cat, RegisteredAt: time.Now()}
	origin := registry.Origin{At: time.Now(), Via: registry.ViaWeb, Policy: "open-8a29d379"}
	e := registry.NewEvent(registry.ActionRegistered, origin, registry.State{}, registry.State{Pet: registry.NewPetState(pet, false)})
	var head registry.Head
	b.Run("Append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			head = head.Append(e).Head()
		}
	})
	rec := head.Append(e)
	b.Run("Follows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !rec.Follows(head) {
				b.Fatal("it does not")
			}
		}
	})
}
