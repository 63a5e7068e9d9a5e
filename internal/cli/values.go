package cli

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"golang.org/x/net/idna"

	"nametag/internal/policyfile"
	"nametag/internal/registry"
)

// decoders tell kong how to read the flags that have a syntax of their own, by the Go type of the field or, if several
// flags share a type, by the tag "type" of the field.
var decoders = []kong.Option{
	decodeType(parseDatabase),
	decodeType(parseDuration),
	decodeType(parseColor),
	decodeType(policyfile.Load),
	decodeType(registry.ParseHead),
	decodeName("address", parseAddress),
	decodeName("address-or-off", parseAddressOrOff),
	decodeName("domains", parseDomains),
	decodeName("https-url", parseHTTPSURL),
	decodeName("site", parseSite),
	decodeName("email", parseEmail),
	decodeName("rate", parseRate),
	decodeName("connections", parseConnections),
	decodeName("proxies", parseProxies),
	decodeName("delimiter", parseDelimiter),
	decodeName("who", registry.ParseWho),
	decodeName("reason", registry.ParseReason),
}

func decodeType[T any](parse func(string) (T, error)) kong.Option {
	return kong.TypeMapper(reflect.TypeFor[T](), decoder(parse))
}

func decodeName[T any](name string, parse func(string) (T, error)) kong.Option {
	return kong.NamedMapper(name, decoder(parse))
}

func decoder[T any](parse func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("value", &text); err != nil {
			return err
		}
		value, err := parse(text)
		if err != nil {
			return described(err)
		}
		target.Set(reflect.ValueOf(value))
		return nil
	}
}

// parseAddress checks an address to listen on. An empty host stands for every address of the machine.
func parseAddress(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if _, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil {
		return "", fmt.Errorf("%q is not an address to listen on; give host:port, such as 127.0.0.1:5000 or :80", s)
	}
	return s, nil
}

func parseAddressOrOff(s string) (string, error) {
	if s == "off" {
		return s, nil
	}
	if _, err := parseAddress(s); err != nil {
		return "", fmt.Errorf("%w, or off", err)
	}
	return s, nil
}

// parseDomains returns domain names in lower case and ASCII (A-labels, RFC 5890), each once.
func parseDomains(s string) (domains []string, err error) {
	for s := range strings.SplitSeq(s, ",") {
		s = strings.TrimSpace(s)
		name, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
		_, aerr := netip.ParseAddr(name)
		switch {
		case strings.HasPrefix(s, "*"):
			return nil, fmt.Errorf("%q is a wildcard, for which ACME needs DNS; "+
				"give each domain, such as pets.example,www.pets.example", s)
		case err != nil || aerr == nil || !strings.Contains(name, ".") || strings.Trim(name, ".") != name:
			return nil, fmt.Errorf("%q is not a domain name; give one such as pets.example, without https:// and port", s)
		case !slices.Contains(domains, name):
			domains = append(domains, name)
		}
	}
	return domains, nil
}

func parseHTTPSURL(s string) (string, error) {
	if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%q is not an https:// URL; "+
			"give one such as https://acme-v02.api.letsencrypt.org/directory", s)
	}
	return s, nil
}

// parseSite returns the base URL of a server.
func parseSite(s string) (string, error) {
	if u, err := url.Parse(s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%q is not the URL of a server; give one such as https://pets.example", s)
	}
	return strings.TrimRight(s, "/"), nil
}

func parseEmail(s string) (string, error) {
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return "", fmt.Errorf("%q is not an e-mail address; give one such as ann@pets.example", s)
	}
	return s, nil
}

// parseRate reads a number of requests per second; 0 stands for no limit.
func parseRate(s string) (float64, error) {
	rate, err := strconv.ParseFloat(s, 64)
	if err != nil || rate != 0 && !(rate >= 0.01 && rate <= 1e6) { // not "rate < 0.01", which is false for NaN
		return 0, fmt.Errorf("%q is not a number of requests per second; "+
			"give 0.01 to 1000000, such as 50, or 0 for no limit", s)
	}
	return rate, nil
}

func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration; give one with its unit, such as 20s or 1m30s", s)
	}
	return d, nil
}

func parseConnections(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 10_000 {
		return 0, fmt.Errorf("%q is not a number of connections; give 1 to 10000", s)
	}
	return n, nil
}

// parseProxies reads addresses and networks.
func parseProxies(s string) (proxies []netip.Prefix, err error) {
	for s := range strings.SplitSeq(s, ",") {
		s = strings.TrimSpace(s)
		prefix, err := netip.ParsePrefix(s)
		if addr, aerr := netip.ParseAddr(s); aerr == nil && addr.Zone() == "" {
			prefix, err = addr.Unmap().Prefix(addr.Unmap().BitLen())
		}
		if err == nil && prefix.Addr().Is4In6() {
			prefix, err = prefix.Addr().Unmap().Prefix(prefix.Bits() - 96) // the addresses of clients are unmapped too
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network; give some such as 10.0.0.0/8,192.168.1.7", s)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies, nil
}

// parseDelimiter reads what separates the columns of a CSV file.
func parseDelimiter(s string) (rune, error) {
	text := s
	if s == "tab" || s == `\t` {
		text = "\t"
	}
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 || size < len(text) || r == utf8.RuneError || strings.ContainsRune("\"\r\n", r) {
		return 0, fmt.Errorf("%q can't separate columns; give one character, such as ; or tab", s)
	}
	return r, nil
}

// parseColor reads a favourite colour, or "" for none.
func parseColor(s string) (registry.Color, error) {
	color, err := registry.ParseColor(s)
	if err != nil && s != "" {
		return "", fmt.Errorf("%q is not a favourite colour: %w", s, described(err))
	}
	return color, nil
}
