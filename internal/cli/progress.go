package cli

import (
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"nametag/internal/transfer"
)

// A meter counts what is read through it and, on a terminal, shows how an
// import comes along.
type meter struct {
	in    io.Reader
	read  atomic.Int64
	begin time.Time
	bar   *progressbar.ProgressBar // nil where nobody looks
}

// newMeter returns a meter over in. It shows a bar if w is a terminal.
func newMeter(in io.Reader, w io.Writer) *meter {
	m := &meter{in: in, begin: time.Now()}
	if isTerminal(w) {
		m.bar = newBar(w, size(in), true)
	}
	return m
}

// newBar returns a bar that shows on w how a work of this size comes along; -1
// stands for a size that is not known.
func newBar(w io.Writer, size int64, inBytes bool) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(inBytes),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// size returns the size of a file; -1 where there is none to know.
func size(in any) int64 {
	f, ok := in.(fs.File)
	if !ok {
		return -1
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1
	}
	return info.Size()
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	m.read.Add(int64(n))
	return n, err
}

// show brings the bar up to date.
func (m *meter) show(sum transfer.Summary) {
	if m.bar == nil {
		return
	}
	speed := float64(sum.Rows) / time.Since(m.begin).Seconds()
	m.bar.Describe(fmt.Sprintf("%s rows, %s rows/s", thousands(sum.Rows), thousands(int(speed))))
	m.bar.Set64(m.read.Load())
}

// finish takes the bar away.
func (m *meter) finish() {
	if m.bar != nil {
		m.bar.Finish()
	}
}
