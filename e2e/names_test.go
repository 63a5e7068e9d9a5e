package e2e

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const suggestions = `[...document.querySelectorAll("#pet_name_suggestions:not([hidden]) button")].map(s => s.value)`

// fill types a colour and chooses a category.
func (b *tab) fill(color, category string) {
	b.t.Helper()
	b.typeInto("pet_favorite_color", color)
	b.click("label[for=pet_category_" + category + "]")
}

// suggested waits for a first suggestion and returns all of them.
func (b *tab) suggested(first string) []string {
	b.t.Helper()
	b.until("the first suggestion is "+first, suggestions+`[0] === `+quote(first))
	return eval[[]string](b, suggestions)
}

func TestSuggestionIsClicked(t *testing.T) {
	b := newTab(t)
	b.register("Bella", "tomato", "cat")
	b.open("/")
	b.typeInto("pet_name", "Bella")
	b.verdictSays("Try one of these:")
	if names := b.suggested("Bella II"); len(names) != 3 {
		t.Errorf("suggested %q", names)
	}
	b.fill("sky blue", "dog")
	names := b.suggested("Bella Sky Blue")
	if !slices.Contains(names, "Bella the Dog") || !eval[bool](b, isDisabled) {
		t.Errorf("with a colour and a category, suggested %q", names)
	}

	b.click("#pet_name_suggestions button")
	b.verdictSays("“Bella Sky Blue” is available")
	got := eval[[]string](b, `[pet_name.value, preview_name.textContent, document.activeElement.id, String(pet_name_suggestions.hidden)]`)
	if want := []string{"Bella Sky Blue", "Bella Sky Blue", "pet_name", "true"}; !slices.Equal(got, want) {
		t.Errorf("after the click: %q, want %q", got, want)
	}
	asked := b.asked("check_pet_name")
	b.typeInto("pet_favorite_color", "!")
	b.click("#register_button")
	b.until("the certificate is there", `document.querySelector(".certificate__name")?.textContent === "Bella Sky Blue"`)
	if n := b.asked("check_pet_name"); n != asked {
		t.Errorf("the page asked %d times about colours though it suggested nothing", n-asked)
	}
}

func TestSuggestionByKeyboard(t *testing.T) {
	b := newTab(t)
	b.register("Bella", "tomato", "cat")
	b.open("/")
	b.typeInto("pet_name", "Bella")
	b.suggested("Bella II")
	b.do(chromedp.KeyEvent(kb.Enter)) // in the field, it neither registers nor chooses
	b.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab))
	if got := eval[string](b, `document.activeElement.value`); got != "Bella II" {
		t.Fatalf("Tab, past the link to Bella, leads to %q", got)
	}
	if outline := eval[string](b, `getComputedStyle(document.activeElement).outlineStyle`); outline != "solid" {
		t.Errorf("the focused suggestion has the outline %q", outline)
	}
	if group := eval[string](b, `document.getElementById(document.activeElement.parentElement.getAttribute("aria-labelledby")).textContent`); group != "Try one of these:" {
		t.Errorf("the suggestions are called %q", group)
	}
	b.do(chromedp.KeyEvent(" "))
	b.verdictSays("“Bella II” is available")
	if id := eval[string](b, `document.activeElement.id`); id != "pet_name" {
		t.Errorf("the focus is on %q", id)
	}
}

func TestSuggestionWithoutScript(t *testing.T) {
	b := newTab(t)
	b.noScript()
	b.register("Bella", "tomato", "cat")
	refused := func() {
		b.open("/")
		b.typeInto("pet_name", "Bella")
		b.fill("blue", "dog")
		b.click("#register_button")
		b.verdictSays("Try one of these:")
	}
	refused()
	b.typeInto("pet_favorite_color", " sky")
	b.click(`[value="Bella II"]`)
	b.until("the form has the suggestion", `pet_name.value === "Bella II"`)
	b.focused("pet_name")
	got := eval[[]string](b, `[pet_favorite_color.value, document.querySelector(":checked").value, `+verdict+`]`)
	if want := []string{"blue sky", "Dogs", ""}; !slices.Equal(got, want) {
		t.Errorf("the form has %q, want %q", got, want)
	}
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("the certificate is there", `document.querySelector(".certificate__name")?.textContent === "Bella II"`)

	// Enter in the refused form registers what is in it.
	refused()
	b.typeInto("pet_name", "donna")
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("the certificate is there", `document.querySelector(".certificate__name")?.textContent === "Belladonna"`)
}

