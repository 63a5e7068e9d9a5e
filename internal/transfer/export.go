package transfer

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"

	"nametag/internal/registry"
)

// timeLayout is RFC 3339 in UTC, to the microsecond.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// ExportCSV writes a snapshot of all pets to w, oldest first, and returns their number. The columns are name,
// favorite_color, category, registered_at and let_pass. Rows reads them back; in this order, the pet that had a name
// first gets it again. A text that a spreadsheet would run as a formula begins with an apostrophe.
func ExportCSV(ctx context.Context, r *registry.Registry, w io.Writer) (int, error) {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"name", "favorite_color", "category", "registered_at", "let_pass"}); err != nil {
		return 0, err
	}
	n, err := eachPet(ctx, r, func(p particulars, exempt bool) error {
		return out.Write([]string{
			cellText(p.Name), cellText(p.FavoriteColor), p.Category, p.RegisteredAt, strconv.FormatBool(exempt)})
	})
	if err != nil {
		return n, err
	}
	out.Flush()
	return n, out.Error()
}

// ExportJSONL writes a snapshot of all pets to w, in the order of ExportCSV, one JSON object a line (jsonlines.org),
// and returns their number. The members have the names of the columns of ExportCSV.
func ExportJSONL(ctx context.Context, r *registry.Registry, w io.Writer) (int, error) {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	n, err := eachPet(ctx, r, func(p particulars, exempt bool) error {
		return enc.Encode(struct {
			particulars
			LookalikeExempt bool `json:"let_pass"`
		}{p, exempt})
	})
	if err != nil {
		return n, err
	}
	return n, out.Flush()
}

// JSON returns a value that encodes as p does in ExportJSONL, without let_pass.
func JSON(p registry.Pet) any { return particularsOf(p) }

// particulars are the public particulars of a pet.
type particulars struct {
	Name          string `json:"name"`
	FavoriteColor string `json:"favorite_color"`
	Category      string `json:"category"`
	RegisteredAt  string `json:"registered_at"`
}

func particularsOf(p registry.Pet) particulars {
	registered := p.RegisteredAt.UTC().Format(timeLayout)
	return particulars{p.Name.String(), string(p.FavoriteColor), string(p.Category), registered}
}

// eachPet calls f for every pet, oldest first, and returns their number.
func eachPet(ctx context.Context, r *registry.Registry, f func(p particulars, exempt bool) error) (int, error) {
	n := 0
	err := r.Snapshot(ctx, func(s registry.State) error {
		if s.Pet == nil {
			return nil
		}
		n++
		return f(particularsOf(s.Pet.Pet()), s.Pet.LookalikeExempt)
	})
	return n, err
}
