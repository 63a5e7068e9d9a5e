package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/server"
	"nametag/internal/web"
)

// addressFlags say where a server listens, and whether it speaks HTTPS there.
type addressFlags struct {
	Listen         address         `placeholder:"HOST:PORT" help:"The server's address; 127.0.0.1:5000 by default, :443 with HTTPS."`
	Domain         domains         `placeholder:"NAME,…" help:"Serve HTTPS for these domain names, with certificates that are got and renewed by ACME."`
	TLSCertificate string          `name:"tls-certificate" placeholder:"FILE" help:"Serve HTTPS with this certificate and its chain (PEM). It is loaded anew when the file changes."`
	RedirectListen redirectAddress `placeholder:"HOST:PORT" help:"Where to send plain HTTP on to HTTPS, answer http-01 challenges and health checks, or off; :80 by default with HTTPS."`
}

// The settings, as messages name them.
const (
	settingDomain      = "--domain (NAMETAG_DOMAIN)"
	settingCertificate = "--tls-certificate (NAMETAG_TLS_CERTIFICATE)"
	settingKey         = "--tls-key (NAMETAG_TLS_KEY)"
	settingProxy       = "--behind-https-proxy (NAMETAG_BEHIND_HTTPS_PROXY)"
	settingRedirect    = "--redirect-listen (NAMETAG_REDIRECT_LISTEN)"
	settingRoot        = "--acme-root (NAMETAG_ACME_ROOT)"
)

func (f addressFlags) endsTLS() bool { return len(f.Domain) > 0 || f.TLSCertificate != "" }

// listen returns where the server listens.
func (f addressFlags) listen() address {
	switch {
	case f.Listen != "":
		return f.Listen
	case f.endsTLS():
		return ":443"
	default:
		return "127.0.0.1:5000"
	}
}

// redirectListen returns where it listens for plain HTTP beside HTTPS; "" for
// nowhere.
func (f addressFlags) redirectListen() address {
	switch {
	case !f.endsTLS() || f.RedirectListen == "off":
		return ""
	case f.RedirectListen == "":
		return ":80"
	default:
		return address(f.RedirectListen)
	}
}

// httpsFlags are the other settings of HTTPS.
type httpsFlags struct {
	TLSKey           string   `name:"tls-key" placeholder:"FILE" help:"The private key of --tls-certificate (PEM)."`
	ACMEDirectory    httpsURL `name:"acme-directory" placeholder:"URL" help:"The directory of the ACME server for --domain; that of Let's Encrypt by default."`
	ACMERoot         string   `name:"acme-root" placeholder:"FILE" help:"Root certificates (PEM) to trust, beside the system's, when talking to the ACME server."`
	ACMEEmail        email    `name:"acme-email" placeholder:"ADDRESS" help:"Whom the ACME server may write to when something is wrong with a certificate."`
	BehindHTTPSProxy bool     `name:"behind-https-proxy" help:"The --trusted-proxies end TLS: send on to HTTPS whoever X-Forwarded-Proto says came without."`
}

// checkHTTPS refuses settings that don't go together.
func (c serveCmd) checkHTTPS() error {
	acme := len(c.Domain) > 0
	files := c.TLSCertificate != "" || c.TLSKey != ""
	switch {
	case acme && files:
		return usagef("%s gets its own certificates, and %s brings one; set only one of the two", settingDomain, settingCertificate)
	case c.BehindHTTPSProxy && (acme || files):
		return usagef("%s says that a proxy ends TLS; drop it, or drop %s and %s", settingProxy, settingDomain, settingCertificate)
	case c.TLSCertificate != "" && c.TLSKey == "":
		return usagef("%s needs its private key; give it with %s", settingCertificate, settingKey)
	case c.TLSKey != "" && c.TLSCertificate == "":
		return usagef("%s needs its certificate; give it with %s", settingKey, settingCertificate)
	case c.BehindHTTPSProxy && len(c.TrustedProxies.prefixes) == 0:
		return usagef("%s needs to know the proxy, or anybody could claim to be it; give its address with --trusted-proxies (NAMETAG_TRUSTED_PROXIES)", settingProxy)
	case !acme && (c.ACMEDirectory != "" || c.ACMERoot != "" || c.ACMEEmail != ""):
		return usagef("--acme-directory, --acme-root and --acme-email (NAMETAG_ACME_…) are for getting certificates; say for which domain with %s, or drop them", settingDomain)
	case c.RedirectListen != "" && !c.endsTLS():
		return usagef("%s leads to HTTPS, which is not served; set %s or %s, or drop it", settingRedirect, settingDomain, settingCertificate)
	}
	return nil
}

