package deploy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// A site is Nametag as somebody outside sees it.
type site struct {
	url    string
	client *http.Client
}

// openSite makes a client for the site at base, as name servers would have it
// that know the address ip, trusting no root certificates but the given ones.
func openSite(base, ip string, roots *x509.CertPool) *site {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &site{url: base, client: &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, // each request is somebody new
			TLSClientConfig:   &tls.Config{RootCAs: roots},
			ForceAttemptHTTP2: true,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, err
				}
				return dialer.DialContext(ctx, network, net.JoinHostPort(ip, port))
			},
		},
	}}
}

// ask sends a request and returns the answer and its body.
func (s *site) ask(ctx context.Context, method, path, body string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewBufferString(body))
	if err != nil {
		return nil, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res, string(text), err
}

// await waits until the site answers.
func (s *site) await(t *testing.T) {
	t.Helper()
	err := poll(lab.ctx, 2*time.Minute, s.url+" answers", func() error {
		res, text, err := s.ask(lab.ctx, "GET", "/", "")
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %.300s", res.Status, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// register registers a pet.
func (s *site) register(t *testing.T, name string) {
	t.Helper()
	pet, _ := json.Marshal(map[string]string{"name": name, "favorite_color": "tomato", "category": "cat"}) // strings always can be
	res, text, err := s.ask(lab.ctx, "POST", "/api/v1/pets", string(pet))
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("registering %s: %s: %s", name, res.Status, text)
	}
}

// has says whether a pet is in the book.
func (s *site) has(t *testing.T, name string) bool {
	t.Helper()
	res, text, err := s.ask(lab.ctx, "GET", "/api/v1/pets/"+url.PathEscape(name), "")
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNotFound {
		t.Fatalf("looking for %s: %s: %s", name, res.Status, text)
	}
	return res.StatusCode == http.StatusOK
}

// mustHave waits until the site answers, and wants a pet to be in the book.
func (s *site) mustHave(t *testing.T, name, after string) {
	t.Helper()
	s.await(t)
	if !s.has(t, name) {
		t.Errorf("%s is not in the book any more after %s", name, after)
	}
}

// serial is the number of the certificate that the site shows.
func (s *site) serial(t *testing.T) string {
	t.Helper()
	res, _, err := s.ask(lab.ctx, "GET", "/", "")
	if err != nil {
		t.Fatal(err)
	}
	return res.TLS.PeerCertificates[0].SerialNumber.Text(16)
}

// watch asks the site twenty times a second, each time over a new connection, until the returned function is called.
// That returns the longest time in which no answer came, and prints it.
func (s *site) watch(t *testing.T) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(lab.ctx)
	var (
		mu      sync.Mutex
		last    = time.Now()
		longest time.Duration
		answers int
		lost    = map[string]int{}
		asking  sync.WaitGroup
	)
	seen := func(now time.Time) { // with mu held
		longest = max(longest, now.Sub(last))
		last = now
	}
	one := func() {
		res, _, err := s.ask(ctx, "GET", "/", "")
		mu.Lock()
		defer mu.Unlock()
		switch {
		case ctx.Err() != nil:
		case err != nil:
			lost[fmt.Sprintf("%T", err)]++
		case res.StatusCode != http.StatusOK:
			lost[res.Status]++
		default:
			answers++
			seen(time.Now())
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				asking.Go(one)
			case <-ctx.Done():
				asking.Wait()
				return
			}
		}
	}()
	var once sync.Once
	stop = func() time.Duration {
		once.Do(func() {
			mu.Lock()
			seen(time.Now())
			mu.Unlock()
			cancel()
			<-done
			figure(t, "%d answers, longest gap between two %s, lost %v", answers, longest.Round(time.Millisecond), lost)
		})
		return longest
	}
	t.Cleanup(func() { stop() })
	return stop
}
