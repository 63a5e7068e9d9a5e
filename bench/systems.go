package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// child does what this program is started for by itself, and reports whether
// it was.
func child(args []string) (bool, error) {
	if len(args) == 0 {
		return false, nil
	}
	switch args[0] {
	case "serve-constant": // ADDRESS FILE
		return true, serveConstant(args[1], args[2])
	case "serve-" + pocketBase, "serve-" + pocketBaseTuned: // ADDRESS FOLDER
		return true, servePocketBase(args[1], args[2], args[0] == "serve-"+pocketBaseTuned)
	case "make-pocketbase": // FOLDER NAMES
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return true, err
		}
		return true, makePocketBase(context.Background(), args[1], n)
	}
	return false, nil
}

// startSelf starts this program as one of the servers, and waits until it
// answers at path.
func (b *bench) startSelf(ctx context.Context, server, argument, path string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, b.folder, addr, self, server, addr, argument)
	if err != nil {
		return nil, err
	}
	if _, err := p.await(ctx, path); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// A nametagServer is a running nametag serve.
type nametagServer struct {
	*process
	database    string        // the path of its file, or its URL
	admin       string        // where its metrics are
	firstAnswer time.Duration // since its start
}

// startNametag starts nametag on a database, and waits until it answers a
// check.
func (b *bench) startNametag(ctx context.Context, program, database string) (*nametagServer, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	admin, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, b.folder, addr, program, "serve", "--database", database, "--listen", addr, "--admin-listen", admin, "--rate-limit", "0")
	if err != nil {
		return nil, err
	}
	n := &nametagServer{process: p, database: database, admin: admin}
	if n.firstAnswer, err = p.await(ctx, checkPath+nameOf(0)); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return n, nil
}

// metric returns the value of a metric, false if nametag has none of this name.
func (n *nametagServer) metric(ctx context.Context, name string) (float64, bool, error) {
	text, err := get(ctx, n.admin, "/metrics")
	if err != nil {
		return 0, false, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			v, err := strconv.ParseFloat(value, 64)
			return v, true, err
		}
	}
	return 0, false, nil
}

// awaitIndex waits until the index is ready and returns how long after the
// start that was. It is false at once if this nametag has no index.
func (n *nametagServer) awaitIndex(ctx context.Context) (time.Duration, bool, error) {
	const longest = 10 * time.Minute
	for {
		ready, found, err := n.metric(ctx, "nametag_index_ready")
		switch {
		case err != nil || !found:
			return 0, false, err
		case ready == 1:
			return time.Since(n.started), true, nil
		case time.Since(n.started) > longest:
			return 0, false, fmt.Errorf("the index is not ready after %v:\n%s", longest, n.tail())
		}
		if !sleepUntil(ctx, time.Now().Add(10*time.Millisecond)) {
			return 0, false, context.Cause(ctx)
		}
	}
}

// checkPath is what a check asks for, but for the name.
const checkPath = "/check_pet_name?pet_name="

// pickName returns a name's number for a check: half of them are in a book of
// so many names, half are free.
func pickName(r *rand.Rand, names int) (n uint64, taken bool) {
	if pick := r.Uint64(); pick&1 == 0 {
		return r.Uint64N(uint64(names)), true
	}
	return freeNames + r.Uint64N(1<<30), false
}

func getRequest(b []byte, addr, path string, name uint64, lower bool, rest string) []byte {
	b = append(append(b, "GET "...), path...)
	b = appendName(b, name)
	if lower {
		b[len(b)-nameLength] += 'a' - 'A'
	}
	return append(append(append(append(b, rest...), " HTTP/1.1\r\nHost: "...), addr...), "\r\n\r\n"...)
}

// postStart returns the text of a request to post a body of that length.
func postStart(addr, path, contentType string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, addr, contentType, length)
}

// askConstant asks the constant server what nametag would be asked.
func askConstant(addr string, names int) question {
	return func(b []byte, r *rand.Rand) ([]byte, string) {
		n, _ := pickName(r, names)
		return getRequest(b, addr, checkPath, n, false, ""), `"constant"`
	}
}

// askNametag checks names.
func askNametag(addr string, names int) question {
	return func(b []byte, r *rand.Rand) ([]byte, string) {
		n, taken := pickName(r, names)
		b = getRequest(b, addr, checkPath, n, false, "")
		if taken {
			return b, `"available":false`
		}
		return b, `"available":true`
	}
}

// tellNametag registers new names.
func (b *bench) tellNametag(addr string) question {
	const before, after = "pet_name=", "&pet_favorite_color=blue&pet_category=cat"
	head := postStart(addr, "/register_pet", "application/x-www-form-urlencoded", len(before)+nameLength+len(after)) + before
	return func(req []byte, _ *rand.Rand) ([]byte, string) {
		req = appendName(append(req, head...), b.newName())
		return append(req, after...), `"status":"ok"`
	}
}

const pocketPath = "/api/collections/pets/records"

// askPocketBase checks names: it looks for one by the filter that its index on
// names serves, and asks for no more than it takes to know.
func askPocketBase(addr string, names int) question {
	path := pocketPath + "?perPage=1&skipTotal=1&fields=name&filter=" + url.QueryEscape("(name:lower='")
	rest := url.QueryEscape("')")
	return func(b []byte, r *rand.Rand) ([]byte, string) {
		n, taken := pickName(r, names)
		b = getRequest(b, addr, path, n, true, rest)
		if taken {
			return b, `"name":"` + nameOf(n) + `"`
		}
		return b, `"items":[]`
	}
}

// tellPocketBase creates records with new names.
func (b *bench) tellPocketBase(addr string) question {
	const before, after = `{"name":"`, `","favorite_color":"blue","category":"cat"}`
	head := postStart(addr, pocketPath, "application/json", len(before)+nameLength+len(after)) + before
	return func(req []byte, _ *rand.Rand) ([]byte, string) {
		n := b.newName()
		req = appendName(append(req, head...), n)
		return append(req, after...), `"name":"` + nameOf(n) + `"`
	}
}

// newName returns the number of a name that has not been registered yet.
func (b *bench) newName() uint64 { return newNames + b.registered.Add(1) }

// writeConstantAnswer writes a file for the constant server: an answer with
// nametag's headers, and as long as its answers to checks are on average.
func (b *bench) writeConstantAnswer(ctx context.Context, addr string) error {
	var a answer
	length := 0
	for _, n := range []uint64{0, freeNames} { // taken, free
		header, body, err := getAll(ctx, addr, checkPath+nameOf(n))
		if err != nil {
			return err
		}
		length += len(body)
		a.Header = header
	}
	for _, name := range []string{"Date", "Content-Length"} { // net/http adds them
		a.Header.Del(name)
	}
	a.Body = constantBody(length / 2)
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(b.constantAnswer(), text, 0o600)
}

func (b *bench) constantAnswer() string { return filepath.Join(b.folder, "answer.json") }

// register registers a name by an ordinary request.
func (n *nametagServer) register(ctx context.Context, name string) error {
	form := url.Values{"pet_name": {name}, "pet_favorite_color": {"blue"}, "pet_category": {"cat"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+n.addr+"/register_pet", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("registering %s: %s", name, res.Status)
	}
	return nil
}
