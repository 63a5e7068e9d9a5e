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
	URL string `type:"site" name:"url" placeholder:"URL" help:"The server to ask; by default the one that the other settings describe."`
}

// healthcheckTimeout is how long the server may take to answer.
const healthcheckTimeout = 3 * time.Second

func (healthcheckCmd) Help() string {
	return `Requests /readyz and exits with 0 if the server is ready, else with 1, as the health check of a container
needs it. The server may take 3 seconds. With the settings of the server, the command finds it without --url, even
before the server has a certificate.

Examples:

    nametag healthcheck
    nametag healthcheck --url https://pets.example`
}

func (c healthcheckCmd) Run(ctx context.Context, p Process) error {
	base := c.URL
	if base == "" {
		var err error
		if base, err = c.localURL(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	// A transport of its own ignores the proxy that the environment names.
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		// On this machine, a certificate is neither needed nor issued for the address.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: c.URL == ""},
	}}
	res, err := client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("not ready: %s did not answer within %v", req.URL, healthcheckTimeout)
	}
	if err != nil {
		return fmt.Errorf("no answer: %w; check that the server is running and that this is its address", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return fmt.Errorf("not ready: %s answered %s: %s", req.URL, res.Status, strings.TrimSpace(string(body)))
	}
	fmt.Fprintf(p.Stdout, "ready: %s\n", base)
	return nil
}
