package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environment returns a resolver of the flags that the command line leaves out: --db-max-conns is read from
// NAMETAG_DB_MAX_CONNS. A flag tagged "file" may also be in the file that NAMETAG_…_FILE names, as orchestrators pass
// secrets. A variable that is set to the empty string counts as not set.
func environment(getenv func(string) string) kong.ResolverFunc {
	return func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		if flag.Name == "help" {
			return nil, nil
		}
		name := variable(flag.Name)
		value := getenv(name)
		if file := getenv(name + "_FILE"); file != "" && flag.Tag.Has("file") {
			if value != "" {
				return nil, fmt.Errorf("both %s and %s_FILE are set; unset one of them", name, name)
			}
			name += "_FILE"
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			name = fmt.Sprintf("%s (%s)", name, file)
			if value = strings.TrimSpace(string(content)); value == "" {
				return nil, fmt.Errorf("%s: the file is empty; write the value into it", name)
			}
		}
		if value == "" {
			return nil, nil
		}
		if err := try(flag, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return value, nil
	}
}

// try returns an error unless value is valid for flag, so that the caller can name where the value comes from.
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

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "NAMETAG_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// setting returns how messages name a flag.
func setting(flag string) string { return fmt.Sprintf("--%s (%s)", flag, variable(flag)) }

// helpWithVariable returns the help of a flag followed by its variable.
func helpWithVariable(v *kong.Value) string {
	switch {
	case v.Flag == nil || v.Name == "help":
		return v.Help
	case v.Tag.Has("file"):
		return fmt.Sprintf("%s ($%s, or the content of the file $%s_FILE)", v.Help, variable(v.Name), variable(v.Name))
	default:
		return fmt.Sprintf("%s ($%s)", v.Help, variable(v.Name))
	}
}
