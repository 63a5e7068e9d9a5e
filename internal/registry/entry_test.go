package registry

import (
	"testing"
	"time"
)

// The journal's rows are hashed, so an entry has the same bytes in every version of the program.
func TestEntriesKeepTheirBytes(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 120_000_000, time.UTC)
	for _, tt := range []struct {
		event Event
		want  string
	}{
		{Event{}, `{"seq":0,"at":"0001-01-01T00:00:00Z","action":"","via":""}`},
		{Event{
			Seq: 7, At: at, Action: ActionRegistered, Via: ViaWeb, Policy: "open-8a29d379",
			After: State{Pet: &PetState{Name: "Bella & <Zoë>", NameKey: "bella & <zoë>", LookalikeKey: "bella&zoë",
				FavoriteColor: "blue", Category: "cat", RegisteredAt: at, EnteredBy: 7}},
		}, `{"seq":7,"at":"2026-03-01T12:00:00.12Z","action":"registered","via":"web","policy":"open-8a29d379",` +
			`"after":{"pet":{"name":"Bella & <Zoë>","name_key":"bella & <zoë>","lookalike_key":"bella&zoë",` +
			`"favorite_color":"blue","category":"cat","registered_at":"2026-03-01T12:00:00.12Z"}}}`},
		{Event{
			Seq: 8, At: at.Add(time.Second), Action: ActionReleased, Via: ViaRegistrar, Who: "Sam \"K\"\\", Reason: "a\u2028b\nc\x7f",
			Before: State{
				Pet:    &PetState{Name: "Max", NameKey: "max", LookalikeKey: "max", LookalikeExempt: true, RegisteredAt: at},
				Ruling: &RulingState{Kind: RulingReserved, Name: "Max", NameKey: "max", LookalikeKey: "max", Reason: "mascot", At: at},
			},
			After: State{Ruling: &RulingState{Kind: RulingQuarantine, Name: "Max", NameKey: "max", LookalikeKey: "max", At: at,
				Until: at.AddDate(0, 1, 0)}},
		}, `{"seq":8,"at":"2026-03-01T12:00:01.12Z","action":"released","via":"registrar","who":"Sam \"K\"\\","reason":"a\u2028b\nc` + "\x7f" + `",` +
			`"before":{"pet":{"name":"Max","name_key":"max","lookalike_key":"max","let_pass":true,"favorite_color":"","category":"",` +
			`"registered_at":"2026-03-01T12:00:00.12Z"},"ruling":{"kind":"reserved","name":"Max","name_key":"max","lookalike_key":"max",` +
			`"reason":"mascot","at":"2026-03-01T12:00:00.12Z"}},` +
			`"after":{"ruling":{"kind":"quarantine","name":"Max","name_key":"max","lookalike_key":"max","at":"2026-03-01T12:00:00.12Z",` +
			`"until":"2026-04-01T12:00:00.12Z"}}}`},
	} {
		if got := string(tt.event.line()); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}
