package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/dustin/go-humanize/english"
)

// jsonFlag asks for output that programs read.
type jsonFlag struct {
	JSON bool `name:"json" help:"Write JSON, one object per line."`
}

// list returns a list to be written to w.
func (f jsonFlag) list(w io.Writer) list {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return list{newTable(w), enc, f.JSON}
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// A list is written row by row, as an aligned table or as JSON Lines. Flush completes it.
type list struct {
	*tabwriter.Writer
	json   *json.Encoder
	asJSON bool
}

// add writes a row: value as JSON, or the cells of the table.
func (l list) add(value any, cells ...string) error {
	if l.asJSON {
		return l.json.Encode(value)
	}
	_, err := fmt.Fprintln(l, strings.Join(cells, "\t"))
	return err
}

// exportFlags are those of commands that write a file from the database.
type exportFlags struct {
	databaseFlags
	Output string `short:"o" placeholder:"FILE" help:"The file to write; standard output by default. An existing file is replaced once the export is complete."`
}

// export has write write the output from the database and report how many things of a kind it wrote.
func (f exportFlags) export(
	ctx context.Context, p Process, kind string, write func(store, io.Writer) (int, error),
) error {
	if f.Output == "" {
		return f.use(ctx, p, purpose{readOnly: true}, func(db store) error {
			_, err := write(db, p.Stdout)
			return err
		})
	}
	if err := f.refuseDatabasePath(f.Output, "output"); err != nil {
		return err
	}
	return f.use(ctx, p, purpose{readOnly: true}, func(db store) error {
		n := 0
		err := writeFile(f.Output, func(w io.Writer) (err error) {
			n, err = write(db, w)
			return err
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "%s written to %s\n", english.Plural(n, kind, ""), f.Output)
		return err
	})
}

// writeFile has write fill the file called name. The file appears under its name when it is complete: until then it has
// another name in the same directory. If anything fails, the previous file stays.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeDevice(name, write)
	}
	dir, base := filepath.Split(name)
	temporary := filepath.Join(dir, "."+base+"."+rand.Text()+".tmp")
	defer func() {
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == temporary {
			e.Path = name
		}
	}()
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, name)
}

// writeDevice has write write to a pipe or a device such as /dev/null, which must not be replaced by a file.
func writeDevice(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
