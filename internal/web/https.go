package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// HTTPS configures a site that is served over HTTPS. It redirects plain HTTP requests, except probes.
type HTTPS struct {
	// ByProxy means that trusted proxies terminate TLS and set X-Forwarded-Proto to the client's protocol.
	ByProxy bool

	// Hosts are the hosts to redirect to, in lower case: the requested one if it is among them, else the first. If
	// empty, redirects keep the requested host.
	Hosts []string

	// Challenges, if not nil, answers an ACME server's challenges over plain HTTP and passes other requests on.
	Challenges func(next http.Handler) http.Handler

	// Port is where HTTPS is served. Only requests that name a port are redirected to it. Others came to port 80, and
	// are redirected to port 443, which the network may map to this port.
	Port string
}

// strictTransportSecurity makes browsers use HTTPS for a year (RFC 6797, section 6.1). It leaves out subdomains, which
// may be other sites.
const strictTransportSecurity = "max-age=31536000"

// require redirects plain HTTP requests to HTTPS, and sets Strict-Transport-Security over HTTPS only, as RFC 6797,
// section 7.2, demands.
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

// scheme returns "http", "https" or, if a trusted proxy does not set X-Forwarded-Proto, "".
func (h *HTTPS) scheme(r *http.Request, trusted []netip.Prefix) string {
	if r.TLS != nil {
		return "https"
	}
	if !h.ByProxy || !isTrusted(peerAddr(r), trusted) {
		return "http"
	}
	proto := strings.Join(r.Header.Values("X-Forwarded-Proto"), ",")
	proto = proto[strings.LastIndexByte(proto, ',')+1:] // the nearest proxy's; the rest may be forged
	if proto = strings.ToLower(strings.TrimSpace(proto)); proto == "http" || proto == "https" {
		return proto
	}
	return ""
}

// redirect redirects to the same address over HTTPS, permanently and with the same method (RFC 9110, section 15.4.9).
func (h *HTTPS) redirect(w http.ResponseWriter, r *http.Request) {
	asked, err := url.Parse("https://" + r.Host)
	if err != nil || asked.Host != r.Host {
		asked = &url.URL{} // not a host with an optional port
	}
	host, port := asked.Hostname(), asked.Port()
	if len(h.Hosts) > 0 && !slices.Contains(h.Hosts, strings.ToLower(host)) {
		host = h.Hosts[0]
	}
	if host == "" {
		plain(w, http.StatusBadRequest, "This site requires HTTPS. Send a valid Host header, or use an https address.")
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

func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }
