package web

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nametag/internal/registry"
)

// TestAnswersAreWrittenAsByEncodingJSON compares appendJSON with encoding/json.
func TestAnswersAreWrittenAsByEncodingJSON(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.Just(""), rapid.Just("Bella"), rapid.String(),
		rapid.StringMatching(`([a<&>“”é"\\]|\x{2028}|\x{2029}|\x{202a}|\x00|\n|\x7f)*`),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	fault := rapid.Custom(func(t *rapid.T) fieldError {
		return fieldError{registry.Field(text.Draw(t, "field")), registry.Code(text.Draw(t, "code")), text.Draw(t, "detail")}
	})
	rapid.Check(t, func(t *rapid.T) {
		var asOf time.Time
		if rapid.Bool().Draw(t, "dated") {
			asOf = time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		}
		var conflict *petJSON
		if rapid.Bool().Draw(t, "in conflict") {
			conflict = &petJSON{text.Draw(t, "name"), text.Draw(t, "color"), text.Draw(t, "category"), text.Draw(t, "at"), text.Draw(t, "url")}
		}
		a := contractAnswer{ // every field, in its order: a new one must be written, too
			text.Draw(t, "status"), rapid.Ptr(rapid.Bool(), true).Draw(t, "available"), registry.Code(text.Draw(t, "reason")),
			text.Draw(t, "message"), rapid.SliceOfN(fault, 0, 2).Draw(t, "errors"), conflict,
			rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(text, 0, 3)).Draw(t, "suggestions"), asOf}
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(a); err != nil {
			t.Fatal(err)
		}
		if got := a.appendJSON(nil); string(got) != want.String() {
			t.Errorf("%s\nwant %s", got, &want)
		}
	})
}
