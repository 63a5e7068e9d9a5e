package web

import (
	"encoding/binary"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(10, func() time.Time { return now })
	alice, bob := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	granted := func(client netip.Addr) (n int) {
		for l.take(client) == 0 {
			n++
		}
		return n
	}
	if n := granted(alice); n != 20 {
		t.Errorf("a burst of %d, want two seconds' worth", n)
	}
	if wait := l.take(alice); wait != 100*time.Millisecond {
		t.Errorf("told to wait %v, want the time of one", wait)
	}
	if n := granted(bob); n != 20 {
		t.Errorf("another client got %d", n)
	}
	// Later it may send as many as the rate gives. Replacing generations loses no state that matters.
	for range 100 {
		now = now.Add(700 * time.Millisecond)
		if n := granted(alice); n != 7 {
			t.Fatalf("%d after 700 ms, want 7", n)
		}
	}
	now = now.Add(time.Hour)
	if n := granted(alice); n != 20 {
		t.Errorf("%d after an hour, want a burst", n)
	}
}

func TestLimiterMemoryIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	l := newLimiter(1, func() time.Time { return now })
	for i := range uint32(5 * maxClients) {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], i)
		if l.take(netip.AddrFrom4(ip)) != 0 {
			t.Fatal("a new client was refused")
		}
		if n := len(l.young) + len(l.old); n > 2*maxClients {
			t.Fatalf("%d clients are remembered", n)
		}
	}
}

func TestClientAddr(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, tt := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1234", nil, "192.0.2.1"},
		{"192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1234", []string{"198.51.100.7, garbage"}, "10.0.0.1"},
		{"10.0.0.1:1234", nil, "10.0.0.1"},
		{"10.0.0.1:1234", []string{"10.0.0.3"}, "10.0.0.3"},
		{"[::ffff:10.0.0.1]:1234", []string{"2001:db8::7"}, "2001:db8::7"},
		{"[::1]:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"@", nil, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		r.Header["X-Forwarded-For"] = tt.forwarded
		if got := clientAddr(r, trusted).String(); got != tt.want {
			t.Errorf("from %s, forwarded for %v: %s, want %s", tt.peer, tt.forwarded, got, tt.want)
		}
	}
	one, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2:1")
	if limitedNetwork(one) != limitedNetwork(other) {
		t.Error("two addresses of one /64 network are limited separately")
	}
}
