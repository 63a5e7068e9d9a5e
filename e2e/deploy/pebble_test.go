package deploy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// domain is the name of the site, which Pebble alone can resolve.
const domain = "nametag.test"

// A pebble is a certificate authority that speaks ACME, as Let's Encrypt does.
type pebble struct {
	directory    string         // the address for nametag_acme_directory
	rootOfServer []byte         // PEM; whoever asks at directory must trust it
	rootPEM      []byte         // of the certificates that it gives
	roots        *x509.CertPool // the same
	intermediate *x509.Certificate
}

const pebbleNumber = 20

// startPebble starts Pebble, which finds the domain at ip, until the test ends.
func startPebble(t *testing.T, ip string) *pebble {
	t.Helper()
	at := lab.addr(pebbleNumber)
	p := &pebble{directory: "https://" + net.JoinHostPort(at, "14000") + "/dir"}
	dir := filepath.Join(lab.dir, "pebble")
	if lab.kept("pebble") == "" {
		if err := preparePebble(dir, at); err != nil {
			t.Fatal(err)
		}
		image, err := own("tools")
		if err != nil {
			t.Fatal(err)
		}
		id, err := lab.start("pebble", pebbleNumber, []string{
			"--volume", dir + ":/pebble:ro", "--add-host", domain + ":" + ip,
			"--env", "PEBBLE_VA_NOSLEEP=1", "--env", "PEBBLE_WFE_NONCEREJECT=0",
		}, image, "pebble", "-config", "/pebble/config.json")
		if err != nil {
			t.Fatal(err)
		}
		lab.remove(t, id)
		t.Cleanup(func() {
			if t.Failed() && lab.ctx.Err() == nil {
				out, err := command(lab.ctx, time.Minute, nil, "sh", "-c", "docker logs --tail 40 "+id+" 2>&1")
				t.Logf("Pebble says (%v):\n%s", err, out)
			}
		})
	}
	var err error
	if p.rootOfServer, err = os.ReadFile(filepath.Join(dir, "certificate.pem")); err != nil {
		t.Fatal(err)
	}
	if err := p.fetchRoots(at); err != nil {
		t.Fatal(err)
	}
	return p
}

// preparePebble writes Pebble's settings, and a certificate for its address that is its own root.
func preparePebble(dir, ip string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "Pebble of a test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(30 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:           []net.IP{net.ParseIP(ip)},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	const ninetyDays = 90 * 24 * 60 * 60
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           "0.0.0.0:14000",
		"managementListenAddress": "0.0.0.0:15000",
		"certificate":             "/pebble/certificate.pem",
		"privateKey":              "/pebble/key.pem",
		"httpPort":                80,
		"tlsPort":                 443,
		// One release of Pebble reads the first, another the second.
		"certificateValidityPeriod": ninetyDays,
		"profiles":                  map[string]any{"default": map[string]any{"description": "As usual", "validityPeriod": ninetyDays}},
	}})
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(dir, 0o755),
		os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644),
		os.WriteFile(filepath.Join(dir, "certificate.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o644),
		os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o644),
	)
}

// fetchRoots asks Pebble, once it is up, what it signs with.
func (p *pebble) fetchRoots(ip string) error {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(p.rootOfServer)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	var intermediate []byte
	err := poll(lab.ctx, time.Minute, "Pebble answers", func() error {
		var err error
		if p.rootPEM, err = fetch(lab.ctx, client, "https://"+net.JoinHostPort(ip, "15000")+"/roots/0"); err != nil {
			return err
		}
		intermediate, err = fetch(lab.ctx, client, "https://"+net.JoinHostPort(ip, "15000")+"/intermediates/0")
		return err
	})
	if err != nil {
		return err
	}
	p.roots = x509.NewCertPool()
	block, _ := pem.Decode(intermediate)
	if block == nil || !p.roots.AppendCertsFromPEM(p.rootPEM) {
		return errors.New("Pebble's certificates are no PEM")
	}
	p.intermediate, err = x509.ParseCertificate(block.Bytes)
	return err
}

func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, 1<<20))
}
