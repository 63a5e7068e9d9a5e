package registry

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What the journal has been written in from its beginning is what is written now.
func TestEntriesAreWrittenAsByEncodingJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.Just(""), rapid.Just("Bella"), rapid.String(), rapid.StringMatching(`([a<&>“é"\\]|\x{2028}|\x00|\n)*`))
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.UnixMicro(rapid.Int64Range(-60e15, 250e15).Draw(t, "microseconds")).UTC()
	})
	state := rapid.Custom(func(t *rapid.T) (s State) {
		if rapid.Bool().Draw(t, "pet") {
			s.Pet = &PetState{text.Draw(t, "name"), text.Draw(t, "key"), text.Draw(t, "lookalike"), rapid.Bool().Draw(t, "let pass"),
				Color(text.Draw(t, "color")), Category(text.Draw(t, "category")), at.Draw(t, "registered"), rapid.Int64().Draw(t, "entered by")}
		}
		if rapid.Bool().Draw(t, "ruling") {
			s.Ruling = &RulingState{RulingKind(text.Draw(t, "kind")), text.Draw(t, "name"), text.Draw(t, "key"), text.Draw(t, "lookalike"),
				text.Draw(t, "reason"), at.Draw(t, "at"), at.Draw(t, "until")}
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		e := Event{rapid.Int64().Draw(t, "seq"), at.Draw(t, "at"), Action(text.Draw(t, "action")), Via(text.Draw(t, "via")),
			text.Draw(t, "who"), text.Draw(t, "reason"), text.Draw(t, "policy"), state.Draw(t, "before"), state.Draw(t, "after")}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
		if got := e.appendJSON(nil); string(got)+"\n" != want.String() {
			t.Errorf("%s\nwant %s", got, &want)
		}
	})
}
