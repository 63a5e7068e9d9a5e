package cli_test

import (
	"nametag/internal/programtest"

	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// write writes a file and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongSettingsAreNamedWithTheirValueAndTheMend(t *testing.T) {
	const secret = "s3cret"
	for _, test := range []struct {
		name string
		env  environ
		args string
		says []string
	}{
		{"unknown flag", nil, "serve --rate-limt=3", []string{"--rate-limt", "--rate-limit"}},
		{"unknown command", nil, "serv", []string{"serv", `"serve"`}},
		{"no file", nil, "import", []string{"<file>", "nametag import --help"}},
		{"listen", nil, "serve --listen=5000", []string{"--listen", `"5000"`, "127.0.0.1:5000"}},
		{"listen's variable", environ{"NAMETAG_LISTEN": "localhost"}, "serve", []string{"NAMETAG_LISTEN", `"localhost"`, "127.0.0.1:5000"}},
		{"port", nil, "serve --listen=127.0.0.1:70000", []string{"--listen", "70000"}},
		{"admin", environ{"NAMETAG_ADMIN_LISTEN": "no"}, "serve", []string{"NAMETAG_ADMIN_LISTEN", `"no"`, "off"}},
		{"rate", environ{"NAMETAG_RATE_LIMIT": "fast"}, "serve", []string{"NAMETAG_RATE_LIMIT", `"fast"`, "50"}},
		{"negative rate", nil, "serve --rate-limit=-1", []string{"--rate-limit", `"-1"`, "0 for no limit"}},
		{"rate that is no number", nil, "serve --rate-limit=NaN", []string{"--rate-limit", `"NaN"`}},
		{"proxies", environ{"NAMETAG_TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "serve", []string{"NAMETAG_TRUSTED_PROXIES", `"proxy"`, "10.0.0.0/8"}},
		{"timeout", nil, "serve --shutdown-timeout=20", []string{"--shutdown-timeout", `"20"`, "20s"}},
		{"a flag for a value", nil, "import --report --dry-run -", []string{"--report", "--dry-run"}},
		{"delay", environ{"NAMETAG_SHUTDOWN_DELAY": "-1s"}, "serve", []string{"NAMETAG_SHUTDOWN_DELAY", `"-1s"`}},
		{"log format", nil, "serve --log-format=xml", []string{"--log-format", `"xml"`, "json"}},
		{"log format's variable", environ{"NAMETAG_LOG_FORMAT": "xml"}, "serve", []string{"NAMETAG_LOG_FORMAT", `"xml"`, "json"}},
		{"log level", environ{"NAMETAG_LOG_LEVEL": "loud"}, "serve", []string{"NAMETAG_LOG_LEVEL", `"loud"`, "debug"}},
		{"connections", environ{"NAMETAG_DB_MAX_CONNS": "many"}, "serve", []string{"NAMETAG_DB_MAX_CONNS", `"many"`, "1 to 10000"}},
		{"delimiter", nil, "import --delimiter=;; -", []string{"--delimiter", `";;"`, "tab"}},
		{"colour", nil, "import --default-color=" + strings.Repeat("x", 31) + " -", []string{"--default-color", "xxx", "shorten it by 1"}},
		{"url", environ{"NAMETAG_URL": "pets.example"}, "healthcheck", []string{"NAMETAG_URL", `"pets.example"`, "https://"}},
		{"switch", environ{"NAMETAG_DRY_RUN": "maybe"}, "import -", []string{"NAMETAG_DRY_RUN", `"maybe"`, "true"}},
		{"database of another kind", environ{"NAMETAG_DATABASE": "mysql://u:" + secret + "@h/d"}, "export", []string{"NAMETAG_DATABASE", "mysql", "postgres://"}},
		{"keywords and values", nil, "export --database=host=h\tpassword=" + secret, []string{"--database", "postgres://"}},
		{"slash in the password", nil, "export --database=postgres://u:a/" + secret + "@h/d", []string{"--database", "percent-encoded"}},
		{"hash in the password", nil, "export --database=postgres://u:1#" + secret + "@h/d", []string{"--database", "percent-encoded"}},
		{"question mark in the password", nil, "export --database=postgres://u:1?" + secret + "@h/d", []string{"--database", "percent-encoded"}},
		{"domain", environ{"NAMETAG_DOMAIN": "pets.example,https://pets.example"}, "serve", []string{"NAMETAG_DOMAIN", `"https://pets.example"`, "without https://"}},
		{"domain that is an address", nil, "serve --domain=192.0.2.1", []string{"--domain", `"192.0.2.1"`}},
		{"domain of one label", nil, "serve --domain=localhost", []string{"--domain", `"localhost"`}},
		{"domain with a port", nil, "serve --domain=pets.example:443", []string{"--domain", `"pets.example:443"`, "port"}},
		{"wildcard", nil, "serve --domain=*.pets.example", []string{"--domain", `"*.pets.example"`, "each by itself"}},
		{"directory", environ{"NAMETAG_ACME_DIRECTORY": "http://acme.example"}, "serve --domain=pets.example", []string{"NAMETAG_ACME_DIRECTORY", `"http://acme.example"`, "https://"}},
		{"email", environ{"NAMETAG_ACME_EMAIL": "ann"}, "serve --domain=pets.example", []string{"NAMETAG_ACME_EMAIL", `"ann"`, "ann@pets.example"}},
		{"redirect", environ{"NAMETAG_REDIRECT_LISTEN": "80"}, "serve --domain=pets.example", []string{"NAMETAG_REDIRECT_LISTEN", `"80"`, ":80", "off"}},
		{"redirect to nothing", environ{"NAMETAG_REDIRECT_LISTEN": ":80"}, "serve", []string{"NAMETAG_REDIRECT_LISTEN", "NAMETAG_DOMAIN", "NAMETAG_TLS_CERTIFICATE"}},
		{"redirect behind a proxy", environ{"NAMETAG_REDIRECT_LISTEN": "off"}, "serve --behind-https-proxy --trusted-proxies=10.0.0.1", []string{"NAMETAG_REDIRECT_LISTEN"}},
		{"domain and files", nil, "serve --domain=pets.example --tls-certificate=c --tls-key=k", []string{"--domain", "--tls-certificate", "only one"}},
		{"domain and proxy", nil, "serve --domain=pets.example --behind-https-proxy --trusted-proxies=10.0.0.1", []string{"--domain", "--behind-https-proxy", "drop"}},
		{"files and proxy", nil, "serve --tls-certificate=c --tls-key=k --behind-https-proxy --trusted-proxies=10.0.0.1", []string{"--tls-certificate", "--behind-https-proxy", "drop"}},
		{"certificate without key", environ{"NAMETAG_TLS_CERTIFICATE": "c"}, "serve", []string{"NAMETAG_TLS_CERTIFICATE", "--tls-key"}},
		{"key without certificate", environ{"NAMETAG_TLS_KEY": "k"}, "serve", []string{"NAMETAG_TLS_KEY", "--tls-certificate"}},
		{"proxy without address", environ{"NAMETAG_BEHIND_HTTPS_PROXY": "true"}, "serve", []string{"NAMETAG_BEHIND_HTTPS_PROXY", "NAMETAG_TRUSTED_PROXIES"}},
		{"ACME without domain", environ{"NAMETAG_ACME_EMAIL": "ann@pets.example"}, "serve", []string{"NAMETAG_ACME_", "NAMETAG_DOMAIN"}},
		{"healthcheck of some port", environ{"NAMETAG_DOMAIN": "pets.example", "NAMETAG_REDIRECT_LISTEN": ":0"}, "healthcheck", []string{"NAMETAG_REDIRECT_LISTEN", "--url"}},
		{"policy", environ{"NAMETAG_POLICY": "kenel"}, "serve", []string{"NAMETAG_POLICY", `"kenel"`, "kennel-club"}},
		{"policy's file", nil, "import --policy=./missing.yaml -", []string{"--policy", "./missing.yaml", "no such file"}},
		{"no reason", nil, "names reserve King", []string{"--reason"}},
		{"empty reason", environ{"NAMETAG_REASON": " "}, "pets release Rex", []string{"NAMETAG_REASON", "The reason is empty"}},
		{"long reason", nil, "pets rename A B --reason=" + strings.Repeat("x", 201), []string{"--reason", "shorten it by 1"}},
		{"who", nil, "names let-pass King --reason=x --as=\a", []string{"--as", "The name contains a control character"}},
		{"nobody", environ{"USER": "\a", "HOME": "/"}, "names unreserve King --reason=x", []string{"--as", "NAMETAG_AS"}},
		{"head", nil, "journal verify --head=12", []string{"--head", `"12"`, "nametag journal verify"}},
		{"head's variable", environ{"NAMETAG_HEAD": "1:ab"}, "journal verify", []string{"NAMETAG_HEAD", `"1:ab"`, "64 hexadecimal digits"}},
		{"after", environ{"NAMETAG_AFTER": "-1"}, "journal export", []string{"NAMETAG_AFTER", "-1", "from 1"}},
		{"a name that is none", nil, "journal show ...", []string{"no letter and no digit"}},
		{"no home", nil, "serve --listen=127.0.0.1:0", []string{"home", "--database", "NAMETAG_DATABASE"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, test.env, "", strings.Split(test.args, " ")...)
			refuses(t, r, 2, test.says...)
			if strings.Contains(r.stdout+r.stderr, secret) {
				t.Errorf("it shows the password: %s", r.stderr)
			}
		})
	}
}

func TestFilesOfHTTPSThatCannotBeUsedAreNamed(t *testing.T) {
	dir := t.TempDir()
	missing, wrong := filepath.Join(dir, "missing.pem"), write(t, "wrong.pem", "wrong")
	for _, test := range []struct {
		args string
		says []string
	}{
		{"--tls-certificate=" + missing + " --tls-key=" + missing, []string{missing, "NAMETAG_TLS_CERTIFICATE"}},
		{"--tls-certificate=" + wrong + " --tls-key=" + wrong, []string{wrong, "NAMETAG_TLS_CERTIFICATE"}},
		{"--domain=pets.example --acme-root=" + missing, []string{missing, "NAMETAG_ACME_ROOT"}},
		{"--domain=pets.example --acme-root=" + wrong, []string{wrong, "NAMETAG_ACME_ROOT", "BEGIN CERTIFICATE"}},
	} {
		args := strings.Split("serve --database="+filepath.Join(dir, "pets.db")+" "+test.args, " ")
		refuses(t, run(t, nil, "", args...), 2, test.says...)
	}
}

func TestAFlagGoesBeforeTheVariableAndThatBeforeTheDefault(t *testing.T) {
	missing := func(name string) string { return filepath.Join(t.TempDir(), name) }
	flag, variable := missing("flag.db"), missing("variable.db")
	env := environ{"NAMETAG_DATABASE": variable}
	refuses(t, run(t, env, "", "export", "--database", flag), 1, flag)
	refuses(t, run(t, env, "", "export"), 1, variable)
	refuses(t, run(t, environ{"NAMETAG_DATABASE": "", "HOME": t.TempDir()}, "", "export"), 1, "nametag.db")
}

func TestTheDatabaseMayStandInAFile(t *testing.T) {
	database := filepath.Join(t.TempDir(), "pets.db")
	file := write(t, "secret", database+"\n")
	p := programtest.Serve(t, environ{"NAMETAG_DATABASE_FILE": file})
	if p.Start["database"] != database {
		t.Errorf("the database is %v, want %s", p.Start["database"], database)
	}

	refuses(t, run(t, environ{"NAMETAG_DATABASE_FILE": file, "NAMETAG_DATABASE": "x.db"}, "", "export"), 2,
		"NAMETAG_DATABASE_FILE", "NAMETAG_DATABASE ", "drop one")
	refuses(t, run(t, environ{"NAMETAG_DATABASE_FILE": file + "x"}, "", "export"), 2, "NAMETAG_DATABASE_FILE", file+"x")
	refuses(t, run(t, environ{"NAMETAG_DATABASE_FILE": write(t, "empty", "\n")}, "", "export"), 2, "NAMETAG_DATABASE_FILE", "empty")
	wrong := write(t, "wrong", "postgres://u:a/s3cret@h/d")
	r := run(t, environ{"NAMETAG_DATABASE_FILE": wrong}, "", "export")
	refuses(t, r, 2, "NAMETAG_DATABASE_FILE", wrong, "percent-encoded")
	if strings.Contains(r.stderr, "s3cret") {
		t.Errorf("it shows the password: %s", r.stderr)
	}
}

func TestNoMessageShowsAPassword(t *testing.T) {
	const secret = "s3cret"
	for _, url := range []string{
		"postgres://pets:" + secret + "@127.0.0.1:1/pets",
		"postgresql://pets@127.0.0.1:1/pets?password=" + secret,
	} {
		for _, command := range []string{"serve --listen=127.0.0.1:0 --admin-listen=off", "export", "migrate", "migrate --check"} {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // rather than wait for the server
			r := runIn(ctx, environ{"NAMETAG_DATABASE": url}, "", strings.Split(command, " ")...)
			cancel()
			refuses(t, r, 1, "127.0.0.1:1/pets")
			if strings.Contains(r.stdout+r.stderr, secret) {
				t.Errorf("%s shows the password: %s", command, r.stderr)
			}
		}
	}
}

func TestHelpNamesEverySettingWithItsVariable(t *testing.T) {
	for command, want := range map[string][]string{
		"serve":       {"nametag serve", "--listen", "$NAMETAG_LISTEN", "$NAMETAG_DATABASE_FILE", "$NAMETAG_RATE_LIMIT", "$NAMETAG_DOMAIN", "$NAMETAG_TLS_KEY", "$NAMETAG_BEHIND_HTTPS_PROXY"},
		"import":      {"nametag import pets.csv", "--default-color", "$NAMETAG_DEFAULT_COLOR"},
		"export":      {"nametag export", "--format", "$NAMETAG_FORMAT"},
		"migrate":     {"nametag migrate", "--check", "$NAMETAG_CHECK"},
		"healthcheck": {"nametag healthcheck", "--url", "$NAMETAG_URL"},
		"version":     {"nametag version", "--json", "$NAMETAG_JSON"},
	} {
		help := must(t, command, "--help")
		for _, s := range append(want, "Examples:") {
			if !strings.Contains(help, s) {
				t.Errorf("the help of %s lacks %q", command, s)
			}
		}
		if !strings.Contains(must(t), command) {
			t.Errorf("nametag without arguments does not tell of %s", command)
		}
	}
}

func TestVersion(t *testing.T) {
	text := must(t, "version")
	var b struct{ Version, Go, Platform string }
	if err := json.Unmarshal([]byte(must(t, "version", "--json")), &b); err != nil {
		t.Fatal(err)
	}
	if b.Version == "" || b.Go != runtime.Version() || b.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("version --json says %+v", b)
	}
	for _, s := range []string{b.Version, b.Go, b.Platform} {
		if !strings.Contains(text, s) {
			t.Errorf("version says %q, which lacks %q", text, s)
		}
	}
}
