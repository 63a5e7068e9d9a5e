package e2e

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestRegister(t *testing.T) {
	b := newTab(t)
	b.register("Möbius", "tomato", "cat")
	if h1 := eval[string](b, `document.querySelector("h1").textContent`); h1 != "Möbius" {
		t.Errorf("the certificate is for %q", h1)
	}
	b.until("the address is that of the certificate", `location.pathname + location.search === "/pets/M%C3%B6bius"`)

	b.open("/")
	b.typeInto("pet_name", "MÖBIUS ")
	b.verdictSays("“MÖBIUS” is taken. Please try another name. Meet MÖBIUS")
	if !eval[bool](b, isDisabled) {
		t.Error("Register is enabled for a taken name")
	}
	if link := eval[string](b, `document.querySelector("#pet_name_verdict a").getAttribute("href")`); link != "/pets/M%C3%96BIUS" { // any spelling leads there
		t.Errorf("the verdict links to %s", link)
	}
	if described := eval[bool](b, `document.getElementById("pet_name").getAttribute("aria-describedby").includes("pet_name_verdict") && document.getElementById("pet_name_verdict").role === "status"`); !described {
		t.Error("the verdict does not describe the field to a screen reader")
	}

	b.typeInto("pet_name", "II")
	b.until("Register is enabled again", "!"+isDisabled)
	b.verdictSays("“MÖBIUS II” is available")
	if eval[bool](b, isDisabled) {
		t.Error("Register is disabled for a free name")
	}

	b.retype("pet_name", strings.Repeat("x", 53))
	b.verdictSays("Please shorten it by 3")
	if !eval[bool](b, isDisabled) {
		t.Error("Register is enabled for a name that is too long")
	}
}

func TestRegisterWithoutScript(t *testing.T) {
	b := newTab(t)
	b.noScript()
	b.register("Möbius", "tomato", "cat")

	b.open("/")
	b.typeInto("pet_name", "MÖBIUS ")
	b.typeInto("pet_favorite_color", "blue")
	b.click("label[for=pet_category_dog]")
	b.click("#register_button")
	b.verdictSays("“MÖBIUS” is taken")
	if eval[bool](b, isDisabled) {
		t.Error("Register is disabled, and nothing can enable it")
	}
	b.focused("pet_name")
	kept := eval[[]string](b, `[pet_name.value, pet_favorite_color.value, document.querySelector(":checked").value]`)
	if !slices.Equal(kept, []string{"MÖBIUS ", "blue", "Dogs"}) {
		t.Errorf("the form has %q", kept)
	}
	b.typeInto("pet_name", "II")
	b.click("#register_button")
	b.until("the certificate is there", `document.querySelector(".certificate__name")?.textContent === "MÖBIUS II"`)
}

// With scripts on, a form that the server refused is as one that was typed.
func TestRefusedFormIsLive(t *testing.T) {
	b := newTab(t)
	b.register("Bella", "tomato", "cat")
	q := holdQuestions(b)
	b.open("/")
	b.typeInto("pet_name", "bella")
	b.typeInto("pet_favorite_color", "red")
	b.click("label[for=pet_category_dog]")
	call(b, fetch.FailRequest, fetch.FailRequestParams{RequestID: q.next("bella").RequestID, ErrorReason: network.ErrorReasonInternetDisconnected})
	b.verdictSays("can’t be checked right now")
	if eval[bool](b, isDisabled) {
		t.Error("Register is disabled while offline")
	}
	call(b, fetch.Disable, cdp.Empty{})
	b.click("#register_button")
	b.until("the refused name disables Register", isDisabled)
	b.verdictSays("“bella” is taken")
	b.typeInto("pet_name", " Blue")
	b.until("another name enables it", "!"+isDisabled)
}

// questions holds back what the browser asks the server, until the test lets it pass.
type questions struct {
	b     *tab
	asked chan *fetch.EventRequestPaused
}

// holdQuestions holds back the questions of pages that are opened from now on.
// (One that is open already may ask a little longer.)
func holdQuestions(b *tab) *questions {
	b.t.Helper()
	return hold(b, "*/check_pet_name*")
}

func hold(b *tab, pattern string) *questions {
	b.t.Helper()
	q := &questions{b, make(chan *fetch.EventRequestPaused, 100)}
	err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*fetch.EventRequestPaused); ok {
			q.asked <- e
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	call(b, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern}}})
	return q
}

// next waits for a question about name.
func (q *questions) next(name string) *fetch.EventRequestPaused {
	q.b.t.Helper()
	select {
	case e := <-q.asked:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Query().Get("pet_name") != name {
			q.b.t.Fatalf("asked %s, want a question about %s", e.Request.URL, name)
		}
		return e
	case <-time.After(20 * time.Second):
		q.b.t.Fatalf("nothing was asked about %s", name)
		return nil
	}
}

