// Package cli is the command line of Nametag: its commands and their settings,
// and the only place where the parts of the program are wired together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
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
	exitUsage   = 2 // the command line or a setting needs mending
)

// A Process is what a program gets from the system that runs it.
type Process struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Version        string           // as released; "" for a build from source
	Now            func() time.Time // nil stands for time.Now
}

// commands is the command line: one field a command.
type commands struct {
	Serve       serveCmd       `cmd:"" help:"Run the registry's web server."`
	Import      importCmd      `cmd:"" help:"Register the pets of a CSV file."`
	Export      exportCmd      `cmd:"" help:"Write the whole book as CSV or JSON."`
	Pets        petsCmd        `cmd:"" help:"Find, show, rename or release pets."`
	Names       namesCmd       `cmd:"" help:"Reserve names, let them pass, and list those that are kept."`
	Journal     journalCmd     `cmd:"" help:"Verify, show or export the journal of all changes."`
	Policy      policyCmd      `cmd:"" help:"Check and try the rules by which names are given."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the database's schema up to date."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running server whether it is ready."`
	Version     versionCmd     `cmd:"" help:"Say which version this is."`
}

const description = `Nametag is a pet registry in which every name is unique.

Every flag can also be set by the environment variable beside it; a flag goes before the variable. ` +
	`Exit codes: 0 when all went well, 1 when the command failed, 2 when the command line or a setting needs mending.`

// Main runs the command that the arguments of the program ask for, and returns
// the exit code. A signal to stop ends the command in an orderly way, a second
// one at once.
func Main(p Process) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Run(ctx, os.Args[1:], p)
}

// Run runs the command that args ask for, and returns the exit code. When ctx
// ends, the command stops in an orderly way.
func Run(ctx context.Context, args []string, p Process) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	exited := -1 // what kong would have exited with, after --help
	parser, err := kong.New(&commands{},
		kong.Name("nametag"),
		kong.Description(description),
		kong.Writers(p.Stdout, p.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.Resolvers(environment{p.Getenv}),
		kong.ValueFormatter(helpWithVariable),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(p),
	)
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

// hint says what to do about a command line that err is about, and where to
// read on.
func hint(err error) string {
	perr, ok := errors.AsType[*kong.ParseError](err)
	if !ok || perr.Context == nil || perr.Context.Selected() == nil {
		return readOn("nametag")
	}
	command := perr.Context.Selected()
	if len(command.Positional) > 0 && strings.HasPrefix(err.Error(), "unknown flag -") {
		return "Put -- before a name that begins with a dash. " + readOn(command.FullPath())
	}
	return readOn(command.FullPath())
}

func readOn(command string) string {
	return fmt.Sprintf("Run “%s --help” to see what it understands.", command)
}

// A usageError is about a setting that only turned out wrong when the command
// ran.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// A describedError is an error of the domain in words for administrators.
type describedError struct{ domain *registry.Error }

// Error returns the message with its cause, or the cause alone where the message
// is for visitors.
func (e describedError) Error() string {
	_, said := errors.AsType[*registry.Error](e.domain.Err) // by the message, which has what that error says
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

// described returns err in words for administrators. Commands call it where they
// add to an error, and Run does at last.
func described(err error) error {
	switch e := err.(type) {
	case *registry.Error:
		return describedError{e}
	case interface{ Unwrap() []error }: // what a command returned, and what closing the database did
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, described(one))
		}
		return errors.Join(all...)
	default:
		return err
	}
}

// A refusedError is a decision against what a registrar asked for.
type refusedError struct{ decision registry.Decision }

// Error says why, and what a registrar can do about it.
func (e refusedError) Error() string {
	reason := wording.Reason(e.decision)
	switch d := e.decision; {
	case d.Rule == registry.RuleReserved:
		return reason + " The policy reserves it: change the policy file to release it."
	case d.Ruling != nil:
		return fmt.Sprintf("%s To release the name, run %s first.", reason, command("names unreserve", d.Ruling.Name.String()))
	case d.Code == registry.CodeTaken && d.Rival != nil:
		return reason + " Rename or release that pet first; see “nametag pets --help”."
	default:
		return reason
	}
}

// refused returns an error unless d allows what was asked for.
func refused(d registry.Decision) error {
	if d.Code == "" {
		return nil
	}
	return refusedError{d}
}

// command returns a command on a name, as a shell takes it.
func command(words, name string) string {
	if strings.HasPrefix(name, "-") {
		words += " --"
	}
	if !plain.MatchString(name) {
		name = "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return fmt.Sprintf("“nametag %s %s”", words, name)
}

// plain matches what means itself in a shell.
var plain = regexp.MustCompile(`^[\pL\pM\pN._-]+$`)
