package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// An answer is what the constant server gives to every request.
type answer struct {
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// constantBody returns a JSON body of that many bytes, and no fewer than it
// takes.
func constantBody(length int) string {
	const frame = `{"status":"constant","padding":""}`
	return strings.TrimSuffix(frame, `"}`) + strings.Repeat("x", max(0, length-len(frame))) + `"}`
}

// serveConstant serves the answer in a file: as much as net/http can do here.
func serveConstant(addr, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return err
	}
	body := []byte(a.Body)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	debug.SetGCPercent(1600) // as much room for garbage as nametag has with a small book
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			for name, values := range a.Header {
				h[name] = values
			}
			w.Write(body)
		}),
	}
	return server.Serve(l)
}
