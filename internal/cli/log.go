package cli

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"
)

// logFlags say how a command logs.
type logFlags struct {
	LogFormat string `enum:"auto,text,json" default:"auto" placeholder:"auto" help:"The format of the log: text, json, or auto for text on a terminal and json otherwise."`
	LogLevel  string `enum:"debug,info,warn,error" default:"info" placeholder:"info" help:"The lowest level to log: debug, info, warn or error."`
}

func (f logFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		panic(err) // the enum above lists an invalid level
	}
	options := &slog.HandlerOptions{Level: level}
	if f.LogFormat == "text" || f.LogFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
