package cli

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile has write fill the file called name. The file is complete when it
// appears under its name: it grows under another beside it. When anything
// fails, what was there before stays.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeDevice(name, write)
	}
	dir, base := filepath.Split(name)
	growing := filepath.Join(dir, "."+base+"."+rand.Text()+".tmp")
	defer func() {
		if e, ok := errors.AsType[*fs.PathError](err); ok && e.Path == growing {
			e.Path = name // the one that was asked for
		}
	}()
	f, err := os.OpenFile(growing, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(growing))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(growing, name)
}

// writeDevice has write fill a pipe or a device such as /dev/null, in whose
// place no file should be put.
func writeDevice(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// closing closes c and adds its error to err. Defer it.
func closing(err *error, c io.Closer) { *err = errors.Join(*err, c.Close()) }
