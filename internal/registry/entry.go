package registry

import (
	"strconv"

	"nametag/internal/appendjson"
)

// appendJSON appends e to b as json.Encoder writes it. The journal waits for it:
// what each row says must be known before the next one can be hashed.
func (e *Event) appendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"seq":`...), e.Seq, 10)
	b = appendjson.Time(append(b, `,"at":`...), e.At)
	b = appendjson.String(append(b, `,"action":`...), string(e.Action))
	b = appendjson.String(append(b, `,"via":`...), string(e.Via))
	b = appendjson.Member(b, `,"who":`, e.Who)
	b = appendjson.Member(b, `,"reason":`, e.Reason)
	b = appendjson.Member(b, `,"policy":`, e.Policy)
	b = e.Before.appendJSON(b, `,"before":`)
	b = e.After.appendJSON(b, `,"after":`)
	return append(b, '}')
}

// appendJSON appends s, after start; nothing if there is nothing.
func (s State) appendJSON(b []byte, start string) []byte {
	if s == (State{}) {
		return b
	}
	b = append(b, start...)
	next := byte('{')
	if s.Pet != nil {
		b = s.Pet.appendJSON(append(append(b, next), `"pet":`...))
		next = ','
	}
	if s.Ruling != nil {
		b = s.Ruling.appendJSON(append(append(b, next), `"ruling":`...))
	}
	return append(b, '}')
}

func (s *PetState) appendJSON(b []byte) []byte {
	b = appendjson.String(append(b, `{"name":`...), s.Name)
	b = appendjson.String(append(b, `,"name_key":`...), s.NameKey)
	b = appendjson.String(append(b, `,"lookalike_key":`...), s.LookalikeKey)
	if s.LookalikeExempt {
		b = append(b, `,"let_pass":true`...)
	}
	b = appendjson.String(append(b, `,"favorite_color":`...), string(s.FavoriteColor))
	b = appendjson.String(append(b, `,"category":`...), string(s.Category))
	b = appendjson.Time(append(b, `,"registered_at":`...), s.RegisteredAt)
	return append(b, '}')
}

func (s *RulingState) appendJSON(b []byte) []byte {
	b = appendjson.String(append(b, `{"kind":`...), string(s.Kind))
	b = appendjson.String(append(b, `,"name":`...), s.Name)
	b = appendjson.String(append(b, `,"name_key":`...), s.NameKey)
	b = appendjson.String(append(b, `,"lookalike_key":`...), s.LookalikeKey)
	b = appendjson.Member(b, `,"reason":`, s.Reason)
	b = appendjson.Time(append(b, `,"at":`...), s.At)
	if !s.Until.IsZero() {
		b = appendjson.Time(append(b, `,"until":`...), s.Until)
	}
	return append(b, '}')
}
