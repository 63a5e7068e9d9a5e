package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Columns names the columns that hold the particulars of pets, in any case. An
// empty string stands for the usual headers.
type Columns struct{ Name, Category, Color, Date string }

// The headers by which columns are recognised, the likeliest first.
var (
	nameHeaders     = []string{"name", "pet_name", "animals_name"}
	categoryHeaders = []string{"category", "pet_category", "species"}
	colorHeaders    = []string{"favorite_color", "pet_favorite_color", "favourite_colour", "color", "colour"}
	dateHeaders     = []string{"registered_at", "license_issue_date"}
	letPassHeaders  = []string{"let_pass"}
)

// A MissingColumnError says that a file has no column for something that was
// asked for or that no pet can do without.
type MissingColumnError struct {
	Column  string   // name, category, color or date
	Asked   string   // the header that was asked for, or ""
	Headers []string // those that the file has
}

func (e *MissingColumnError) Error() string {
	headers := printable(strings.Join(e.Headers, ", "))
	if e.Asked != "" {
		return fmt.Sprintf("the file has no column “%s”; its columns are: %s", e.Asked, headers)
	}
	return fmt.Sprintf("the file has no column that is known to hold the %s; its columns are: %s", e.Column, headers)
}

// positions says where the columns are. A column that is not there is at -1.
type positions struct{ name, category, color, date, letPass int }

// locate finds the columns by the headers of a file.
func (c Columns) locate(headers []string) (positions, error) {
	var p positions
	var err error
	for _, column := range []struct {
		at       *int
		called   string
		asked    string
		usual    []string
		required bool
	}{
		{&p.name, "name", c.Name, nameHeaders, true},
		{&p.category, "category", c.Category, categoryHeaders, true},
		{&p.color, "color", c.Color, colorHeaders, false},
		{&p.date, "date", c.Date, dateHeaders, false},
		{&p.letPass, "let pass", "", letPassHeaders, false},
	} {
		wanted := column.usual
		if column.asked != "" {
			wanted = []string{column.asked}
		}
		*column.at = find(headers, wanted)
		if i := *column.at; i >= 0 && find(headers[i+1:], headers[i:i+1]) >= 0 && err == nil {
			err = fmt.Errorf("two columns are called “%s”; give one of them another header", printable(headers[i]))
		}
		if *column.at < 0 && (column.required || column.asked != "") && err == nil {
			err = &MissingColumnError{column.called, column.asked, headers}
		}
	}
	return p, err
}

// locateName finds the column of the names, and that which says whether they are
// let pass.
func (c Columns) locateName(headers []string) (positions, error) {
	p, err := c.locate(headers)
	if missing, ok := errors.AsType[*MissingColumnError](err); ok && missing.Column != "name" {
		err = nil
	}
	p.category, p.color, p.date = -1, -1, -1
	return p, err
}

// find returns the index of the first header that is wanted, or -1.
func find(headers, wanted []string) int {
	for _, w := range wanted {
		i := slices.IndexFunc(headers, func(h string) bool {
			return strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(w))
		})
		if i >= 0 {
			return i
		}
	}
	return -1
}

// field returns the field at position i of a record, or "" if i is no position.
func field(fields []string, i int) string {
	if i < 0 {
		return ""
	}
	return fields[i]
}