// pass lets a question go on. One that was cancelled meanwhile can't.
func (q *questions) pass(e *fetch.EventRequestPaused) {
	_, _ = chromedp.Call(q.b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
}

func TestVerdictWhileTyping(t *testing.T) {
	b := newTab(t)
	b.register("Bella", "tomato", "cat")
	before := b.asked("check_pet_name")
	q := holdQuestions(b)
	b.open("/")

	b.typeInto("pet_name", "Bella")
	first := q.next("Bella") // and not about B, Be, Bel …: five keys, one question
	if eval[bool](b, isDisabled) || eval[string](b, verdict) != "" {
		t.Error("there is a verdict while asking")
	}

	b.typeInto("pet_name", "x")
	second := q.next("Bellax")
	q.pass(second)
	b.verdictSays("“Bellax” is available")
	q.pass(first) // an answer about Bella, if it came at all, would be stale
	b.do(chromedp.KeyEvent("\b"))
	if v := eval[string](b, verdict); v != "" {
		t.Errorf("the verdict is still %q when the name is another", v)
	}
	third := q.next("Bella")
	if eval[bool](b, isDisabled) {
		t.Error("Register is disabled while asking")
	}
	q.pass(third)
	b.verdictSays("“Bella” is taken")
	if !eval[bool](b, isDisabled) {
		t.Error("Register is enabled for a taken name")
	}
	b.do(chromedp.KeyEvent("y"))
	if eval[bool](b, isDisabled) {
		t.Error("Register is disabled for a name that nobody asked about yet")
	}
	q.pass(q.next("Bellay"))
	b.verdictSays("“Bellay” is available")
	if n := b.asked("check_pet_name") - before; n != 4 {
		t.Errorf("the page asked %d times, want 4", n)
	}
}

// A server that errs says nothing about the name.
func TestNoVerdictWhenTheServerFails(t *testing.T) {
	b := newTab(t)
	q := holdQuestions(b)
	b.open("/")
	b.typeInto("pet_name", "Bella")
	e := q.next("Bella")
	call(b, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: e.RequestID, ResponseCode: 503})
	b.verdictSays("can’t be checked right now")
	if eval[bool](b, isDisabled) {
		t.Error("Register is disabled though nothing is known")
	}
}

func TestKeyboardAlone(t *testing.T) {
	b := newTab(t)
	b.open("/")
	tabTo := func(id string) {
		t.Helper()
		for range 20 {
			b.do(chromedp.KeyEvent(kb.Tab))
			if eval[bool](b, `document.activeElement.id === "`+id+`"`) {
				return
			}
		}
		t.Fatalf("Tab never reaches %s", id)
	}
	tabTo("pet_name")
	b.do(chromedp.KeyEvent("Bella"))
	tabTo("pet_favorite_color")
	b.do(chromedp.KeyEvent("blue"))
	tabTo("pet_category_cat")
	if outline := eval[string](b, `getComputedStyle(document.activeElement.closest("label")).outlineStyle`); outline != "solid" {
		t.Errorf("the focused choice has the outline %q", outline)
	}
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.Enter))
	b.until("the certificate is there", `document.querySelector(".certificate") !== null`)
	if text := eval[string](b, `document.querySelector(".certificate").innerText`); !strings.Contains(text, "belongs to a dog") {
		t.Errorf("the certificate says %s", text)
	}
}

func TestTheTagShowsWhatIsTyped(t *testing.T) {
	b := newTab(t)
	b.open("/")
	b.typeInto("pet_name", "Rex")
	b.typeInto("pet_favorite_color", "Dark Olive green")
	b.click("label[for=pet_category_dog]")
	got := eval[[]string](b, `[preview_name.textContent, preview.dataset.category, document.querySelector(".with-swatch circle").getAttribute("fill")]`)
	if want := []string{"Rex", "dog", "darkolivegreen"}; !slices.Equal(got, want) {
		t.Errorf("the tag shows %q, want %q", got, want)
	}
	b.until("the enamel has the colour", `getComputedStyle(document.querySelector(".tag__bone .tag__enamel")).fill === "rgb(85, 107, 47)"`)
}

// A form that was stopped on its way can be sent again.
func TestStoppedFormCanBeSentAgain(t *testing.T) {
	b := newTab(t)
	q := hold(b, "*/register_pet")
	b.open("/")
	b.typeInto("pet_name", "Bella")
	b.typeInto("pet_favorite_color", "blue")
	b.click("label[for=pet_category_cat]")
	b.verdictSays("is available")
	b.click("#register_button")
	<-q.asked
	b.do(chromedp.Stop())
	call(b, fetch.Disable, cdp.Empty{})
	b.click("#register_button")
	b.until("the certificate is there", `document.querySelector(".certificate") !== null`)
}

// A double click registers once, and shows the certificate, not a refusal.
func TestDoubleClick(t *testing.T) {
	for _, script := range []bool{true, false} {
		b := newTab(t)
		if !script {
			b.noScript()
		}
		b.open("/")
		b.typeInto("pet_name", "Bella")
		b.typeInto("pet_favorite_color", "blue")
		b.click("label[for=pet_category_cat]")
		b.do(chromedp.DoubleClick(chromedp.CSS("#register_button")))
		b.until("the certificate is there", `document.querySelector(".certificate") !== null`)
	}
}
