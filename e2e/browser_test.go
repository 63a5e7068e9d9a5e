// Package e2e tests Nametag on the real thing: the program in a process of its own, in a browser as people use it.
package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"nametag/internal/cli"
	"nametag/internal/programtest"
)

var update = flag.Bool("update", false, "rewrite the pictures of the documentation")

// browser is the context of the Chromium that all tests share. It is nil without Chromium and with -short.
var browser context.Context

func TestMain(m *testing.M) {
	programtest.Main(func() int { return run(m) }, func() int {
		return cli.Main(cli.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv})
	})
}

func run(m *testing.M) int {
	flag.Parse()
	path, err := exec.LookPath("chromium")
	if err == nil && !testing.Short() {
		options := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path),
			chromedp.NoSandbox, // tests may run as root, and only open our own pages
			chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true),
			chromedp.Flag("disable-component-update", true),
			chromedp.Flag("force-color-profile", "srgb"),
			chromedp.Flag("lang", "en-GB"),
		)
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		defer stop()
		ctx, quit := chromedp.NewContext(allocator)
		defer quit()
		if err := chromedp.Do(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "starting Chromium:", err)
			return 1
		}
		browser = ctx
	}
	return m.Run()
}

// A tab is a browser tab. A script error, a violated policy or a request to another host fails the test.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site string // the address of the server, without a path
	file string // the database

	mu       sync.Mutex
	requests []string
}

// newTab opens a tab on a new server with these flags.
func newTab(t *testing.T, flags ...string) *tab {
	t.Helper()
	if browser == nil {
		why := "browser tests left out: no chromium found; install chromium"
		if testing.Short() {
			why = "browser tests left out: -short starts no browser"
		}
		if strings.Contains(","+os.Getenv("NAMETAG_TEST_REQUIRE")+",", ",browser,") {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	file := filepath.Join(t.TempDir(), "nametag.db")
	server := programtest.Serve(t, map[string]string{"NAMETAG_DATABASE": file}, flags...)
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, site: server.URL, file: file}
	if err := chromedp.Listen(ctx, b.watch); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	b.size(1280, 900)
	return b
}

func (b *tab) watch(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.t.Errorf("a script failed: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *log.EventEntryAdded:
		// The browser logs a 4xx, which a refused form gets, as an error. It is not a defect of the page.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork || e.Entry.Source == log.EntrySourceSecurity {
			b.t.Errorf("the browser logged an error: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		b.mu.Lock()
		b.requests = append(b.requests, e.Request.URL)
		b.mu.Unlock()
		if u, err := url.Parse(e.Request.URL); err != nil || "http://"+u.Host != b.site {
			b.t.Errorf("a request to another host: %s", e.Request.URL)
		}
	}
}

// registrar runs a registrar's command while the server runs.
func (b *tab) registrar(args ...string) {
	b.t.Helper()
	cmd := programtest.Command(append(args, "--database="+b.file, "--as=Sam", "--reason=As <b>agreed</b> with its owner.")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("nametag %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// asked counts the requests to addresses that contain part.
func (b *tab) asked(part string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.requests {
		if strings.Contains(r, part) {
			n++
		}
	}
	return n
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// get runs an action and returns its result.
func get[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// call sends a command of the DevTools protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// open opens a page of the site and waits until it and its scripts are loaded.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.site + path))
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

func (b *tab) colors(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// farAway adds a tenth of a second to every answer and disables the cache.
func (b *tab) farAway() {
	b.t.Helper()
	call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Latency: 100, DownloadThroughput: -1, UploadThroughput: -1}}})
}

// noScript disables scripts.
func (b *tab) noScript() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// eval returns the value of a JavaScript expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for a JavaScript expression to become true on a completely loaded page. The browser may follow redirects
// and links meanwhile.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	const poll, patience = 20 * time.Millisecond, 20 * time.Second
	var err error
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(poll) {
		var ok bool
		if ok, err = chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && (`+expression+`)`)); ok && err == nil {
			return
		}
	}
	b.t.Fatalf("timed out waiting until %s (%v); the page says:\n%s", what, err, eval[string](b, `document.body.innerText`))
}

// focused waits until an input has the focus. The browser applies autofocus when it draws the page, which may be after
// the content can be read.
func (b *tab) focused(id string) {
	b.t.Helper()
	b.until("the focus is on "+id, `document.activeElement.id === "`+id+`"`)
}

// typeInto types at the end of an input. chromedp.SendKeys would read the input's attributes while others write them.
func (b *tab) typeInto(id, text string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.ID(id)), chromedp.KeyEvent(kb.End+text))
}

// retype replaces the text of an input as a person would.
func (b *tab) retype(id, text string) {
	b.t.Helper()
	b.do(chromedp.Focus(chromedp.ID(id)), chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`), chromedp.KeyEvent("\b"))
	b.typeInto(id, text)
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// register registers a pet through the page.
func (b *tab) register(name, color, category string) {
	b.t.Helper()
	b.open("/")
	b.typeInto("pet_name", name)
	b.typeInto("pet_favorite_color", color)
	b.click("label[for=pet_category_" + category + "]")
	b.click("#register_button")
	b.until("the certificate is there", `document.querySelector(".certificate") !== null`)
}

const (
	verdict    = `document.getElementById("pet_name_verdict").textContent`
	isDisabled = `document.getElementById("register_button").disabled`
)

// verdictSays waits for the verdict to contain text.
func (b *tab) verdictSays(text string) {
	b.t.Helper()
	b.until("the verdict says "+text, fmt.Sprintf(`%s.includes(%s)`, verdict, quote(text)))
}

func quote(s string) string {
	q, _ := json.Marshal(s) // a string can always be encoded
	return string(q)
}
