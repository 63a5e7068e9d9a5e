package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// longest is as wide as a name can get.
var longest = strings.Repeat("W", 50)

// everyPage opens each page of the site in each of its states, and calls f.
func everyPage(b *tab, f func(state string)) {
	b.t.Helper()
	b.register("Möbius", "tomato", "cat")
	f("new certificate")
	b.register(longest, "the blue of the sea at noon", "dog")
	f("certificate of a long name")
	b.open("/")
	f("form")
	b.typeInto("pet_name", "Bella")
	b.typeInto("pet_favorite_color", "gold")
	b.click("label[for=pet_category_dog]")
	b.verdictSays("is available")
	f("form, name available")
	b.retype("pet_name", "Möbius")
	b.verdictSays("is taken")
	b.suggested("Möbius Gold")
	f("form, name taken")
	b.retype("pet_name", "M-ö-bius")
	b.verdictSays("is too similar to")
	f("form, name similar")
	b.registrar("names", "reserve", "Laika")
	b.retype("pet_name", "Laika")
	b.verdictSays("is reserved")
	f("form, name reserved")
	b.retype("pet_name", longest+"WW")
	b.verdictSays("shorten")
	f("form, name too long")
	for state, path := range map[string]string{
		"pets":        "/pets",
		"vain search": "/pets?q=nobody",
		"bad search":  "/pets?q=%07",
		"not found":   "/nothing",
		"no such pet": "/pets/Nobody",
		"error codes": "/problems",
	} {
		b.open(path)
		f(state)
	}
	b.open("/")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("form").noValidate = true; document.querySelector("form").requestSubmit()`))
	b.until("the refused form is there", `document.querySelectorAll("[data-status=not_allowed]").length === 3`)
	f("refused form")
	b.withoutItsScript(func() {
		b.open("/")
		b.typeInto("pet_name", "möbius")
		b.fill("gold", "dog")
		b.click("#register_button")
		b.verdictSays("Try one of these:")
		f("refused form, without its script")
	})
	b.registrar("pets", "rename", longest, "Max")
	b.open("/pets/Max")
	f("certificate of a renamed pet")
	b.registrar("pets", "release", "Max")
	b.open("/pets/Max")
	f("pet that left")
}

// withoutItsScript lets f work on pages whose script can't be loaded. (In a
// browser that runs none, axe-core could not run either.)
func (b *tab) withoutItsScript(f func()) {
	b.t.Helper()
	block := func(patterns ...*network.BlockPattern) {
		call(b, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns})
	}
	block(&network.BlockPattern{URLPattern: b.site + "/static/app.*.js", Block: true})
	f()
	block()
}

func TestAccessibility(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join("node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		const why = "axe-core left out: it is not installed; run npm ci --prefix e2e"
		if strings.Contains(","+os.Getenv("NAMETAG_TEST_REQUIRE")+",", ",browser,") {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 320} {
			t.Run(fmt.Sprintf("%s %d", scheme, width), func(t *testing.T) {
				b := newTab(t)
				b.colors(scheme)
				b.size(width, 800)
				everyPage(b, func(state string) {
					b.do(chromedp.Evaluate[chromedp.Void](string(axe)))
					result := eval[string](b, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r => JSON.stringify(
						{passes: r.passes.length, violations: r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.map(n => n.html + " " + n.failureSummary).join("; "))}))`)
					var r struct {
						Passes     int
						Violations []string
					}
					if err := json.Unmarshal([]byte(result), &r); err != nil {
						t.Fatal(err)
					}
					if r.Passes < 10 {
						t.Errorf("%s: axe-core judged by only %d rules", state, r.Passes)
					}
					for _, v := range r.Violations {
						t.Errorf("%s: %s", state, v)
					}
				})
			})
		}
	}
}

func TestNothingIsWiderThanThePage(t *testing.T) {
	for _, width := range []int64{320, 480, 768, 1920} {
		b := newTab(t)
		b.size(width, 800)
		if width == 320 { // as on a telephone
			b.farAway()
		}
		everyPage(b, func(state string) {
			if wide := eval[float64](b, `document.documentElement.scrollWidth`); wide > float64(width) {
				t.Errorf("%s: %v wide on a page of %d", state, wide, width)
			}
		})
	}
}

// A certificate prints on one page, whatever the name.
func TestPrint(t *testing.T) {
	b := newTab(t)
	for _, name := range []string{"Möbius", longest} {
		b.register(name, "tomato", "cat")
		pdf := get(b, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); n != 1 {
			t.Errorf("%s prints on %d pages", name, n)
		}
		if !regexp.MustCompile(`/MediaBox\s*\[0 0 84[12]`).Match(pdf) {
			t.Errorf("%s does not print in landscape", name)
		}
		if dir := os.Getenv("NAMETAG_TEST_PICTURES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("certificate-%.6s.pdf", name)), pdf, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPictures writes a picture of each page to the folder NAMETAG_TEST_PICTURES, and with -update those of the
// documentation.
func TestPictures(t *testing.T) {
	b := newTab(t)
	b.register("Möbius", "tomato", "cat")
	b.open("/")
	b.typeInto("pet_favorite_color", "dark turquoise")
	b.click("label[for=pet_category_dog]")
	b.typeInto("pet_name", "MÖBIUS")
	b.verdictSays("is taken")
	b.size(1280, 840)
	picture := get(b, chromedp.CaptureScreenshot())
	if len(picture) < 10_000 {
		t.Errorf("a picture of %d bytes", len(picture))
	}
	if *update {
		if err := os.WriteFile(filepath.Join("..", "docs", "images", "register.png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := os.Getenv("NAMETAG_TEST_PICTURES")
	if dir == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 320} {
			b := newTab(t)
			b.colors(scheme)
			b.size(width, 900)
			everyPage(b, func(state string) {
				picture := get(b, chromedp.FullScreenshot(100))
				name := fmt.Sprintf("%s-%d-%s.png", scheme, width, strings.NewReplacer(" ", "-", ",", "").Replace(state))
				if err := os.WriteFile(filepath.Join(dir, name), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
