// Package browsertest is for tests: pages in a real browser, headless Chromium, as a person would use them. What a page's console complains of is kept,
// and a page that is wider than the screen fails the test. Where there is no Chromium the test is left out, and says so.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// shots names a folder to keep screenshots in; without it none are kept.
const shots = "STILLWATER_SHOTS"

// patience is what only a page that hangs exceeds.
const patience = 30 * time.Second

// A Step is one thing done in the browser.
type Step = chromedp.Action[chromedp.Void]

// A Screen is what a page is looked at by.
type Screen struct {
	Name          string // of its screenshots
	Width, Height int
	Dark          bool
	NoScripts     bool // JavaScript is switched off
}

// A Tab is a browser with one page open.
type Tab struct {
	t          *testing.T
	ctx        context.Context
	name       string
	complaints chan []string // what its console held, once closed
	close      context.CancelFunc
}

// New starts Chromium with a screen, until the test ends.
func New(t *testing.T, s Screen) *Tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("left out: needs chromium (make test installs it)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(s.Width, s.Height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	listening, cancel := context.WithCancel(ctx)
	b := &Tab{t: t, ctx: ctx, name: s.Name, complaints: make(chan []string, 1), close: cancel}
	lines := chromedp.Console(listening) // listens from here on, before the browser starts
	go func() {
		var list []string
		for line, err := range lines {
			if err != nil {
				break
			}
			if line.IsException() || line.Type == chromedp.ConsoleError || line.Type == chromedp.ConsoleWarning {
				list = append(list, line.String()+" "+line.URL)
			}
		}
		b.complaints <- list
	}()
	b.Do(chromedp.EmulateViewport(int64(s.Width), int64(s.Height)), chromedp.Func(s.apply))
	return b
}

func (s Screen) apply(ctx context.Context, target *chromedp.Target) error {
	scheme := map[bool]string{false: "light", true: "dark"}[s.Dark]
	_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err == nil && s.NoScripts {
		_, err = cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	}
	return err
}

// Do does steps, one after the other.
func (b *Tab) Do(steps ...Step) {
	b.t.Helper()
	for _, s := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, patience)
		if chromedp.FromContext(b.ctx).Target == nil {
			ctx = b.ctx // the first step starts the browser, which lives as long as its context
		}
		err := chromedp.Do(ctx, s)
		cancel()
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

// Open goes to an address and waits until what is selected is seen.
func (b *Tab) Open(url, selector string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url), See(selector))
}

// See waits until what is selected is seen.
func See(selector string) Step { return chromedp.WaitVisible(chromedp.CSS(selector)) }

// Press clicks on it.
func Press(selector string) Step { return chromedp.Click(chromedp.CSS(selector)) }

// Text is what stands in it.
func (b *Tab) Text(selector string) string {
	b.t.Helper()
	return Ask(b, chromedp.Text(chromedp.CSS(selector)))
}

// Ask does what has an answer, and gives it.
func Ask[T any](b *Tab, a chromedp.Action[T]) T {
	b.t.Helper()
	answer, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer
}

// Shoot takes a screenshot of the whole page, if they are asked for, and checks that nothing sticks out at the side.
func (b *Tab) Shoot(page string) {
	b.t.Helper()
	if Ask(b, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`)) {
		b.t.Errorf("%s: the page is wider than the screen", page)
	}
	folder := os.Getenv(shots)
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, b.name+"-"+page+".png"), Ask(b, chromedp.FullScreenshot(100)), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// End closes the page and gives what its console complained of.
func (b *Tab) End() []string {
	b.close()
	return <-b.complaints
}
