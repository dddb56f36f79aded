package console

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"stillwater"
	"stillwater/gateway/browsertest"
)

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
			b := browsertest.New(t, browsertest.Screen{Name: screen.name, Width: screen.width, Height: screen.height, Dark: screen.dark})
			b.Open(address+"/?lang="+screen.lang, "#card-i1")
			b.Shoot("index")
			b.Open(address+"/homes/h1", "#chart")
			b.Shoot("home")
			b.Open(address+"/homes/h3", "#chart")
			b.Shoot("home-blind")
			b.Open(address+"/phones", ".phone")
			b.Shoot("phones")
			b.Open(address+"/maintenance", "#work .device")
			b.Shoot("maintenance")
			b.Open(address+"/", "#card-i1")
			b.Do(browsertest.Press("#card-i1"), browsertest.See("#acknowledge"))
			b.Shoot("incident")
			b.Do(browsertest.Press("#acknowledge"), browsertest.See("#turn .turnbar:not(.waiting)"))
			if got, want := b.Text("#turn"), texts.T(screen.lang, "desk", nil); !strings.Contains(got, want) {
				t.Errorf("who has taken it on: got %q, want %q in it", got, want)
			}
			b.Do(browsertest.See("#close"))
			b.Shoot("incident-closing")
			b.Do(browsertest.Press("input[value=helped]"), browsertest.Press("input[value=seen]"), chromedp.SendKeys(chromedp.CSS("textarea"), "敲门后开了，人没事"))
			b.Do(browsertest.Press("#close"), browsertest.See(".turnbar.done"))
			if got, want := b.Text("#turn"), texts.Word(screen.lang, "outcome", "helped"); !strings.Contains(got, want) {
				t.Errorf("outcome: got %q, want %q in it", got, want)
			}
			b.Shoot("incident-closed")
			inc, _, _ := w.Incident(t.Context(), "i1")
			if inc.Outcome != stillwater.Helped || inc.Known != stillwater.Seen {
				t.Errorf("got outcome %q known %q", inc.Outcome, inc.Known)
			}
			if list := b.End(); len(list) > 0 {
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
	b := browsertest.New(t, browsertest.Screen{Name: "live", Width: 1440, Height: 900})
	defer b.End()
	b.Open("http://"+c.Addr()+"/phones?lang=en", ".phone")
	worker := "#" + phoneID("+8613900139000")
	b.Do(chromedp.SendKeys(chromedp.CSS(worker+"-text"), "half a wo"), chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	w.mu.Lock()
	w.texts = append(w.texts, Text{Phone: "+8613900139000", Body: "fresh-from-the-gateway", At: w.now})
	w.mu.Unlock()
	b.Do(chromedp.Poll[chromedp.Void](`document.body.innerText.includes("fresh-from-the-gateway")`))
	if typed := browsertest.Ask(b, chromedp.Value(chromedp.CSS(worker+"-text"))); typed != "half a wo" {
		t.Errorf("typed text: got %q", typed)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.Do(browsertest.See("#lost"))
	b.Shoot("lost")
}

// TestWithoutScript: everything can be done without JavaScript.
func TestWithoutScript(t *testing.T) {
	w := newTown(t)
	address := serve(t, w)
	b := browsertest.New(t, browsertest.Screen{Name: "plain", Width: 360, Height: 740, NoScripts: true})
	b.Open(address+"/incidents/i1?lang=en", "#acknowledge")
	b.Do(browsertest.Press("#acknowledge"), browsertest.See("#turn .turnbar:not(.waiting)"), browsertest.Press("input[value=away]"), browsertest.Press("input[value=spoken]"), browsertest.Press("#close"), browsertest.See(".turnbar.done"))
	if inc, _, _ := w.Incident(t.Context(), "i1"); inc.Outcome != stillwater.AwayFrom {
		t.Errorf("got outcome %q", inc.Outcome)
	}
	b.Open(address+"/phones", ".phone")
	worker := "#" + phoneID("+8613900139000")
	b.Do(browsertest.Press(worker+"-2"), browsertest.See(worker+":target")) // the page that comes after
	if texts := w.Texts(0); texts[len(texts)-1].Body != "2" {
		t.Errorf("the last text is %+v", texts[len(texts)-1])
	}
	b.Do(browsertest.Press("#speed-600"), browsertest.See("#speed-600[aria-pressed=true]"))
	if w.Speed() != 600 {
		t.Errorf("speed %v", w.Speed())
	}
	b.End()
}
