package web_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nametag/internal/registry"
	"nametag/internal/web"
)

// historyOf returns the lines of the history on a pet's page.
func (s *site) historyOf(path string) []string {
	s.t.Helper()
	page := s.get(path, "Accept", browser)
	if page.StatusCode != 200 {
		s.t.Fatalf("%s: %d to %q", path, page.StatusCode, page.Header.Get("Location"))
	}
	for _, secret := range []string{"Keeper", "owner asked", "registrar", "open-"} {
		if strings.Contains(page.body, secret) {
			s.t.Errorf("%s reveals %q", path, secret)
		}
	}
	_, section, _ := strings.Cut(page.body, `<section class="history">`)
	section, _, _ = strings.Cut(section, "</section>")
	var lines []string
	for _, m := range regexp.MustCompile(`<li>(.*?)</li>`).FindAllStringSubmatch(section, -1) {
		lines = append(lines, regexp.MustCompile(`<[^>]+>`).ReplaceAllString(m[1], ""))
	}
	return lines
}

// hasHistory fails the test unless a pet's page has this history.
func (s *site) hasHistory(path string, want ...string) {
	s.t.Helper()
	if got := s.historyOf(path); !slices.Equal(got, want) {
		s.t.Errorf("%s has the history %q, want %q", path, got, want)
	}
}

// redirectsTo fails the test unless an address redirects to want, temporarily.
func (s *site) redirectsTo(path, want string) {
	s.t.Helper()
	if a := s.get(path, "Accept", browser); a.StatusCode != http.StatusFound || a.Header.Get("Location") != want {
		s.t.Errorf("%s: %d to %q, want %q", path, a.StatusCode, a.Header.Get("Location"), want)
	}
}

// TestRenamedPet checks that the page of a renamed pet lists its former names, and each redirects to it until another pet has it.
func TestRenamedPet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.date("2026-01-05")
	s.register("Bella")
	s.hasHistory("/pets/Bella", "Registered on 5 January 2026")
	s.date("2026-02-06")
	s.rename("Bella", `Stella <&> "X"`)
	s.date("2026-03-07")
	s.rename(`stella <&> "x"`, "Luna")
	s.rename("Luna", "LUNA")

	s.hasHistory("/pets/LUNA", "Registered on 5 January 2026", "Renamed from Bella on 6 February 2026",
		"Renamed from Stella &lt;&amp;&gt; &#34;X&#34; on 7 March 2026", "Renamed from Luna on 7 March 2026")
	for _, former := range []string{"Bella", "BELLA", "stella%20%3C&%3E%20%22X%22", "Luna"} {
		s.redirectsTo("/pets/"+former, "/pets/LUNA")
	}
	s.redirectsTo("/api/v1/pets/bella", "/api/v1/pets/LUNA")

	// The history of a name does not belong to its next pet.
	if _, err := s.registrar().Unreserve(t.Context(), "Bella"); err != nil {
		t.Fatal(err)
	}
	s.date("2026-04-08")
	s.register("Bella")
	s.hasHistory("/pets/Bella", "Registered on 8 April 2026")
	if a := s.get("/api/v1/pets/Bella"); a.StatusCode != 200 || a.json(t)["name"] != "Bella" {
		t.Errorf("the new Bella: %d %s", a.StatusCode, a.body)
	}
	s.hasHistory("/pets/LUNA", "Registered on 5 January 2026", "Renamed from Bella on 6 February 2026",
		"Renamed from Stella &lt;&amp;&gt; &#34;X&#34; on 7 March 2026", "Renamed from Luna on 7 March 2026")
}

