package transfer

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"

	"nametag"
)

// timeLayout is RFC 3339 in UTC, to the microsecond.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// ExportCSV writes the whole book to w, newest first, and returns how many pets
// it has. The columns are name, favorite_color, category and registered_at; a
// Rows reads them back. A text that a spreadsheet would run as a formula is
// written with an apostrophe before it.
func ExportCSV(ctx context.Context, r *nametag.Registry, w io.Writer) (int, error) {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"name", "favorite_color", "category", "registered_at"}); err != nil {
		return 0, err
	}
	n, err := eachPet(ctx, r, func(p nametag.Pet) error {
		return out.Write([]string{cellText(p.Name.String()), cellText(string(p.FavoriteColor)),
			string(p.Category), p.RegisteredAt.UTC().Format(timeLayout)})
	})
	if err != nil {
		return n, err
	}
	out.Flush()
	return n, out.Error()
}

// ExportJSONL writes the whole book to w, newest first, one JSON object a line
// (jsonlines.org), and returns how many pets it has. The members are called
// like the columns of ExportCSV.
func ExportJSONL(ctx context.Context, r *nametag.Registry, w io.Writer) (int, error) {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	n, err := eachPet(ctx, r, func(p nametag.Pet) error {
		return enc.Encode(JSON(p))
	})
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}

// JSON returns what encodes as p does in ExportJSONL.
func JSON(p nametag.Pet) any {
	return struct {
		Name          string `json:"name"`
		FavoriteColor string `json:"favorite_color"`
		Category      string `json:"category"`
		RegisteredAt  string `json:"registered_at"`
	}{p.Name.String(), string(p.FavoriteColor), string(p.Category), p.RegisteredAt.UTC().Format(timeLayout)}
}

// eachPet calls f for every pet of the book, newest first, and returns how many
// there were.
func eachPet(ctx context.Context, r *nametag.Registry, f func(nametag.Pet) error) (int, error) {
	n := 0
	q := nametag.Query{Limit: nametag.MaxPageSize}
	for {
		page, err := r.Pets(ctx, q)
		if err != nil {
			return n, err
		}
		for _, p := range page.Pets {
			if err := f(p); err != nil {
				return n, err
			}
			n++
		}
		if q.After = page.Next; q.After.IsZero() {
			return n, nil
		}
	}
}
