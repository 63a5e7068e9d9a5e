package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"nametag/internal/registry"
)

// The codes of refusals that only an import knows. The others are the domain's.
const (
	CodeBadRow            registry.Code = "bad_row"            // the row is not CSV, or its number of columns is wrong
	CodeBadDate           registry.Code = "bad_date"           // the date is invalid, or cannot be that of a registration
	CodeBadLetPass        registry.Code = "bad_let_pass"       // let_pass is neither true nor false
	CodeAlreadyRegistered registry.Code = "already_registered" // the registry has this very pet
)

// Format says how to read a file of pets.
type Format struct {
	Delimiter    rune // between columns; 0 for a comma
	Columns      Columns
	DefaultColor string // for a pet whose row gives no favourite colour

	// Policy judges the rows; nil for registry.Open.
	Policy *registry.Policy

	// Now is the clock that tells which dates are in the future; nil for time.Now.
	Now func() time.Time
}

// Rows reads the pets of a CSV file (RFC 4180, UTF-8), one at a time.
type Rows struct {
	records         *records
	format          Format
	at              positions
	defaultCategory string
}

// A Row is a pet as the file has it. Its Decision says why it is refused, or has the Pet that Application asks for,
// whose RegisteredAt is zero if the file gives no date.
type Row struct {
	Line        int // where the row begins in the file, from 1
	Name        string
	Application registry.Application
	Decision    registry.Decision
}

// NewRows reads the header of r. The error is a *MissingColumnError if a column is missing.
func NewRows(r io.Reader, f Format) (*Rows, error) { return newRows(r, f, false) }

// NewNames reads the header of r, like NewRows, for a file in which only the names matter, and whether they are allowed
// as lookalikes. It gives all pets the same colour and category.
func NewNames(r io.Reader, f Format) (*Rows, error) { return newRows(r, f, true) }

func newRows(r io.Reader, f Format, namesOnly bool) (*Rows, error) {
	f.Delimiter = cmp.Or(f.Delimiter, ',')
	f.Policy = cmp.Or(f.Policy, registry.Open)
	if f.Now == nil {
		f.Now = time.Now
	}
	rows := &Rows{records: newRecords(r, f.Delimiter), format: f}
	if namesOnly {
		rows.format.DefaultColor, rows.defaultCategory = "unknown", string(f.Policy.Rules().Categories[0])
	}
	start, _ := rows.records.in.Peek(2) // as much as there is
	switch err := rows.readHeader(namesOnly); {
	case err == nil:
		return rows, nil
	case string(start) == "\xff\xfe" || string(start) == "\xfe\xff":
		return nil, errors.New("the file is UTF-16; save it as UTF-8, which spreadsheets call “CSV UTF-8”")
	case strings.HasPrefix(string(start), "{"):
		return nil, fmt.Errorf("the file looks like JSON; give a CSV file, such as export --format csv writes (%w)", err)
	default:
		return nil, err
	}
}

func (r *Rows) readHeader(namesOnly bool) error {
	header, err := r.records.next()
	if malformed, ok := errors.AsType[*malformedError](err); ok {
		return fmt.Errorf("the header (line %d) cannot be read: %w", malformed.line, err)
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty: it needs a header line that names the columns")
	}
	if err != nil {
		return err
	}
	r.records.columns = len(header.fields)
	r.at, err = r.format.Columns.locate(header.fields, namesOnly)
	return err
}

// Next returns the next row, also one that is refused. The error is io.EOF at the end, or that of the reader.
func (r *Rows) Next() (Row, error) {
	rec, err := r.records.next()
	if malformed, ok := errors.AsType[*malformedError](err); ok {
		return Row{Line: malformed.line, Decision: invalid(CodeBadRow, malformed.reason)}, nil
	}
	if err != nil {
		return Row{}, err
	}
	return r.row(rec), nil
}

func (r *Rows) row(rec record) Row {
	name, color := bareText(field(rec.fields, r.at.name)), bareText(field(rec.fields, r.at.color))
	if strings.TrimSpace(color) == "" {
		color = r.format.DefaultColor
	}
	date, dateErr := parseDate(field(rec.fields, r.at.date), r.format.Now())
	exempt, exemptErr := parseLetPass(field(rec.fields, r.at.letPass))
	a := registry.Application{
		Name:            name,
		FavoriteColor:   color,
		Category:        cmp.Or(field(rec.fields, r.at.category), r.defaultCategory),
		RegisteredAt:    date,
		LookalikeExempt: exempt,
	}
	row := Row{Line: rec.line, Name: name, Application: a, Decision: a.Parse(r.format.Policy)}
	switch {
	case row.Decision.Code != "":
	case exemptErr != nil:
		row.Decision = invalid(CodeBadLetPass, exemptErr.Error())
	case dateErr != nil:
		row.Decision = invalid(CodeBadDate, dateErr.Error())
	}
	return row
}

// invalid returns the decision on a row that is invalid for a reason.
func invalid(code registry.Code, reason string) registry.Decision {
	return registry.Decision{Code: registry.CodeInvalid, Errors: []*registry.Error{{Code: code, Message: reason}}}
}

// parseLetPass parses true or false; an empty text is false.
func parseLetPass(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	default:
		return false, fmt.Errorf("“%s” is not valid for let_pass: write true or false", s)
	}
}

// parseDate parses a day or an RFC 3339 time; an empty text is the zero Time.
func parseDate(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t, err = time.Parse(time.RFC3339, s)
	}
	t = t.UTC()
	switch {
	case err != nil:
		return t, fmt.Errorf("“%s” is not a date: write it like 2018-11-16 or 2018-11-16T09:30:00Z", s)
	case t.Year() < 1 || t.Year() > 9999 || t.IsZero():
		return t, fmt.Errorf("“%s” is out of range: the year must be from 1 to 9999", s)
	case t.After(now.Add(24 * time.Hour)):
		return t, fmt.Errorf("“%s” is in the future", s)
	}
	return t, nil
}