// An https is what serving takes beside the site. Without HTTPS it is the zero
// https.
type https struct {
	mode       string                          // for the log
	tls        *tls.Config                     // nil if the program does not end TLS
	run        func(context.Context)           // what is to be done beside serving; nil for nothing
	challenges func(http.Handler) http.Handler // answers an ACME server over plain HTTP; nil for nothing
}

// newHTTPS returns what the settings, which fit together, ask for. An error is
// about a file that can't be used.
func (c serveCmd) newHTTPS(log *slog.Logger, metrics prometheus.Registerer, db server.ACMEStore) (https, error) {
	switch {
	case len(c.Domain) > 0:
		roots, err := c.acmeRoots()
		if err != nil {
			return https{}, err
		}
		acme, err := server.NewACME(server.ACMEConfig{
			Domains:   c.Domain,
			Directory: cmp.Or(string(c.ACMEDirectory), server.ACMEDirectory),
			Roots:     roots,
			Email:     string(c.ACMEEmail),
			HTTP01:    c.redirectListen() != "",
			Store:     db,
			Log:       log,
			Metrics:   metrics,
		})
		if err != nil {
			return https{}, err
		}
		return https{"by ACME for " + strings.Join(c.Domain, ", "), acme.TLSConfig(), acme.Run, acme.HTTPHandler}, nil
	case c.TLSCertificate != "":
		files, err := server.NewFiles(server.FilesConfig{Certificate: c.TLSCertificate, Key: c.TLSKey, Log: log, Metrics: metrics})
		if err != nil {
			return https{}, usagef("the certificate can't be used: %w; mend %s or %s", err, settingCertificate, settingKey)
		}
		return https{mode: "with " + c.TLSCertificate, tls: files.TLSConfig(), run: files.Run}, nil
	case c.BehindHTTPSProxy:
		return https{mode: "by the proxy"}, nil
	default:
		return https{mode: "no, this is plain HTTP; NAMETAG_DOMAIN gives HTTPS"}, nil
	}
}

// acmeRoots returns whom to trust at the ACME server; nil for the system's
// roots.
func (c serveCmd) acmeRoots() (*x509.CertPool, error) {
	if c.ACMERoot == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.ACMERoot)
	if err != nil {
		return nil, usagef("%s: %w", settingRoot, err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // there are none
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, usagef("%s: %s has no certificate in PEM; give a file with -----BEGIN CERTIFICATE-----", settingRoot, c.ACMERoot)
	}
	return roots, nil
}

// siteHTTPS tells the site how it is reached, with HTTPS at main.
func (c serveCmd) siteHTTPS(main net.Addr, secure https) *web.HTTPS {
	switch {
	case c.endsTLS():
		_, port, _ := net.SplitHostPort(main.String())
		return &web.HTTPS{Hosts: c.Domain, Port: port, Challenges: secure.challenges}
	case c.BehindHTTPSProxy:
		return &web.HTTPS{ByProxy: true}
	default:
		return nil
	}
}

// localURL returns the URL by which this machine reaches the server for health
// checks: plain HTTP, which needs no certificate, if it can. The error says that
// the address has no fixed port.
func (f addressFlags) localURL() (string, error) {
	at, setting, scheme := f.listen(), "--listen (NAMETAG_LISTEN)", "http"
	if f.endsTLS() {
		scheme = "https"
	}
	if redirect := f.redirectListen(); redirect != "" {
		at, setting, scheme = redirect, settingRedirect, "http"
	}
	if _, port, _ := net.SplitHostPort(string(at)); port == "0" {
		return "", fmt.Errorf("%s has port 0, so it does not say where the server is", setting)
	}
	return at.local(scheme), nil
}
