package nametag_test

import (
	"testing"
	"time"

	"nametag"
)

func BenchmarkJournal(b *testing.B) {
	name, err := nametag.ParseName("Bella Blue")
	if err != nil {
		b.Fatal(err)
	}
	pet := nametag.Pet{Name: name, FavoriteColor: "dark olive green", Category: nametag.Cat, RegisteredAt: time.Now()}
	origin := nametag.Origin{At: time.Now(), Via: nametag.ViaWeb, Policy: "open-8a29d379"}
	e := nametag.NewEvent(nametag.ActionRegistered, origin, nametag.State{}, nametag.State{Pet: nametag.NewPetState(pet, false)})
	var head nametag.Head
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
