package web

import (
	"net/http"

	"nametag/internal/appendjson"
)

// write answers with a, which is the answer to every letter that is typed.
func (a *contractAnswer) write(w http.ResponseWriter, status int) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.text.Reset()
	e.text.Write(a.appendJSON(e.text.AvailableBuffer()))
	e.send(w, typeJSON, status)
}

// appendJSON appends a to b as json.Encoder writes it.
func (a *contractAnswer) appendJSON(b []byte) []byte {
	b = appendjson.String(append(b, `{"status":`...), a.Status)
	if a.Available != nil {
		b = appendjson.Bool(append(b, `,"available":`...), *a.Available)
	}
	b = appendjson.Member(b, `,"reason":`, a.Reason)
	b = appendjson.Member(b, `,"message":`, a.Message)
	if len(a.Errors) > 0 {
		b = append(b, `,"errors":[`...)
		for i, e := range a.Errors {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendjson.String(append(b, `{"field":`...), string(e.Field))
			b = appendjson.String(append(b, `,"code":`...), string(e.Code))
			b = append(appendjson.String(append(b, `,"detail":`...), e.Detail), '}')
		}
		b = append(b, ']')
	}
	if p := a.ConflictsWith; p != nil {
		b = appendjson.String(append(b, `,"conflicts_with":{"name":`...), p.Name)
		b = appendjson.Member(b, `,"favorite_color":`, p.FavoriteColor)
		b = appendjson.Member(b, `,"category":`, p.Category)
		b = appendjson.Member(b, `,"registered_at":`, p.RegisteredAt)
		b = append(appendjson.String(append(b, `,"url":`...), p.URL), '}')
	}
	if a.Suggestions != nil {
		b = append(b, `,"suggestions":[`...)
		for i, s := range a.Suggestions {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendjson.String(b, s)
		}
		b = append(b, ']')
	}
	if !a.AsOf.IsZero() {
		b = appendjson.Time(append(b, `,"as_of":`...), a.AsOf)
	}
	return append(b, "}\n"...)
}
