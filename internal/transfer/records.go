package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxRecordBytes is how long a record may be. It bounds what a quotation mark
// that nothing closes can swallow.
const maxRecordBytes = 64 << 10

// records reads CSV (RFC 4180) record by record. Unlike encoding/csv it loses
// one line at most to a mistake: after a malformed record it goes on with the
// line after the one on which that record began.
type records struct {
	in      *bufio.Reader
	comma   string
	columns int    // how many fields a record must have; 0 for any number
	number  int    // of the line that was read last, from 1
	again   []line // to be read again, before those of in
}

// A record is one row of the file.
type record struct {
	line   int // where it begins
	fields []string
}

// A line of the file, without its end. The text of one that is longer than a
// record may be is lost.
type line struct {
	text    string
	tooLong bool
}

// A malformedError is about one record; reading can go on after it.
type malformedError struct {
	line   int // where the record begins
	reason string
}

func (e *malformedError) Error() string { return e.reason }

// newRecords returns the records of r. A byte order mark at its beginning is
// skipped.
func newRecords(r io.Reader, comma rune) *records {
	in := bufio.NewReaderSize(r, maxRecordBytes)
	if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
		_, _ = in.Discard(len(mark)) // they are buffered
	}
	return &records{in: in, comma: string(comma)}
}

// next returns the next record; empty lines are none. The error is io.EOF at
// the end, a *malformedError, or that of the underlying reader.
func (r *records) next() (record, error) {
	first, err := r.read()
	for err == nil && first == (line{}) {
		first, err = r.read()
	}
	if err != nil {
		return record{}, err
	}
	begin := r.number
	var more []line // that belong to the record, after the first
	fields, reason, err := r.finish(first, &more)
	if err != nil {
		return record{}, err
	}
	if reason != "" {
		r.number = begin
		r.again = append(more, r.again...)
		return record{}, &malformedError{begin, reason}
	}
	return record{begin, fields}, nil
}

// finish splits the record that begins with l. It reads lines into more for as
// long as a quoted field goes on, and says why if the record is malformed.
func (r *records) finish(l line, more *[]line) (fields []string, reason string, err error) {
	s := splitter{comma: r.comma}
	for size := 0; ; {
		size += len(l.text) + 1
		if l.tooLong || size > maxRecordBytes {
			return nil, fmt.Sprintf("the row is longer than %d bytes; a quotation mark may be missing", maxRecordBytes), nil
		}
		open, reason := s.feed(l.text)
		switch {
		case reason != "":
			return nil, reason, nil
		case !open && r.columns > 0 && len(s.fields) != r.columns:
			return nil, fmt.Sprintf("the row has %s where the header has %d", count(len(s.fields), "column"), r.columns), nil
		case !open:
			return s.fields, "", nil
		}
		if l, err = r.read(); errors.Is(err, io.EOF) {
			return nil, "a quotation mark opens a field and nothing closes it", nil
		} else if err != nil {
			return nil, "", err
		}
		*more = append(*more, l)
	}
}

// read returns the next line.
func (r *records) read() (line, error) {
	if len(r.again) > 0 {
		l := r.again[0]
		r.again = r.again[1:]
		r.number++
		return l, nil
	}
	text, err := r.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.in.ReadSlice('\n')
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return line{}, err
		}
		r.number++
		return line{tooLong: true}, nil
	case err != nil && (len(text) == 0 || !errors.Is(err, io.EOF)):
		return line{}, err
	}
	r.number++
	return line{text: strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")}, nil
}

// A splitter splits one record, fed line by line, into its fields.
type splitter struct {
	comma  string
	fields []string
	quoted strings.Builder // the quoted field so far
	open   bool            // the quoted field goes on with the next line
}

// feed takes the next line of the record. It reports whether the record goes on
// after it, and why if the record is malformed.
func (s *splitter) feed(text string) (open bool, reason string) {
	for {
		if !s.open {
			if !strings.HasPrefix(text, `"`) {
				field, rest, another := strings.Cut(text, s.comma)
				if strings.Contains(field, `"`) {
					return false, "a quotation mark stands inside a field that is not quoted"
				}
				s.fields = append(s.fields, field)
				if !another {
					return false, ""
				}
				text = rest
				continue
			}
			s.open = true
			s.quoted.Reset()
			text = text[1:]
		}
		part, rest, closed := strings.Cut(text, `"`)
		s.quoted.WriteString(part)
		if !closed {
			s.quoted.WriteByte('\n')
			return true, ""
		}
		if strings.HasPrefix(rest, `"`) {
			s.quoted.WriteByte('"')
			text = rest[1:]
			continue
		}
		s.open = false
		s.fields = append(s.fields, s.quoted.String())
		if rest == "" {
			return false, ""
		}
		if !strings.HasPrefix(rest, s.comma) {
			return false, "text follows the quotation mark that closes a field"
		}
		text = rest[len(s.comma):]
	}
}

// count writes a number of things in words: "1 column", "2 columns".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
