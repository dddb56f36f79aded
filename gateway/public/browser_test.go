package public

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
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

// tab is a browser with one page open.
type tab struct {
	t          *testing.T
	ctx        context.Context
	name       string
	complaints chan []string // what its console held, once closed
	close      context.CancelFunc
}

type step = chromedp.Action[chromedp.Void]

// newTab starts Chromium with the size of a screen.
func newTab(t *testing.T, name string, width, height int, dark, scripts bool) *tab {
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
		if err == nil && !scripts {
			_, err = cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		}
		return err
	}))
	return b
}

// do does steps, each within a time that only a page that hangs exceeds.
func (b *tab) do(steps ...step) {
	b.t.Helper()
	for _, s := range steps {
		ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
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

func see(selector string) step   { return chromedp.WaitVisible(chromedp.CSS(selector)) }
func press(selector string) step { return chromedp.Click(chromedp.CSS(selector)) }

func (b *tab) text(selector string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// shoot takes a screenshot of the whole page, if they are asked for, and checks that nothing sticks out at the side and that what is
// pressed is as large as a thumb.
func (b *tab) shoot(page string) {
	b.t.Helper()
	const faults = `[...document.querySelectorAll("button, input:not([type=hidden]), a")].filter(e => e.getClientRects().length && (e.getBoundingClientRect().height < 44 || e.getBoundingClientRect().width < 44)).map(e => e.outerHTML).join("\n")
		+ (document.documentElement.scrollWidth > document.documentElement.clientWidth ? "wider than the screen" : "")`
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](faults))
	if err != nil || found != "" {
		b.t.Errorf("%s: %v %s", page, err, found)
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

// serve answers on a free port as the public server or, relayed, as a relay would hand it on below a folder.
func (w *town) serve(relayed bool) string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	w.config.PublicURL = base
	if relayed {
		w.config.PublicURL, w.config.Relay = "", &RelayConfig{URL: base, ID: "k7"}
	}
	s := w.server()
	h := s.Handler()
	if relayed {
		h = http.StripPrefix("/k7", s.Relayed())
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	server.Start()
	w.t.Cleanup(server.Close)
	return s.Config.Base() + "/m/" + w.code
}

// TestBrowser answers as a person would, on a phone and on a desktop screen, in both languages, with and without scripts, directly and
// through a relay.
func TestBrowser(t *testing.T) {
	for _, screen := range []struct {
		name, lang, contact string
		width, height       int
		dark, scripts, via  bool
	}{
		{"phone-zh", "zh-CN", "daughter", 360, 740, false, false, false},
		{"desktop-zh", "zh-CN", "daughter", 1440, 900, true, true, false},
		{"phone-en-dark", "en", "daughter", 360, 740, true, true, false},
		{"desktop-en", "en", "daughter", 1440, 900, false, false, false},
		{"phone-zh-dark-relay", "zh-CN", "daughter", 360, 740, true, true, true},
		{"phone-en-relay", "en", "daughter", 360, 740, false, true, true},
	} {
		t.Run(screen.name, func(t *testing.T) {
			w := newTown(t)
			w.home.Contacts[0].Language = screen.lang
			link := w.serve(screen.via)
			if screen.via {
				link += "#" + w.key()
			}
			b := newTab(t, screen.name, screen.width, screen.height, screen.dark, screen.scripts)
			b.do(chromedp.Navigate(link), see("#standing"))
			b.shoot("open")
			b.do(press("#press-1"), see("#standing.taken"))
			b.shoot("taken")
			b.do(press("#press-4"), see("#help"))
			b.shoot("help")
			b.do(press("#press-2seen"), see("#standing.closed"))
			b.shoot("closed")
			r, _ := w.wait()
			var said []string
			for _, r := range r {
				said = append(said, r.Text)
			}
			if strings.Join(said, ", ") != "1, 4, 2 seen" {
				t.Errorf("said %q", said)
			}
			if list := <-b.end(); len(list) > 0 {
				t.Errorf("the browser complains: %s", strings.Join(list, "; "))
			}
		})
	}
}

// end closes the tab and gives what its console complained of.
func (b *tab) end() chan []string {
	b.close()
	return b.complaints
}

// TestBrowserAway gives a day, directly and sealed; the browser itself refuses one that is over.
func TestBrowserAway(t *testing.T) {
	for name, via := range map[string]bool{"direct": false, "relay": true} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			link := w.serve(via)
			if via {
				link += "#" + w.key()
			}
			b := newTab(t, "away-"+name, 360, 740, false, true)
			b.do(chromedp.Navigate(link), see("#until"))
			b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#until").value = "2025-11-01"`), press("#press-3"))
			b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#until").value = "2025-11-09"`), press("#press-3"), see("#standing.closed"))
			if r, _ := w.wait(); len(r) != 1 || r[0].Text != "3 until 2025-11-09" {
				t.Errorf("replies %+v", r)
			}
		})
	}
}

// TestBrowserWithoutKey: through a relay, without a script or without the key, the page shows the code of the text and its buttons work.
func TestBrowserWithoutKey(t *testing.T) {
	for name, scripts := range map[string]bool{"no script": false, "no key": true} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			b := newTab(t, "relay-"+strings.ReplaceAll(name, " ", "-"), 360, 740, false, scripts)
			b.do(chromedp.Navigate(w.serve(true)), see("#press-1"))
			if got := b.text("main"); !strings.Contains(got, "K7M3") || strings.Contains(got, "王") {
				t.Errorf("the page: %s", got)
			}
			b.shoot("open")
			b.do(press("#press-1"))
			select {
			case r := <-w.pressed:
				if r.Text != "1" {
					t.Errorf("reply %+v", r)
				}
			case <-time.After(20 * time.Second):
				t.Error("nothing was pressed")
			}
		})
	}
}

// TestPages shoots those that the others do not come to.
func TestPages(t *testing.T) {
	for name, change := range map[string]func(*town) (path string){
		"urgent": func(w *town) string {
			w.inc.Severity, w.home.Contacts[0].Remote = stillwater.Urgent, true
			w.inc.State, w.inc.Holder = stillwater.Acknowledged, "li"
			w.inc.Log = append(w.inc.Log, stillwater.Event{At: w.now, What: "acknowledged", Who: "li"})
			return ""
		},
		"hers": func(w *town) string { w.message.Contact = "her"; return "" },
		"gone": func(*town) string { return "x" },
		"old":  func(w *town) string { w.now = w.now.Add(80 * time.Hour); return "" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			link := w.serve(false)
			b := newTab(t, "page-"+name, 360, 740, false, true)
			b.do(chromedp.Navigate(link+change(w)), see("main"))
			b.shoot("zh")
		})
	}
}
