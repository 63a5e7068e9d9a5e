//go:build ignore

// Gen writes the table of package skeleton from Unicode's confusables.txt:
//
//	go run gen.go [-o table.go] FILE
//
// FILE states its version and the number of its entries. Gen reports anything
// unexpected with the number of the line, and then writes nothing.
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"go/format"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func main() {
	out := flag.String("o", "table.go", "the file to write")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: go run gen.go [-o table.go] FILE")
		os.Exit(2)
	}
	if err := generate(flag.Arg(0), *out); err != nil {
		fmt.Fprintf(os.Stderr, "gen: %v\n", err)
		os.Exit(1)
	}
}

func generate(in, out string) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	c, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	source, err := c.source()
	if err != nil {
		return err
	}
	return os.WriteFile(out, source, 0o644)
}

// confusables is the content of confusables.txt.
type confusables struct {
	copyright string // "2025 Unicode®, Inc."
	version   string // "17.0.0"
	prototype map[rune]string
}

var (
	copyrightLine = regexp.MustCompile(`^# © (\d{4} Unicode®?, Inc\.)`)
	versionLine   = regexp.MustCompile(`^# Version: (\d+\.\d+\.\d+)$`)
	totalLine     = regexp.MustCompile(`^# total: (\d+)$`)
)

func parse(text string) (*confusables, error) {
	c := &confusables{prototype: map[rune]string{}}
	total := -1
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if m := copyrightLine.FindStringSubmatch(line); m != nil {
			c.copyright = m[1]
		} else if m := versionLine.FindStringSubmatch(line); m != nil {
			c.version = m[1]
		} else if m := totalLine.FindStringSubmatch(line); m != nil {
			total, _ = strconv.Atoi(m[1])
		} else if line != "" && line[0] != '#' {
			if err := c.add(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		}
	}
	switch {
	case c.copyright == "":
		return nil, fmt.Errorf("no line says whose the copyright is")
	case c.version == "":
		return nil, fmt.Errorf("no line says which version this is")
	case total < 0:
		return nil, fmt.Errorf("no line says the total")
	case total != len(c.prototype):
		return nil, fmt.Errorf("%d entries, but the total is said to be %d", len(c.prototype), total)
	}
	return c, nil
}

// add adds one entry: source ; prototype ; MA # comment.
func (c *confusables) add(line string) error {
	entry, _, _ := strings.Cut(line, "#")
	fields := strings.Split(entry, ";")
	if len(fields) != 3 || strings.TrimSpace(fields[2]) != "MA" {
		return fmt.Errorf("%q is not of the form “source ; prototype ; MA”", line)
	}
	source, err := characters(fields[0])
	if err != nil {
		return err
	}
	prototype, err := characters(fields[1])
	if err != nil {
		return err
	}
	r, size := utf8.DecodeRuneInString(source)
	if size != len(source) || r == '\t' {
		return fmt.Errorf("the source %q is not one character that shows", source)
	}
	if source == prototype {
		return fmt.Errorf("%U is its own prototype", r)
	}
	if _, twice := c.prototype[r]; twice {
		return fmt.Errorf("%U has a prototype already", r)
	}
	c.prototype[r] = prototype
	return nil
}

// characters decodes one or more code points in hexadecimal, separated by spaces.
// Version 17.0.0 has a tab in the prototype of U+1F16D.
func characters(s string) (string, error) {
	var b strings.Builder
	for _, hex := range strings.Fields(s) {
		n, err := strconv.ParseUint(hex, 16, 32)
		if err != nil || len(hex) < 4 || !utf8.ValidRune(rune(n)) || n < ' ' && n != '\t' {
			return "", fmt.Errorf("%q is not the code point of a character", hex)
		}
		b.WriteRune(rune(n))
	}
	if b.Len() == 0 {
		return "", fmt.Errorf("a field is empty")
	}
	return b.String(), nil
}

// source returns c as Go source. Everything outside ASCII is escaped, because editors
// would display most of it as something else, or in another order.
func (c *confusables) source() ([]byte, error) {
	sources := map[string][]rune{}
	for _, r := range slices.Sorted(maps.Keys(c.prototype)) {
		sources[c.prototype[r]] = append(sources[c.prototype[r]], r)
	}

	var b bytes.Buffer
	fmt.Fprintf(&b, header, c.copyright, c.version, len(c.prototype))
	fmt.Fprint(&b, "// ascii holds the prototypes of the characters of ASCII that have one.\n")
	fmt.Fprint(&b, "var ascii = [128]string{\n")
	for r := rune(0); r < utf8.RuneSelf; r++ {
		if p, ok := c.prototype[r]; ok {
			fmt.Fprintf(&b, "%q: %+q,\n", r, p)
		}
	}
	fmt.Fprint(&b, "}\n\n")
	fmt.Fprint(&b, "// prototypes has a line for every prototype: its sources, a tab and the prototype.\n")
	fmt.Fprint(&b, "const prototypes = \"\" +\n")
	lines := slices.SortedFunc(maps.Keys(sources), cmp.Compare[string])
	for i, p := range lines {
		end := " +"
		if i == len(lines)-1 {
			end = ""
		}
		fmt.Fprintf(&b, "%+q%s\n", string(sources[p])+"\t"+p+"\n", end)
	}
	return format.Source(b.Bytes())
}

const header = `// Code generated by gen.go from Unicode's confusables.txt. DO NOT EDIT.
//
// © %[1]s Unicode and the Unicode Logo are registered trademarks of Unicode, Inc. in the U.S. and other
// countries. The data is used under the Unicode License V3, https://www.unicode.org/license.txt
//
// Unicode Security Mechanisms for UTS #39, version %[2]s, %[3]d entries:
// https://www.unicode.org/Public/security/%[2]s/confusables.txt

package skeleton

// Version is the version of Unicode that the skeletons follow.
const Version = %[2]q

// entries is how many characters have a prototype.
const entries = %[3]d

`
