package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browse registers a pet as a person does, in a browser that trusts Pebble.
func (d *deployed) browse(t *testing.T) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("install chromium: ", err)
	}
	pin := sha256.Sum256(d.pebble.intermediate.RawSubjectPublicKeyInfo)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // tests may run as root, and only open our own pages
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("lang", "en-GB"),
		chromedp.Flag("host-resolver-rules", "MAP "+domain+" "+d.ip),
		// Without it, Chromium would take any certificate or none of Pebble's.
		chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(pin[:])),
	)
	allocator, stop := chromedp.NewExecAllocator(lab.ctx, options...)
	defer stop()
	ctx, quit := chromedp.NewContext(allocator)
	defer quit()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()

	pet := unique("Möbius")
	err = chromedp.Do(ctx,
		chromedp.Navigate("https://"+domain+"/"),
		chromedp.SendKeys(chromedp.ID("pet_name"), pet),
		chromedp.SendKeys(chromedp.ID("pet_favorite_color"), "tomato"),
		chromedp.Click(chromedp.CSS("label[for=pet_category_cat]")),
		chromedp.Click(chromedp.CSS("[type=submit]")),
	)
	if err != nil {
		t.Fatal(err)
	}
	err = poll(ctx, 30*time.Second, "the browser shows the certificate", func() error {
		const shown = `document.querySelector(".certificate__name")?.textContent ?? ""`
		name, err := chromedp.Run(ctx, chromedp.Evaluate[string](shown))
		if err == nil && name != pet {
			var text string
			text, err = chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
			if err == nil {
				err = errors.New(text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	secure, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.isSecureContext && location.protocol === "https:"`))
	if err != nil || !secure {
		t.Errorf("the browser does not call the page secure (%v)", err)
	}
	d.site.mustHave(t, pet, "registering it in the browser")
}
