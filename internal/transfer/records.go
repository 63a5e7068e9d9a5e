package transfer

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxRecordBytes is the greatest length of a record. It bounds what an unclosed quotation mark can swallow.
const maxRecordBytes = 64 << 10

// records reads CSV (RFC 4180) record by record. It splits the file into records, and encoding/csv parses each. Unlike
// encoding/csv alone, it loses at most one line to a mistake: after a malformed record it continues with the line after
// the one on which that record began.
type records struct {
	in      *bufio.Reader
	comma   rune
	columns int      // how many fields a record must have; 0 for any number
	number  int      // of the line that was read last, from 1
	again   []string // lines to be read again, before those of in

	parser *csv.Reader // of text
	text   strings.Reader
}

// A record is one row of the file.
type record struct {
	line   int // where it begins
	fields []string
}

// A malformedError is about one record. Reading can continue after it.
type malformedError struct {
	line   int // where the record begins
	reason string
}

func (e *malformedError) Error() string { return e.reason }

// newRecords returns the records of r. It skips a byte order mark.
func newRecords(r io.Reader, comma rune) *records {
	in := bufio.NewReaderSize(r, maxRecordBytes+1)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(len(mark)) // they are buffered
	}
	return &records{in: in, comma: comma}
}

// next returns the next record and skips empty lines. The error is io.EOF at the end, a *malformedError, or that of the
// underlying reader.
func (r *records) next() (record, error) {
	first, err := r.line()
	for err == nil && (first == "\n" || first == "\r\n" || first == "\r") {
		first, err = r.line()
	}
	if err != nil {
		return record{}, err
	}
	begin, text := r.number, []byte(first)
	var more []string // the lines of the record after the first
	// A quoted field continues on the next line if the number of quotation marks so far is odd.
	for quotes := strings.Count(first, `"`); quotes%2 == 1 && len(text) <= maxRecordBytes; {
		line, err := r.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return record{}, err
		}
		more = append(more, line)
		text = append(text, line...)
		quotes += strings.Count(line, `"`)
	}
	fields, reason := r.parse(string(text))
	if reason != "" {
		r.number = begin
		r.again = append(more, r.again...)
		return record{}, &malformedError{begin, reason}
	}
	return record{begin, fields}, nil
}

// line returns the next line with its end. Of a line that is longer than a record may be, it returns a part that is
// also too long.
func (r *records) line() (string, error) {
	if len(r.again) > 0 {
		line := r.again[0]
		r.again = r.again[1:]
		r.number++
		return line, nil
	}
	slice, err := r.in.ReadSlice('\n')
	line := string(slice)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.in.ReadSlice('\n')
	}
	if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
		return "", err
	}
	r.number++
	return line, nil
}

// parse splits a record into its fields, or returns the reason why it is malformed.
func (r *records) parse(text string) (fields []string, reason string) {
	fields, err := r.read(text)
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		return nil, "a quotation mark stands inside a field that is not quoted"
	case len(text) > maxRecordBytes:
		return nil, fmt.Sprintf("the row is longer than %d bytes; a quotation mark may be missing", maxRecordBytes)
	case err != nil:
		if _, err := r.read(text + `"`); err == nil {
			return nil, "a quotation mark opens a field and nothing closes it"
		}
		return nil, "text follows the quotation mark that closes a field"
	case r.columns > 0 && len(fields) != r.columns:
		return nil, fmt.Sprintf("the row has %s where the header has %d", count(len(fields), "column"), r.columns)
	}
	return fields, ""
}

func (r *records) read(text string) ([]string, error) {
	if r.parser == nil {
		r.parser = csv.NewReader(&r.text)
		r.parser.Comma, r.parser.FieldsPerRecord = r.comma, -1
	}
	r.text.Reset(text)
	fields, err := r.parser.Read()
	if err != nil {
		r.parser = nil // it may hold the rest of the text
	}
	return fields, err
}

// count writes a number of things in words: "1 column", "2 columns".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
