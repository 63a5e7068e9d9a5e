package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"nametag/internal/server"
	"nametag/internal/web"
)

// addressFlags say where a server listens and whether it serves HTTPS there.
type addressFlags struct {
	Listen         string   `type:"address" placeholder:"HOST:PORT" help:"The address of the pages and the API; 127.0.0.1:5000 by default, :443 with HTTPS."`
	Domain         []string `type:"domains" placeholder:"NAME,…" help:"Serve HTTPS for these domains, with certificates that are issued and renewed by ACME."`
	TLSCertificate string   `name:"tls-certificate" placeholder:"FILE" help:"Serve HTTPS with this certificate chain (PEM). It is loaded again when the file changes."`
	RedirectListen string   `type:"address-or-off" placeholder:"HOST:PORT" help:"The address of plain HTTP, which redirects to HTTPS and answers http-01 challenges and health checks, or off; :80 by default with HTTPS."`
}

func (f addressFlags) servesTLS() bool { return len(f.Domain) > 0 || f.TLSCertificate != "" }

// listen returns the address of the site.
func (f addressFlags) listen() string {
	if f.servesTLS() {
		return cmp.Or(f.Listen, ":443")
	}
	return cmp.Or(f.Listen, "127.0.0.1:5000")
}

// redirectListen returns the address of plain HTTP alongside HTTPS, or off.
func (f addressFlags) redirectListen() string {
	if f.servesTLS() {
		return cmp.Or(f.RedirectListen, ":80")
	}
	return "off"
}

// localURL returns the URL at which this machine reaches the server for health checks, if possible by plain HTTP, which
// needs no certificate.
func (f addressFlags) localURL() (string, error) {
	address, flag, scheme := f.listen(), "listen", "http"
	if redirect := f.redirectListen(); redirect != "off" {
		address, flag = redirect, "redirect-listen"
	} else if f.servesTLS() {
		scheme = "https"
	}
	if _, port, _ := net.SplitHostPort(address); port == "0" {
		return "", usagef("%s has port 0, which does not say where the server is; give %s", setting(flag), setting("url"))
	}
	return urlOf(address, scheme), nil
}

// urlOf returns the URL at which this machine reaches a server that listens on address.
func urlOf(address, scheme string) string {
	host, port, _ := net.SplitHostPort(address)
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// httpsFlags are the other settings of HTTPS.
type httpsFlags struct {
	TLSKey           string `name:"tls-key" placeholder:"FILE" help:"The private key of --tls-certificate (PEM)."`
	ACMEDirectory    string `type:"https-url" name:"acme-directory" placeholder:"URL" help:"The directory of the ACME server for --domain; Let's Encrypt by default."`
	ACMERoot         string `name:"acme-root" placeholder:"FILE" help:"Root certificates (PEM) to trust for the ACME server, in addition to the system's."`
	ACMEEmail        string `type:"email" name:"acme-email" placeholder:"ADDRESS" help:"The contact address for the ACME server."`
	BehindHTTPSProxy bool   `name:"behind-https-proxy" help:"The --trusted-proxies terminate TLS: redirect requests that X-Forwarded-Proto marks as http."`
}

// checkHTTPS returns an error if settings contradict each other.
func (c serveCmd) checkHTTPS() error {
	domain, certificate, key := setting("domain"), setting("tls-certificate"), setting("tls-key")
	proxy, redirect := setting("behind-https-proxy"), setting("redirect-listen")
	files := c.TLSCertificate != "" || c.TLSKey != ""
	switch {
	case len(c.Domain) > 0 && files:
		return usagef("%s obtains certificates, and %s brings one; set only one of the two", domain, certificate)
	case c.BehindHTTPSProxy && (len(c.Domain) > 0 || files):
		return usagef("%s says that a proxy terminates TLS; drop it, or drop %s and %s", proxy, domain, certificate)
	case c.TLSCertificate != "" && c.TLSKey == "":
		return usagef("%s needs its private key; set %s", certificate, key)
	case c.TLSKey != "" && c.TLSCertificate == "":
		return usagef("%s needs its certificate; set %s", key, certificate)
	case c.BehindHTTPSProxy && len(c.TrustedProxies) == 0:
		return usagef("%s needs the proxy's address, or any client could claim to be the proxy; set %s",
			proxy, setting("trusted-proxies"))
	case len(c.Domain) == 0 && (c.ACMEDirectory != "" || c.ACMERoot != "" || c.ACMEEmail != ""):
		return usagef("--acme-directory, --acme-root and --acme-email (NAMETAG_ACME_…) need a domain; set %s, or drop them",
			domain)
	case c.RedirectListen != "" && !c.servesTLS():
		return usagef("%s redirects to HTTPS, which is not served; set %s or %s, or drop it", redirect, domain, certificate)
	}
	return nil
}

// An https is how a server serves HTTPS.
type https struct {
	mode string                // for the log
	site *web.HTTPS            // nil if visitors use plain HTTP
	tls  *tls.Config           // nil if the program does not terminate TLS
	run  func(context.Context) // keeps the certificates up to date; nil if there are none
}

// newHTTPS returns what the settings, which checkHTTPS has checked, ask for. The error is about an unusable file.
func (c serveCmd) newHTTPS(log *slog.Logger, metrics prometheus.Registerer, db server.ACMEStore) (https, error) {
	switch {
	case len(c.Domain) > 0:
		roots, err := c.acmeRoots()
		if err != nil {
			return https{}, err
		}
		acme, err := server.NewACME(server.ACMEConfig{
			Domains:   c.Domain,
			Directory: cmp.Or(c.ACMEDirectory, server.ACMEDirectory),
			Roots:     roots,
			Email:     c.ACMEEmail,
			HTTP01:    c.redirectListen() != "off",
			Store:     db,
			Log:       log,
			Metrics:   metrics,
		})
		if err != nil {
			return https{}, err
		}
		site := &web.HTTPS{Hosts: c.Domain, Challenges: acme.HTTPHandler}
		return https{"by ACME for " + strings.Join(c.Domain, ", "), site, acme.TLSConfig(), acme.Run}, nil
	case c.TLSCertificate != "":
		files, err := server.NewFiles(server.FilesConfig{
			Certificate: c.TLSCertificate,
			Key:         c.TLSKey,
			Log:         log,
			Metrics:     metrics,
		})
		if err != nil {
			return https{}, usagef("the certificate is unusable: %w; fix %s or %s",
				err, setting("tls-certificate"), setting("tls-key"))
		}
		return https{"with " + c.TLSCertificate, new(web.HTTPS), files.TLSConfig(), files.Run}, nil
	case c.BehindHTTPSProxy:
		return https{mode: "by the proxy", site: &web.HTTPS{ByProxy: true}}, nil
	default:
		return https{mode: "no, this is plain HTTP; NAMETAG_DOMAIN gives HTTPS"}, nil
	}
}

// acmeRoots returns the roots to trust for the ACME server; nil stands for the system's.
func (c serveCmd) acmeRoots() (*x509.CertPool, error) {
	if c.ACMERoot == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.ACMERoot)
	if err != nil {
		return nil, usagef("%s: %w", setting("acme-root"), err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // the system has none
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, usagef("%s: %s has no certificate in PEM; give a file with -----BEGIN CERTIFICATE-----",
			setting("acme-root"), c.ACMERoot)
	}
	return roots, nil
}
