package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// HTTPS says how the site is reached over HTTPS. Whoever comes over plain HTTP
// is sent there; only the probes are answered directly.
type HTTPS struct {
	// ByProxy says that trusted proxies end TLS, and say in X-Forwarded-Proto
	// how the client came. Otherwise the connection says it.
	ByProxy bool

	// Hosts are the names to send people to, in lower case: the one that they
	// asked for, or else the first. With none, it is what they asked for.
	Hosts []string

	// Challenges, if it is not nil, answers what an ACME server asks over plain
	// HTTP, and passes the rest on.
	Challenges func(next http.Handler) http.Handler

	// Port is where HTTPS is served. It counts only for who names a port:
	// others came to port 80, so they are sent to port 443, which may lead to
	// another port here.
	Port string
}

// strictTransportSecurity has browsers come over HTTPS for a year (RFC 6797,
// section 6.1). Other names of the domain are not for this site to decide on.
const strictTransportSecurity = "max-age=31536000"

// require sends clients on plain HTTP to HTTPS, and tells those on HTTPS to
// stay there: over plain HTTP the header must not be sent (RFC 6797, section
// 7.2).
func (h *HTTPS) require(trusted []netip.Prefix, next http.Handler) http.Handler {
	plain := http.Handler(http.HandlerFunc(h.redirect))
	if h.Challenges != nil {
		plain = h.Challenges(plain)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := h.scheme(r, trusted)
		if scheme == "http" && !isProbe(r) {
			plain.ServeHTTP(w, r)
			return
		}
		if scheme == "https" {
			w.Header().Set("Strict-Transport-Security", strictTransportSecurity)
		}
		next.ServeHTTP(w, r)
	})
}

// scheme returns "http", "https" or, if a trusted proxy does not say, "".
func (h *HTTPS) scheme(r *http.Request, trusted []netip.Prefix) string {
	if r.TLS != nil {
		return "https"
	}
	if !h.ByProxy || !isTrusted(peerAddr(r), trusted) {
		return "http"
	}
	said := strings.Join(r.Header.Values("X-Forwarded-Proto"), ",")
	said = said[strings.LastIndexByte(said, ',')+1:] // what the nearest proxy added; the rest may be made up
	if said = strings.ToLower(strings.TrimSpace(said)); said == "http" || said == "https" {
		return said
	}
	return ""
}

// redirect sends a client to the same page over HTTPS, for good and with the
// same method (RFC 9110, section 15.4.9).
func (h *HTTPS) redirect(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	if len(h.Hosts) > 0 && !slices.Contains(h.Hosts, strings.ToLower(host)) {
		host = h.Hosts[0]
	}
	if _, err := netip.ParseAddr(host); err != nil && !hostName.MatchString(host) {
		plain(w, http.StatusBadRequest, "This site is served over HTTPS, and the request does not say which host it is for.")
		return
	}
	if port != "" && h.Port != "" && h.Port != "443" {
		host = net.JoinHostPort(host, h.Port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	to := url.URL{Scheme: "https", Host: host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$`)

func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }
