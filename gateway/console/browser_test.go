package console

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"stillwater"
)

// shots names a folder to keep screenshots in; without it none are kept.
const shots = "STILLWATER_SHOTS"

// step is one thing done in the browser.
type step = chromedp.Action[chromedp.Void]

// tab is a browser with one page open.
type tab struct {
	t          *testing.T
	ctx        context.Context
	name       string
	complaints chan []string // what its console held, once closed
	close      context.CancelFunc
}

// newTab starts Chromium with the size of a screen.
func newTab(t *testing.T, name string, width, height int, dark bool) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("left out: needs chromium (make test installs it)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
	)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, shut := chromedp.NewContext(ctx)
	t.Cleanup(shut)
	listening, cancel := context.WithCancel(ctx)
	b := &tab{t: t, ctx: ctx, name: name, complaints: make(chan []string, 1), close: cancel}
	lines := chromedp.Console(listening)
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
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	b.do(chromedp.EmulateViewport(int64(width), int64(height)), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
	return b
}

// do does steps, each within a time that only a page that hangs exceeds.
func (b *tab) do(steps ...step) {
	b.t.Helper()
	for _, s := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		if b.complaints != nil && chromedp.FromContext(b.ctx).Target == nil {
			ctx = b.ctx // the first step starts the browser, which lives as long as its context
		}
		err := chromedp.Do(ctx, s)
		cancel()
		if err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *tab) open(url, selector string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), see(selector))
}

func see(selector string) step   { return chromedp.WaitVisible(chromedp.CSS(selector)) }
func press(selector string) step { return chromedp.Click(chromedp.CSS(selector)) }

// shoot takes a screenshot of the whole page, if they are asked for, and checks that nothing sticks out at the side.
func (b *tab) shoot(page string) {
	b.t.Helper()
	over, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
	if err != nil {
		b.t.Fatal(err)
	}
	if over {
		b.t.Errorf("%s: the page is wider than the screen", page)
	}
	folder := os.Getenv(shots)
	if folder == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, b.name+"-"+page+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// end closes the tab and gives what its console complained of.
func (b *tab) end() []string {
	b.close()
	return <-b.complaints
}

// serve runs a console on a free port.
func serve(t *testing.T, w *town) string {
	t.Helper()
	c := newConsole(t, w)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	<-c.Ready()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + c.Addr()
}

// TestBrowser takes an incident from open to closed as a person would, on a phone and on a desktop screen, in both languages.
func TestBrowser(t *testing.T) {
	texts := newWords(t)
	for _, screen := range []struct {
		name, lang    string
		width, height int
		dark          bool
	}{
		{"phone-zh", "zh-CN", 360, 740, false},
		{"desktop-zh", "zh-CN", 1440, 900, false},
		{"phone-en", "en", 360, 740, true},
		{"desktop-en", "en", 1440, 900, true},
	} {
		t.Run(screen.name, func(t *testing.T) {
			w := newTown(t)
			address := serve(t, w)
			b := newTab(t, screen.name, screen.width, screen.height, screen.dark)
			b.open(address+"/?lang="+screen.lang, "#card-i1")
			b.shoot("index")
			b.open(address+"/homes/h1", "#chart")
			b.shoot("home")
			b.open(address+"/homes/h3", "#chart")
			b.shoot("home-blind")
			b.open(address+"/phones", ".phone")
			b.shoot("phones")
			b.open(address+"/maintenance", "#work .device")
			b.shoot("maintenance")
			b.open(address+"/", "#card-i1")
			b.do(press("#card-i1"), see("#acknowledge"))
			b.shoot("incident")
			b.do(press("#acknowledge"), see("#turn .turnbar:not(.waiting)"))
			if got, want := b.text("#turn"), texts.T(screen.lang, "desk", nil); !strings.Contains(got, want) {
				t.Errorf("who has taken it on: got %q, want %q in it", got, want)
			}
			b.do(see("#close"))
			b.shoot("incident-closing")
			b.do(press("input[value=helped]"), press("input[value=seen]"), chromedp.SendKeys(chromedp.CSS("textarea"), "敲门后开了，人没事"))
			b.do(press("#close"), see(".turnbar.done"))
			if got, want := b.text("#turn"), texts.Word(screen.lang, "outcome", "helped"); !strings.Contains(got, want) {
				t.Errorf("outcome: got %q, want %q in it", got, want)
			}
			b.shoot("incident-closed")
			inc, _, _ := w.Incident(t.Context(), "i1")
			if inc.Outcome != stillwater.Helped || inc.Known != stillwater.Seen {
				t.Errorf("got outcome %q known %q", inc.Outcome, inc.Known)
			}
			if list := b.end(); len(list) > 0 {
				t.Errorf("the browser complains: %s", strings.Join(list, "; "))
			}
		})
	}
}

// TestLive: a page shows what happens without being loaded anew, keeps what somebody is typing, and says so when the gateway is gone.
func TestLive(t *testing.T) {
	w := newTown(t)
	c := newConsole(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	<-c.Ready()
	b := newTab(t, "live", 1440, 900, false)
	defer b.end()
	b.open("http://"+c.Addr()+"/phones?lang=en", ".phone")
	worker := "#" + phoneID("+8613900139000")
	b.do(chromedp.SendKeys(chromedp.CSS(worker+"-text"), "half a wo"), chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	w.mu.Lock()
	w.texts = append(w.texts, Text{Phone: "+8613900139000", Body: "fresh-from-the-gateway", At: w.now})
	w.mu.Unlock()
	b.do(chromedp.Poll[chromedp.Void](`document.body.innerText.includes("fresh-from-the-gateway")`))
	typed, err := chromedp.Run(b.ctx, chromedp.Value(chromedp.CSS(worker+"-text")))
	if err != nil || typed != "half a wo" {
		t.Errorf("typed text: got %q, %v", typed, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.do(see("#lost"))
	b.shoot("lost")
}

// TestWithoutScript: everything can be done without JavaScript.
func TestWithoutScript(t *testing.T) {
	w := newTown(t)
	address := serve(t, w)
	b := newTab(t, "plain", 360, 740, false)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.open(address+"/incidents/i1?lang=en", "#acknowledge")
	b.do(press("#acknowledge"), see("#turn .turnbar:not(.waiting)"), press("input[value=away]"), press("input[value=spoken]"), press("#close"), see(".turnbar.done"))
	if inc, _, _ := w.Incident(t.Context(), "i1"); inc.Outcome != stillwater.AwayFrom {
		t.Errorf("got outcome %q", inc.Outcome)
	}
	b.open(address+"/phones", ".phone")
	worker := "#" + phoneID("+8613900139000")
	b.do(press(worker+"-2"), see(worker+":target")) // the page that comes after
	if texts := w.Texts(0); texts[len(texts)-1].Body != "2" {
		t.Errorf("the last text is %+v", texts[len(texts)-1])
	}
	b.do(press("#speed-600"), see("#speed-600[aria-pressed=true]"))
	if w.Speed() != 600 {
		t.Errorf("speed %v", w.Speed())
	}
	b.end()
}
