package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type healthcheckCmd struct {
	addressFlags
	URL site `name:"url" placeholder:"URL" help:"Ask this server, in place of the one that the other settings tell of."`
}

// healthcheckTimeout is how long the server may take to answer.
const healthcheckTimeout = 3 * time.Second

// Help implements kong.HelpProvider.
func (healthcheckCmd) Help() string {
	return `Asks for /readyz and exits with 0 if the answer is that the server is ready, else with 1: what the health check of a container needs. It may take 3 seconds. With the same settings as the server's it finds the server by itself, also before there is a certificate.

Examples:

    nametag healthcheck
    nametag healthcheck --url https://pets.example`
}

// Run implements the command.
func (c healthcheckCmd) Run(ctx context.Context, p Process) error {
	base := string(c.URL)
	if base == "" {
		var err error
		if base, err = c.localURL(); err != nil {
			return usagef("%w; give --url (NAMETAG_URL)", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	// A transport of its own asks no proxy that the environment names.
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		// Its own machine needs no certificate, and can't be asked by its domain.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: c.URL == ""},
	}}
	res, err := client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("not ready: %s did not answer within %v", req.URL, healthcheckTimeout)
	}
	if err != nil {
		return fmt.Errorf("no answer: %w; is the server running, and is this its address?", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("not ready: %s answered %s: %s", req.URL, res.Status, strings.TrimSpace(string(body)))
	}
	fmt.Fprintf(p.Stdout, "ready: %s\n", base)
	return nil
}
