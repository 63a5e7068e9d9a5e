package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

type healthcheckCmd struct {
	listenFlag
	URL site `name:"url" placeholder:"URL" help:"Ask this server, in place of the one at --listen."`
}

// healthcheckTimeout is how long the server may take to answer.
const healthcheckTimeout = 3 * time.Second

// Help implements kong.HelpProvider.
func (healthcheckCmd) Help() string {
	return `Asks for /readyz and exits with 0 if the answer is that the server is ready, else with 1: what the health check of a container needs. It may take 3 seconds.

Examples:

    nametag healthcheck
    nametag healthcheck --url https://pets.example`
}

// Run implements the command.
func (c healthcheckCmd) Run(ctx context.Context, p Process) error {
	base := string(c.URL)
	if base == "" {
		if _, port, _ := net.SplitHostPort(string(c.Listen)); port == "0" {
			return usagef("--listen (NAMETAG_LISTEN) has port 0, so it does not say where the server is; give --url (NAMETAG_URL)")
		}
		base = c.Listen.local()
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	// A transport of its own asks no proxy that the environment names.
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
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
