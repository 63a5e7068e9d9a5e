package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// tlsConfig returns the TLS configuration of all servers: TLS 1.3, or TLS 1.2 with forward secrecy and authenticated
// encryption as RFC 9325 recommends. The rest is left to Go.
func tlsConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		GetCertificate: get,
		MinVersion:     tls.VersionTLS12,
		CipherSuites: []uint16{ // of TLS 1.2
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos: []string{"h2", "http/1.1"},
	}
}

// expiries is a metric of when certificates expire, by domain. The zero time means that a domain has no certificate.
type expiries func() map[string]time.Time

var expiryDesc = prometheus.NewDesc("nametag_certificate_expiry_timestamp_seconds",
	"When the domain's certificate expires, in seconds since 1970-01-01 00:00 UTC; 0 while there is none.",
	[]string{"domain"}, nil)

// Describe implements prometheus.Collector.
func (expiries) Describe(descs chan<- *prometheus.Desc) { descs <- expiryDesc }

// Collect implements prometheus.Collector.
func (e expiries) Collect(metrics chan<- prometheus.Metric) {
	for domain, t := range e() {
		var seconds float64
		if !t.IsZero() {
			seconds = float64(t.Unix())
		}
		metrics <- prometheus.MustNewConstMetric(expiryDesc, prometheus.GaugeValue, seconds, domain)
	}
}

// selfSigned returns a self-signed certificate, which no client trusts.
func selfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now, NotAfter: now.AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