// TestReleasedPet checks that the addresses of a released pet say that it was released until another pet has the name.
func TestReleasedPet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.date("2026-01-05")
	s.register("Bella")
	s.date("2026-02-06")
	s.rename("Bella", "Stella")
	s.date("2026-03-07")
	s.release("Stella")
	for path, says := range map[string]string{
		"/pets/STELLA":        "The pet that was registered as “Stella” was released on 7 March 2026.",
		"/pets/Bella":         "The pet that was registered as “Bella” was renamed on 6 February 2026, and released later.",
		"/pets/Nobody":        "No pet is registered as “Nobody”.",
		"/api/v1/pets/stella": "was released on 7 March 2026.",
	} {
		a := s.get(path, "Accept", browser)
		if a.StatusCode != 404 || !strings.Contains(a.body, says) || strings.Contains(a.body, "Keeper") {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	s.date("2027-01-01")
	s.register("Stella")
	s.hasHistory("/pets/Stella", "Registered on 1 January 2027")
	if a := s.get("/pets/Bella", "Accept", browser); a.StatusCode != 404 {
		t.Errorf("the former name of the released pet: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
}

// TestCorrectedPet checks that the page of a corrected pet says so, but neither the former values nor the reason.
func TestCorrectedPet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.date("2026-01-05")
	s.register("Bella")
	for i, c := range []struct{ color, category string }{{"a rude word", ""}, {"green", ""}, {"", "dog"}, {"", "dog"}, {"blue", "cat"}} {
		s.date(fmt.Sprintf("2026-02-0%d", i+1))
		if _, err := s.registrar().Correct(t.Context(), "Bella", c.color, c.category); err != nil {
			t.Fatal(err)
		}
	}
	s.rename("Bella", "Stella")
	s.hasHistory("/pets/Stella", "Registered on 5 January 2026", "Favourite colour corrected on 1 February 2026",
		"Favourite colour corrected on 2 February 2026", "Category corrected on 3 February 2026",
		"Favourite colour and category corrected on 5 February 2026", "Renamed from Bella on 5 February 2026")
	if page := s.get("/pets/Stella", "Accept", browser); strings.Contains(page.body, "rude") || !strings.Contains(page.body, "<strong><bdi>blue</bdi></strong>") {
		t.Errorf("the page has %s", page.body)
	}
}

func TestImportedPet(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.date("2026-05-09")
	importer := s.registrar().WithOrigin(registry.ViaImport, "Sam Keeper", "licences.csv")
	for name, at := range map[string]time.Time{"Old": time.Date(2015, 7, 8, 0, 0, 0, 0, time.UTC), "Undated": {}} {
		if _, err := importer.Register(t.Context(), registry.Application{Name: name, FavoriteColor: "blue", Category: "dog", RegisteredAt: at}); err != nil {
			t.Fatal(err)
		}
	}
	s.hasHistory("/pets/Old", "Registered on 8 July 2015", "Imported from another registry on 9 May 2026")
	s.hasHistory("/pets/Undated", "Imported from another registry on 9 May 2026")
}

// A rekeyedStore adds a row to each page of the journal that gives the last pet another lookalike key.
type rekeyedStore struct{ registry.Store }

func (s rekeyedStore) Journal(ctx context.Context, q registry.JournalQuery) ([]registry.Record, error) {
	records, err := s.Store.Journal(ctx, q)
	if err != nil || len(records) == 0 {
		return records, err
	}
	last := records[len(records)-1]
	e, err := last.Event()
	rekeyed := registry.NewEvent(registry.ActionRekeyed, registry.Origin{Via: registry.ViaMigration}, e.After, e.After)
	return append(records, last.Head().Append(rekeyed)), err
}

// TestRekeyedPet checks that a pet's history leaves out changes of its lookalike key.
func TestRekeyedPet(t *testing.T) {
	s := newSite(t)
	s.date("2026-01-05")
	s.register("Bella")
	s.rename("Bella", "Stella")
	rekeyed := newSite(t, func(c *web.Config) { c.Registry = registry.New(rekeyedStore{s.store}, nil) })
	rekeyed.hasHistory("/pets/Stella", "Registered on 5 January 2026", "Renamed from Bella on 5 January 2026")
}

// A brokenJournal is a store that can't read its journal.
type brokenJournal struct{ registry.Store }

func (brokenJournal) Journal(context.Context, registry.JournalQuery) ([]registry.Record, error) {
	return nil, registry.Unavailable(nil)
}

func TestJournalDown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.register("Bella")
	down := newSite(t, func(c *web.Config) { c.Registry = registry.New(brokenJournal{s.store}, nil) })
	for _, path := range []string{"/pets/Bella", "/pets/Nobody", "/api/v1/pets/Nobody"} {
		if a := down.get(path, "Accept", browser); a.StatusCode != 503 {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
}
