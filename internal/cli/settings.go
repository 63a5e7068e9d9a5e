package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environment resolves flags that the command line leaves out: --db-max-conns
// from NAMETAG_DB_MAX_CONNS. A flag tagged "file" may also stand in a file that
// NAMETAG_…_FILE names, as orchestrators hand out secrets. A variable that is
// set but empty counts as not set.
type environment struct{ getenv func(string) string }

// Validate implements kong.Resolver.
func (environment) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (e environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name == "help" {
		return nil, nil
	}
	source, value := variable(flag.Value), e.getenv(variable(flag.Value))
	if file := e.getenv(fileVariable(flag.Value)); file != "" && flag.Tag.Has("file") {
		if value != "" {
			return nil, fmt.Errorf("both %s and %s are set; drop one of them", source, fileVariable(flag.Value))
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fileVariable(flag.Value), err)
		}
		source, value = fmt.Sprintf("%s (%s)", fileVariable(flag.Value), file), strings.TrimSpace(string(content))
		if value == "" {
			return nil, fmt.Errorf("%s: the file is empty; it should hold the value", source)
		}
	}
	if value == "" {
		return nil, nil
	}
	if err := try(flag, value); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return value, nil
}

// try tells whether flag could take value, so that an error can name where the
// value comes from.
func try(flag *kong.Flag, value string) error {
	scan := kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: value})
	target := reflect.New(flag.Target.Type()).Elem()
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, target); err != nil {
		return err
	}
	if flag.Enum != "" && !slices.Contains(flag.EnumSlice(), value) {
		return fmt.Errorf("must be one of %s but is %q", strings.Join(flag.EnumSlice(), ", "), value)
	}
	return nil
}

func variable(v *kong.Value) string {
	return "NAMETAG_" + strings.ToUpper(strings.ReplaceAll(v.Name, "-", "_"))
}

func fileVariable(v *kong.Value) string { return variable(v) + "_FILE" }

// helpWithVariable is the help of a flag with its variable behind it.
func helpWithVariable(v *kong.Value) string {
	switch {
	case v.Flag == nil || v.Name == "help":
		return v.Help
	case v.Tag.Has("file"):
		return fmt.Sprintf("%s ($%s, or the content of the file $%s)", v.Help, variable(v), fileVariable(v))
	default:
		return fmt.Sprintf("%s ($%s)", v.Help, variable(v))
	}
}
