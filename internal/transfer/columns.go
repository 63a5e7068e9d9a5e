package transfer

import (
	"fmt"
	"slices"
	"strings"
)

// Columns names the columns that hold the particulars of pets, in any case. An empty string stands for the usual
// headers.
type Columns struct{ Name, Category, Color, Date string }

// A MissingColumnError says that a file lacks a column that it needs or that was asked for.
type MissingColumnError struct {
	Column  string   // name, category, color or date
	Asked   string   // the header that was asked for, or ""
	Headers []string // those of the file
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

// A column is one to look for.
type column struct {
	at       *int
	name     string
	asked    string
	usual    []string // headers, the likeliest first
	required bool
}

// locate finds the columns by the headers of a file; only those that NewNames reads, if namesOnly is true.
func (c Columns) locate(headers []string, namesOnly bool) (positions, error) {
	at := positions{-1, -1, -1, -1, -1}
	columns := []column{
		{&at.name, "name", c.Name, []string{"name", "pet_name", "animals_name"}, true},
		{&at.letPass, "let_pass", "", []string{"let_pass"}, false},
	}
	if !namesOnly {
		colors := []string{"favorite_color", "pet_favorite_color", "favourite_colour", "color", "colour"}
		columns = append(columns,
			column{&at.category, "category", c.Category, []string{"category", "pet_category", "species"}, true},
			column{&at.color, "color", c.Color, colors, false},
			column{&at.date, "date", c.Date, []string{"registered_at", "license_issue_date"}, false})
	}
	for _, column := range columns {
		if column.asked != "" {
			column.usual = []string{column.asked}
		}
		i := find(headers, column.usual)
		switch *column.at = i; {
		case i < 0 && (column.required || column.asked != ""):
			return at, &MissingColumnError{column.name, column.asked, headers}
		case i >= 0 && find(headers[i+1:], headers[i:i+1]) >= 0:
			return at, fmt.Errorf("two columns are called “%s”; give one of them another header", printable(headers[i]))
		}
	}
	return at, nil
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

// field returns the field at a position of a record, or "" if the position is -1.
func field(fields []string, at int) string {
	if at < 0 {
		return ""
	}
	return fields[at]
}
