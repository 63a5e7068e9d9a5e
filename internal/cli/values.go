package cli

import (
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"nametag/internal/registry"
)

// An address to listen on, host:port. An empty host is every address of the
// machine.
type address string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not an address to listen on; give host:port, such as 127.0.0.1:5000", text)
	}
	*a = address(text)
	return nil
}

// local returns the base URL by which this machine reaches a server that
// listens on a.
func (a address) local(scheme string) string {
	host, port, _ := net.SplitHostPort(string(a))
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// An adminAddress is an address or "off". The zero value leaves the choice to
// the program.
type adminAddress string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *adminAddress) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*a = "off"
		return nil
	}
	if (*address)(a).UnmarshalText(text) != nil {
		return fmt.Errorf("%q is not an address to listen on; give host:port, such as 127.0.0.1:5001, or off", text)
	}
	return nil
}

// A redirectAddress is an address or "off". The zero value leaves the choice to
// the program.
type redirectAddress string

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *redirectAddress) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*a = "off"
		return nil
	}
	if (*address)(a).UnmarshalText(text) != nil {
		return fmt.Errorf("%q is not an address to listen on; give host:port, such as :80, or off", text)
	}
	return nil
}

// domains are domain names in lower case and ASCII (A-labels, RFC 5890), each
// once.
type domains []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *domains) UnmarshalText(text []byte) error {
	*d = nil
	for s := range strings.SplitSeq(string(text), ",") {
		s = strings.TrimSpace(s)
		name, err := idna.Lookup.ToASCII(strings.TrimSuffix(s, "."))
		_, aerr := netip.ParseAddr(name)
		switch {
		case strings.HasPrefix(s, "*"):
			return fmt.Errorf("%q stands for many names, for which there is no certificate this way; give each by itself, such as pets.example,www.pets.example", s)
		case err != nil || aerr == nil || !strings.Contains(name, ".") || strings.Trim(name, ".") != name:
			return fmt.Errorf("%q is not a domain name; give one such as pets.example, without https:// and port", s)
		case !slices.Contains(*d, name):
			*d = append(*d, name)
		}
	}
	return nil
}

// An httpsURL is the URL of something that is asked over HTTPS alone.
type httpsURL string

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *httpsURL) UnmarshalText(text []byte) error {
	if u, err := url.Parse(string(text)); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not an https:// URL; give one such as https://acme-v02.api.letsencrypt.org/directory", text)
	}
	*h = httpsURL(text)
	return nil
}

// An email is an address to write to.
type email string

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *email) UnmarshalText(text []byte) error {
	if a, err := mail.ParseAddress(string(text)); err != nil || a.Address != string(text) {
		return fmt.Errorf("%q is not an e-mail address; give one such as ann@pets.example", text)
	}
	*e = email(text)
	return nil
}

// A rate is a number of requests a second; 0 stands for no limit.
type rate float64

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *rate) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != 0 && !(f >= 0.01 && f <= 1e6) { // not "f < 0.01", which NaN is not
		return fmt.Errorf("%q is not a number of requests a second; give one of 0.01 to 1000000, such as 50, or 0 for no limit", text)
	}
	*r = rate(f)
	return nil
}

// A duration is a span of time that is not negative.
type duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is not a span of time; give one with its unit, such as 20s or 1m30s", text)
	}
	*d = duration(v)
	return nil
}

// connections is a number of database connections; 0 leaves it to the program.
type connections int32

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *connections) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || n < 1 || n > 10_000 {
		return fmt.Errorf("%q is not a number of connections; give one of 1 to 10000", text)
	}
	*c = connections(n)
	return nil
}

// proxies are the addresses whose X-Forwarded-For is believed.
type proxies struct{ prefixes []netip.Prefix }

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *proxies) UnmarshalText(text []byte) error {
	p.prefixes = nil
	for s := range strings.SplitSeq(string(text), ",") {
		s = strings.TrimSpace(s)
		prefix, err := netip.ParsePrefix(s)
		if addr, aerr := netip.ParseAddr(s); aerr == nil && addr.Zone() == "" {
			addr = addr.Unmap()
			prefix, err = addr.Prefix(addr.BitLen())
		}
		if err == nil && prefix.Addr().Is4In6() {
			prefix, err = prefix.Addr().Unmap().Prefix(prefix.Bits() - 96) // clients are unmapped as well
		}
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a network; give some such as 10.0.0.0/8,192.168.1.7", s)
		}
		p.prefixes = append(p.prefixes, prefix.Masked())
	}
	return nil
}

// A delimiter stands between the columns of a CSV file.
type delimiter rune

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *delimiter) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "tab" || s == `\t` {
		s = "\t"
	}
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || size < len(s) || r == utf8.RuneError || strings.ContainsRune("\"\r\n", r) {
		return fmt.Errorf(`%q cannot stand between columns; give one character, such as ; or tab`, text)
	}
	*d = delimiter(r)
	return nil
}

// A color is a favourite colour, or "" for none.
type color string

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *color) UnmarshalText(text []byte) error {
	if _, err := registry.ParseColor(string(text)); err != nil && len(text) > 0 {
		return fmt.Errorf("%q is not a favourite colour: %w", text, described(err))
	}
	*c = color(text)
	return nil
}

// A site is the base URL of a server.
type site string

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *site) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is not the address of a server; give one such as https://pets.example", text)
	}
	*s = site(strings.TrimRight(string(text), "/"))
	return nil
}