func TestLookalikesAreRefused(t *testing.T) {
	b := newTab(t)
	b.register("Bella", "tomato", "cat")
	b.open("/")
	for _, name := range []string{"Bеlla", "Bel-la", "BeIIa"} { // with a Cyrillic е; with a hyphen; with capital I's
		b.retype("pet_name", name)
		b.verdictSays("“" + name + "” is too similar to “Bella”, which a cat has had since")
		b.verdictSays("Meet Bella")
		if !eval[bool](b, isDisabled) || len(eval[[]string](b, suggestions)) == 0 {
			t.Errorf("%s: Register is enabled, or nothing is suggested", name)
		}
	}
}

func TestReservedNamesAreRefused(t *testing.T) {
	b := newTab(t)
	b.registrar("names", "reserve", "Laika")
	b.open("/")
	b.typeInto("pet_name", "laika")
	b.verdictSays("“laika” is reserved: As <b>agreed</b> with its owner. Please")
	if !eval[bool](b, isDisabled) || len(eval[[]string](b, suggestions)) == 0 {
		t.Error("Register is enabled, or nothing is suggested")
	}
	b.retype("pet_name", "Laika II")
	b.verdictSays("is available")
}

func TestRenamedAndReleasedPets(t *testing.T) {
	b := newTab(t)
	b.register("Bella", "tomato", "cat")
	b.registrar("pets", "rename", "Bella", "Stella")
	b.open("/pets/bella")
	b.until("the former name leads to the pet", `location.pathname === "/pets/Stella"`)
	history := eval[string](b, `document.querySelector(".history").innerText`)
	if !strings.Contains(history, "Registered on ") || !strings.Contains(history, "\nRenamed from Bella on ") || strings.Contains(history, "Sam") {
		t.Errorf("the history says %q", history)
	}
	b.registrar("pets", "release", "Stella")
	b.open("/pets/Stella")
	if text := eval[string](b, `document.querySelector("main").innerText`); !strings.Contains(text, "The pet that was registered as “Stella” was released on") {
		t.Errorf("the page of a pet that left says %q", text)
	}
}

// A verdict that comes late does not move Register from under a finger, and the suggestions are large enough for one.
func TestLateVerdictMovesNothing(t *testing.T) {
	for _, width := range []int64{1280, 390, 320} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := newTab(t)
			b.size(width, 900)
			b.register("Bella", "tomato", "cat")
			q := holdQuestions(b)
			b.open("/")
			b.typeInto("pet_name", "Bella")
			asked := q.next("Bella")
			b.fill("gold", "dog")
			top := func() float64 {
				return eval[float64](b, `document.getElementById("register_button").getBoundingClientRect().top`)
			}
			b.do(chromedp.ScrollIntoView(chromedp.CSS("#register_button")))
			before := top()
			q.pass(asked)
			b.suggested("Bella II")
			if after := top(); math.Abs(after-before) > 1 {
				t.Errorf("Register was at %v and is at %v", before, after)
			}
			for _, size := range eval[[][]float64](b, `[...document.querySelectorAll("#pet_name_suggestions button")].map(s => [s.offsetWidth, s.offsetHeight])`) {
				if min(size[0], size[1]) < 44 {
					t.Errorf("a suggestion is %v px wide and high", size)
				}
			}
		})
	}
}

// A registry of other animals shows them.
func TestOtherCategories(t *testing.T) {
	b := newTab(t, "--policy=thoroughbred")
	b.open("/")
	b.typeInto("pet_name", "Secretariat")
	b.typeInto("pet_favorite_color", "blue")
	b.verdictSays("is available")
	b.click("#register_button")
	b.until("the certificate is there", `document.querySelector(".certificate")?.innerText.includes("belongs to a horse")`)
}
