package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestBadInput sends every kind of bad input. Each gets a 4xx that says what is wrong, and later requests work.
func TestBadInput(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const jsonType, formType = "application/json", "application/x-www-form-urlencoded"
	huge := strings.Repeat("x", 10<<20)
	for _, tt := range []struct {
		name                      string
		method, path, media, body string
		status                    int
		says                      string
	}{
		{"no body", "POST", "/api/v1/pets", jsonType, "", 400, "The body is empty"},
		{"no body and no media type", "POST", "/api/v1/pets", "", "", 400, "The body is empty"},
		{"null", "POST", "/api/v1/pets", jsonType, "null", 400, "must be a JSON object"},
		{"null name", "POST", "/api/v1/names/check", jsonType, `{"names":[null,"Bella"]}`, 400, "contains null"},
		{"null member", "POST", "/api/v1/pets", jsonType, `{"name":null}`, 400, `\"name\" is null`},
		{"member twice", "POST", "/api/v1/pets", jsonType, `{"name":"A","name":"B"}`, 400, `\"name\" appears twice`},
		{"member in capitals", "POST", "/api/v1/pets", jsonType, `{"NAME":"A"}`, 400, `\"NAME\" is unknown`},
		{"no field", "POST", "/api/v1/pets", jsonType, "{}", 422, "3 fields are invalid"},
		{"unknown member", "POST", "/api/v1/pets", jsonType, `{"nmae":"Bella"}`, 400, `\"nmae\" is unknown. The members are category, favorite_color, name`},
		{"not an object", "POST", "/api/v1/pets", jsonType, `["Bella"]`, 400, "must be a JSON object"},
		{"member of a wrong type", "POST", "/api/v1/pets", jsonType, `{"name":7}`, 400, `\"name\" has the wrong type`},
		{"broken JSON", "POST", "/api/v1/pets", jsonType, `{"name":"Bella"`, 400, "not valid JSON: unexpected end"},
		{"two values", "POST", "/api/v1/pets", jsonType, `{} {}`, 400, "after top-level value"},
		{"trailing data", "POST", "/api/v1/pets", jsonType, `{"name":"Bella","favorite_color":"red","category":"cat"}]] junk`, 400, "after top-level value"},
		{"JSON not UTF-8", "POST", "/api/v1/pets", jsonType, "{\"name\":\"B\xff\"}", 400, "UTF-8"},
		{"lone surrogate", "POST", "/api/v1/pets", jsonType, `{"name":"B\ud800","favorite_color":"red","category":"cat"}`, 422, "damaged"},
		{"name of 5,000 characters", "POST", "/api/v1/pets", jsonType, `{"name":"` + huge[:5000] + `","favorite_color":"red","category":"cat"}`, 422, "shorten it by 4950"},
		{"NUL", "POST", "/api/v1/pets", jsonType, `{"name":"a\u0000b","favorite_color":"red","category":"cat"}`, 422, "U+0000"},
		{"control character in the colour", "POST", "/api/v1/pets", jsonType, `{"name":"ab","favorite_color":"r\u001bd","category":"cat"}`, 422, "U+001B"},
		{"no media type", "POST", "/api/v1/pets", "", `{}`, 415, "application/json"},
		{"wrong media type", "POST", "/api/v1/pets", formType, "name=Bella", 415, "application/json"},
		{"wrong charset", "POST", "/api/v1/pets", jsonType + "; charset=latin1", `{}`, 415, "latin1"},
		{"10 MB of JSON", "POST", "/api/v1/pets", jsonType, `{"name":"` + huge + `"}`, 413, "longer than 64 KiB"},
		{"wrong method", "DELETE", "/api/v1/pets/Bella", "", "", 405, "Use GET or HEAD"},
		{"made-up method", "BREW", "/api/v1/pets", "", "", 405, "Use GET or HEAD or POST"},
		{"name not UTF-8", "GET", "/api/v1/names/%ff", "", "", 400, "UTF-8"},
		{"no such pet", "GET", "/api/v1/pets/Nobody", "", "", 404, "Nobody"},
		{"invalid name", "GET", "/api/v1/pets/%ff", "", "", 404, "UTF-8"},
		{"no such address", "GET", "/api/v2", "", "", 404, "nothing at this address"},
		{"broken escape", "GET", "/api/v1/pets?q=%zz", "", "", 400, "escape"},

		{"form, 10 MB", "POST", "/register_pet", formType, "pet_name=" + huge, 413, "longer than 64 KiB"},
		{"form, broken escape", "POST", "/register_pet", formType, "pet_name=%zz", 400, "escape"},
		{"form, no body", "POST", "/register_pet", "", "", 422, "empty"},
		{"form as JSON", "POST", "/register_pet", jsonType, `{}`, 415, formType},
		{"form, wrong method", "PUT", "/register_pet", formType, "", 405, "Use POST"},
		{"page, wrong method", "POST", "/", formType, "", 405, "Use GET or HEAD"},
		{"no such asset", "GET", "/static/app.css", "", "", 404, "no such file"},
	} {
		for _, accept := range []string{"*/*", browser} {
			headers := []string{"Accept", accept}
			if tt.media != "" {
				headers = append(headers, "Content-Type", tt.media)
			}
			a := s.do(tt.method, tt.path, tt.body, headers...)
			says := tt.says
			if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
				says = strings.ReplaceAll(says, `\"`, "&#34;")
			}
			if a.StatusCode != tt.status || !strings.Contains(a.body, says) {
				t.Errorf("%s, for %.9s: %d, want %d saying %q:\n%s", tt.name, accept, a.StatusCode, tt.status, says, a.body)
			}
			if html := strings.HasPrefix(a.Header.Get("Content-Type"), "text/html"); html != (accept == browser && !strings.HasPrefix(tt.path, "/api/")) {
				t.Errorf("%s, for %.9s: answered as %s", tt.name, accept, a.Header.Get("Content-Type"))
			}
		}
	}
	s.register("Bella")
}

func TestCompressedBodiesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const body = `{"name":"Bella","favorite_color":"blue","category":"cat"}`
	a := s.do("POST", "/api/v1/pets", body, "Content-Type", "application/json", "Content-Encoding", "gzip")
	if a.StatusCode != 415 || !strings.Contains(a.body, `\"gzip\"`) {
		t.Errorf("%d: %s", a.StatusCode, a.body)
	}
	if a := s.do("POST", "/api/v1/pets", body, "Content-Type", "application/json", "Content-Encoding", "identity"); a.StatusCode != 201 {
		t.Errorf("%d: %s", a.StatusCode, a.body)
	}
}

// TestTooLargeIsAnsweredAfterTheBody sends all of a body that is too large before it reads the answer.
func TestTooLargeIsAnsweredAfterTheBody(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "POST /api/v1/pets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n"
	if _, err := io.WriteString(conn, head+strings.Repeat("x", 10<<20)); err != nil {
		t.Fatalf("sending: %v", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("reading: %v", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %s", res.Status)
	}
}
