package main

import (
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// serve serves as one of the peers if args are a peer, its argument and the address to serve at, and reports whether
// they are.
func serve(args []string) (isPeer bool, err error) {
	if len(args) != 3 {
		return false, nil
	}
	switch peer, argument, addr := args[0], args[1], args[2]; peer {
	case constant:
		return true, serveConstant(addr, argument)
	case pocketBase:
		return true, servePocketBase(addr, argument)
	}
	return false, nil
}

// serveConstant answers all requests alike: as much as net/http can do here. The answer has the headers and the average
// length of the answers to checks of the nametag at another address.
func serveConstant(addr, nametag string) error {
	var header http.Header
	length := 0
	for _, n := range []uint64{0, freeNames} { // taken, free
		res, err := http.Get("http://" + nametag + checkPath + nameOf(n))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		header, length = res.Header, length+len(body)/2
	}
	for _, name := range []string{"Date", "Content-Length"} { // net/http adds them
		header.Del(name)
	}
	const start, end = `{"status":"constant","padding":"`, `"}`
	body := []byte(start + strings.Repeat("x", max(0, length-len(start)-len(end))) + end)
	debug.SetGCPercent(1600) // as much room for garbage as nametag has with a small registry
	server := &http.Server{
		Addr:              addr,
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			for name, values := range header {
				h[name] = values
			}
			w.Write(body)
		}),
	}
	return server.ListenAndServe()
}
