// Package cli is the command line of Nametag: its commands and their settings, and the only place where the parts of
// the program are wired together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"nametag/internal/registry"
	"nametag/internal/wording"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the command was understood but failed
	exitUsage   = 2 // the command line or a setting is invalid
)

// A Process is what a program gets from the system that runs it.
type Process struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string           // as released; "" for a build from source
	Now            func() time.Time // nil stands for time.Now
}

// commands is the command line: one field per command.
type commands struct {
	Serve       serveCmd       `cmd:"" help:"Serve the pages and the API."`
	Import      importCmd      `cmd:"" help:"Register the pets of a CSV file."`
	Export      exportCmd      `cmd:"" help:"Write all pets as CSV or JSON Lines."`
	Pets        petsCmd        `cmd:"" help:"Find, show, rename, correct and release pets."`
	Names       namesCmd       `cmd:"" help:"Reserve names, allow lookalikes, and list these rulings."`
	Journal     journalCmd     `cmd:"" help:"Verify, show and export the journal of all changes."`
	Policy      policyCmd      `cmd:"" help:"Check and try the naming rules."`
	Migrate     migrateCmd     `cmd:"" help:"Update the database schema."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running server whether it is ready."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

const description = `Nametag is a pet registry in which every name is unique.

Each flag can also be set by the environment variable next to it; the flag takes precedence. ` +
	`Exit codes: 0 for success, 1 if the command failed, 2 if the command line or a setting is invalid.`

// Main runs the command that the arguments of the program ask for, and returns the exit code. The first signal to stop
// ends the command gracefully, the second one at once.
func Main(p Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Run(ctx, os.Args[1:], p)
}

// Run runs the command that args ask for, and returns the exit code. When ctx ends, the command stops gracefully.
func Run(ctx context.Context, args []string, p Process) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	exited := -1 // the exit code of --help
	parser, err := kong.New(&commands{}, append(slices.Clone(decoders),
		kong.Name("nametag"),
		kong.Description(description),
		kong.Vars{"database": defaultDatabase(runtime.GOOS, p.Getenv)},
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.Resolvers(environment(p.Getenv)),
		kong.ValueFormatter(helpWithVariable),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)...)
	if err != nil {
		panic(err) // the struct above is wrong
	}
	command, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "nametag: %v\n%s\n", err, hint(err))
		return exitUsage
	}
	err = command.Run()
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(p.Stderr, "nametag: %v\n", described(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}

// hint says how to fix the command line that err is about.
func hint(err error) string {
	command, dash := "nametag", ""
	if perr, ok := errors.AsType[*kong.ParseError](err); ok && perr.Context != nil && perr.Context.Selected() != nil {
		selected := perr.Context.Selected()
		command = selected.FullPath()
		if len(selected.Positional) > 0 && strings.HasPrefix(err.Error(), "unknown flag -") {
			dash = "Put -- before a name that begins with a dash. "
		}
	}
	return fmt.Sprintf("%sSee “%s --help”.", dash, command)
}

// A usageError is about a setting that only turned out to be invalid when the command ran.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A describedError is an error of the domain in words for administrators.
type describedError struct{ domain *registry.Error }

// Error returns the message with its cause, or only the cause if the message is for visitors.
func (e describedError) Error() string {
	_, said := errors.AsType[*registry.Error](e.domain.Err) // the message includes what such a cause says
	switch cause := e.domain.Err; {
	case cause == nil || said:
		return e.domain.Message
	case e.domain.Code == registry.CodeUnavailable:
		return cause.Error()
	default:
		return fmt.Sprintf("%s (%v)", e.domain.Message, cause)
	}
}

// Unwrap returns the error of the domain.
func (e describedError) Unwrap() error { return e.domain }

// described returns err in words for administrators. Call it before wrapping an error.
func described(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	if e, ok := err.(*registry.Error); ok { //nolint:errorlint // an error that wraps it adds words, which must stay
		return describedError{e}
	}
	return err
}

// refused returns why d refuses what a registrar asked for and what the registrar can do about it; nil if d does not
// refuse it.
func refused(d registry.Decision) error {
	reason := wording.Reason(d)
	switch {
	case d.Code == "":
		return nil
	case d.Rule == registry.RuleReserved:
		return fmt.Errorf("%s The policy reserves it: to release it, change the policy file.", reason)
	case d.Ruling != nil:
		return fmt.Errorf("%s To release the name, run %s first.", reason, command("names unreserve", d.Ruling.Name))
	case d.Code == registry.CodeTaken && d.Rival != nil:
		return fmt.Errorf("%s Rename or release that pet first; see “nametag pets --help”.", reason)
	default:
		return errors.New(reason)
	}
}

// command returns a command on a name, quoted for a shell.
func command(words string, name registry.Name) string {
	if strings.HasPrefix(name.String(), "-") {
		words += " --"
	}
	return fmt.Sprintf("“nametag %s '%s'”", words, strings.ReplaceAll(name.String(), "'", `'\''`))
}
