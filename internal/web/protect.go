package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// contentSecurityPolicy lets pages load what this site serves, run no inline
// script or style, be framed by nobody, and send forms only here.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// safePage are the headers that pages have besides, which mean nothing for what is no
// document. Nobody changes them.
var safePage = http.Header{
	"X-Frame-Options":            {"DENY"},
	"Referrer-Policy":            {"same-origin"},
	"Cross-Origin-Opener-Policy": {"same-origin"},
	"Permissions-Policy":         {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
}

// secureHeaders sets the headers that every answer has.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// refuseCrossOrigin refuses what a browser sends from a page of another site
// and that could change something here.
func (s *site) refuseCrossOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil {
			s.fail(w, r, webError(codeCrossOrigin, "This was sent from a page of another site. Please use the form on the registry's own page."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *site) limitRate(l *limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isProbe(r) { // they must not starve
			next.ServeHTTP(w, r)
			return
		}
		if wait := l.take(limitedNetwork(s.client(exchangeOf(w), r))); wait > 0 {
			setRetryAfter(w, wait)
			err := webError(codeRateLimited, "That was too fast: this registry answers each client only so often. Please wait a moment and try again.")
			if !isSentForm(r) {
				s.fail(w, r, err)
				return
			}
			exchangeOf(w).limited = err
		}
		next.ServeHTTP(w, r)
	})
}

// isSentForm reports whether r is the form, sent by a browser and of a size that
// is worth reading only to give it back.
func isSentForm(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/register_pet" && wantsPage(r) &&
		r.ContentLength >= 0 && r.ContentLength <= maxBody
}

// limitedNetwork returns whom the rate limit counts: an IPv4 address, or the
// /64 network of an IPv6 address, for a client there has a whole one.
func limitedNetwork(client netip.Addr) netip.Addr {
	if client.Is6() {
		if prefix, err := client.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return client
}

// clientAddr returns the address of the client behind r: that of the
// connection, or, where that is a trusted proxy's, the nearest hop in
// X-Forwarded-For that is not one. Hops further away are only hearsay. The
// zero Addr stands for an unknown address.
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

// peerAddr returns the address that r's connection comes from.
func peerAddr(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
