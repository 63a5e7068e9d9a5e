package transfer

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"nametag/internal/registry"
)

// The codes of refusals that only an import knows. The others are the domain's.
const (
	CodeBadRow            registry.Code = "bad_row"            // the row is not CSV, or has too many or too few columns
	CodeBadDate           registry.Code = "bad_date"           // the date is none, or can't be the day of a registration
	CodeBadLetPass        registry.Code = "bad_let_pass"       // let_pass is neither true nor false
	CodeAlreadyRegistered registry.Code = "already_registered" // this very pet is in the book
)

// Format says how to read a file of pets.
type Format struct {
	Delimiter    rune // between columns; a comma if it is 0
	Columns      Columns
	DefaultColor string // for a pet whose row gives no favourite colour

	// Policy is what rows are judged by; registry.Open if it is nil.
	Policy *registry.Policy

	// Now is the clock that tells which dates are in the future; time.Now if it
	// is nil.
	Now func() time.Time
}

// Rows reads the pets of a CSV file (RFC 4180, UTF-8), one at a time.
type Rows struct {
	records *records
	format  Format
	at      positions
	judge   func(registry.Application) registry.Decision
}

// A Row is a pet as the file has it. Its Decision says why it can't be registered,
// or has the Pet that Application asks for, whose RegisteredAt is zero if the file
// gives no date.
type Row struct {
	Line        int // where the row begins in the file, from 1
	Name        string
	Application registry.Application
	Decision    registry.Decision
}

// NewRows reads the header of r. The error is a *MissingColumnError if a column
// is missing.
func NewRows(r io.Reader, f Format) (*Rows, error) {
	rows, err := newRows(r, f, f.Columns.locate)
	if err == nil {
		rows.judge = func(a registry.Application) registry.Decision { return a.Parse(rows.format.Policy) }
	}
	return rows, err
}

// NewNames reads the header of r, of which only the column of the names is
// needed. The rows are judged by their names alone, and by whether they are let
// pass.
func NewNames(r io.Reader, f Format) (*Rows, error) {
	rows, err := newRows(r, f, f.Columns.locateName)
	if err == nil {
		rows.judge = func(a registry.Application) registry.Decision { return rows.format.Policy.Decide(a.Name) }
	}
	return rows, err
}

func newRows(r io.Reader, f Format, locate func(headers []string) (positions, error)) (*Rows, error) {
	if f.Delimiter == 0 {
		f.Delimiter = ','
	}
	if f.Policy == nil {
		f.Policy = registry.Open
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	records := newRecords(r, f.Delimiter)
	start, _ := records.in.Peek(2) // as much as there is
	if string(start) == "\xff\xfe" || string(start) == "\xfe\xff" {
		return nil, errors.New("the file is encoded as UTF-16; save it as UTF-8, which spreadsheets call “CSV UTF-8”")
	}
	rows, err := readHeader(records, f, locate)
	if err != nil && strings.HasPrefix(string(start), "{") {
		return nil, fmt.Errorf("the file looks like JSON; import reads CSV, which export writes with --format csv (%w)", err)
	}
	return rows, err
}

func readHeader(records *records, f Format, locate func(headers []string) (positions, error)) (*Rows, error) {
	header, err := records.next()
	if malformed, ok := errors.AsType[*malformedError](err); ok {
		return nil, fmt.Errorf("the header (line %d) can't be read: %w", malformed.line, err)
	}
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: it needs a header line that names the columns")
	}
	if err != nil {
		return nil, err
	}
	at, err := locate(header.fields)
	if err != nil {
		return nil, err
	}
	records.columns = len(header.fields)
	return &Rows{records: records, format: f, at: at}, nil
}

// Next returns the next row, be it one that must be refused. The error is
// io.EOF at the end, or that of the reader.
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
	row := Row{Line: rec.line, Name: bareText(field(rec.fields, r.at.name))}
	row.Application = registry.Application{
		Name:          row.Name,
		Category:      field(rec.fields, r.at.category),
		FavoriteColor: bareText(field(rec.fields, r.at.color)),
	}
	if strings.TrimSpace(row.Application.FavoriteColor) == "" {
		row.Application.FavoriteColor = r.format.DefaultColor
	}
	date, dateErr := parseDate(field(rec.fields, r.at.date), r.format.Now())
	exempt, exemptErr := parseLetPass(field(rec.fields, r.at.letPass))
	row.Application.RegisteredAt, row.Application.LookalikeExempt = date, exempt
	row.Decision = r.judge(row.Application)
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

// parseLetPass reads true or false. No text is false.
func parseLetPass(s string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true":
		return true, nil
	case "false", "":
		return false, nil
	default:
		return false, fmt.Errorf("“%s” does not say whether the name is let pass: write true or false", s)
	}
}

// parseDate reads a day or an RFC 3339 time. No text is the zero Time.
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
		return t, fmt.Errorf("“%s” is out of range: the year must be one of 1 to 9999", s)
	case t.After(now.Add(24 * time.Hour)):
		return t, fmt.Errorf("“%s” is in the future", s)
	}
	return t, nil
}
