package public

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"stillwater"
	"stillwater/gateway/browsertest"
)

// shoot takes a screenshot, and checks that what is pressed is as large as a thumb.
func shoot(t *testing.T, b *browsertest.Tab, page string) {
	t.Helper()
	b.Shoot(page)
	const small = `[...document.querySelectorAll("button, input:not([type=hidden]), a")].filter(e => e.getClientRects().length && (e.getBoundingClientRect().height < 44 || e.getBoundingClientRect().width < 44)).map(e => e.outerHTML).join("\n")`
	if found := browsertest.Ask(b, chromedp.Evaluate[string](small)); found != "" {
		t.Errorf("%s: %s", page, found)
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
			b := browsertest.New(t, browsertest.Screen{Name: screen.name, Width: screen.width, Height: screen.height, Dark: screen.dark, NoScripts: !screen.scripts})
			b.Do(chromedp.Navigate(link), browsertest.See("#standing"))
			shoot(t, b, "open")
			b.Do(browsertest.Press("#press-1"), browsertest.See("#standing.taken"))
			shoot(t, b, "taken")
			b.Do(browsertest.Press("#press-4"), browsertest.See("#help"))
			shoot(t, b, "help")
			b.Do(browsertest.Press("#press-2seen"), browsertest.See("#standing.closed"))
			shoot(t, b, "closed")
			r, _ := w.wait()
			var said []string
			for _, r := range r {
				said = append(said, r.Text)
			}
			if strings.Join(said, ", ") != "1, 4, 2 seen" {
				t.Errorf("said %q", said)
			}
			if list := b.End(); len(list) > 0 {
				t.Errorf("the browser complains: %s", strings.Join(list, "; "))
			}
		})
	}
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
			b := browsertest.New(t, browsertest.Screen{Name: "away-" + name, Width: 360, Height: 740})
			b.Do(chromedp.Navigate(link), browsertest.See("#until"))
			b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#until").value = "2025-11-01"`), browsertest.Press("#press-3"))
			b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#until").value = "2025-11-09"`), browsertest.Press("#press-3"), browsertest.See("#standing.closed"))
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
			b := browsertest.New(t, browsertest.Screen{Name: "relay-" + strings.ReplaceAll(name, " ", "-"), Width: 360, Height: 740, NoScripts: !scripts})
			b.Do(chromedp.Navigate(w.serve(true)), browsertest.See("#press-1"))
			if got := b.Text("main"); !strings.Contains(got, "K7M3") || strings.Contains(got, "王") {
				t.Errorf("the page: %s", got)
			}
			shoot(t, b, "open")
			b.Do(browsertest.Press("#press-1"))
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
			b := browsertest.New(t, browsertest.Screen{Name: "page-" + name, Width: 360, Height: 740})
			b.Do(chromedp.Navigate(link+change(w)), browsertest.See("main"))
			shoot(t, b, "zh")
		})
	}
}
