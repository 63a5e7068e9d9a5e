package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// contentSecurityPolicy lets pages load only what this site serves, run no inline script or style, send forms only to
// this site, and not be framed.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// The values of the security headers of every answer, which answers share like noStore.
var (
	policy     = []string{contentSecurityPolicy}
	noSniffing = []string{"nosniff"}
	sameOrigin = []string{"same-origin"}
)

// safePage are the additional headers of pages. They have no effect on other answers. It is read-only.
var safePage = http.Header{
	"X-Frame-Options":            {"DENY"},
	"Referrer-Policy":            {"same-origin"},
	"Cross-Origin-Opener-Policy": {"same-origin"},
	"Permissions-Policy":         {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
}

// secureHeaders sets the security headers of every answer.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Security-Policy"] = policy
		h["X-Content-Type-Options"] = noSniffing
		h["Cross-Origin-Resource-Policy"] = sameOrigin
		next.ServeHTTP(w, r)
	})
}

// refuseCrossOrigin refuses requests with side effects that a browser sends from another site.
func (s *site) refuseCrossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil {
			s.fail(w, r, webError(codeCrossOrigin, "This request came from another site. Please use this registry's own form."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limitRate refuses the requests that l does not allow, except probes. A rate-limited form is not refused here but by
// registerPet, which returns what was typed.
func (s *site) limitRate(l *limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isProbe(r) {
			next.ServeHTTP(w, r)
			return
		}
		if wait := l.take(limitedNetwork(clientAddr(r, s.trusted))); wait > 0 {
			setRetryAfter(w, wait)
			err := webError(codeRateLimited, "Too many requests. Please wait a moment and try again.")
			if !isSentForm(r) {
				s.fail(w, r, err)
				return
			}
			exchangeOf(w).limited = err
		}
		next.ServeHTTP(w, r)
	})
}

// isSentForm reports whether r is a form that a browser submits, small enough to be read just to be returned.
func isSentForm(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/register_pet" && wantsPage(r) &&
		r.ContentLength >= 0 && r.ContentLength <= maxBody
}

// limitedNetwork returns what the rate limit counts by: an IPv4 address, or the /64 network of an IPv6 address, since
// one client usually has a whole /64.
func limitedNetwork(client netip.Addr) netip.Addr {
	if client.Is6() {
		if prefix, err := client.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return client
}

// clientAddr returns the address of r's client: the connection's, or, if that is a trusted proxy's, the nearest hop in
// X-Forwarded-For that is not a trusted proxy. Hops beyond it can be forged. The zero Addr is an unknown address.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client := peerAddr(r)
	if !isTrusted(client, trusted) {
		return client
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(client, trusted); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		client = hop.Unmap().WithZone("")
	}
	return client
}

// peerAddr returns the remote address of r's connection.
func peerAddr(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}
