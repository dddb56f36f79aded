package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
	"stillwater/adapters/sqlite"
)

// fillIn writes a file of testdata with what the test knows in place of ${.…}.
func fillIn(t *testing.T, file, path string, values map[string]any) {
	t.Helper()
	page, err := template.New(file).Delims("${", "}").ParseFiles(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Execute(out, values); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// office writes the tables of two homes, the first one's consent withdrawn then ("": it holds).
func office(t *testing.T, withdrawn string) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"households.csv": "household,name,consent_given,consent_withdrawn,workers\nh1,王秀英,2020-03-01," + withdrawn + ",chen\nh2,李大山,2020-03-01,,chen\n",
		"devices.csv":    "household,device,kind,source,every\nh1,m1,meter,lobby/pulse/h1/water,1m\nh2,m2,meter,lobby/pulse/h2/water,1m\n",
		"contacts.csv":   "contact,name,role,phone\nchen,陈强,worker,13900139000\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestImportWhileRunning takes homes in while the gateway runs: before, nothing of them is kept; then they are watched within
// seconds; and when one withdraws, at once nothing of it is kept any more.
func TestImportWhileRunning(t *testing.T) {
	t.Parallel()
	folder, console, address := t.TempDir(), freeAddress(t), freeAddress(t)
	config := filepath.Join(folder, "stillwater.yaml")
	fillIn(t, "import.yaml", config, map[string]any{"Folder": folder, "Console": console, "Broker": address})
	p, b := startProcess(t, nil, "run", "--config", config), newBrowser(t, console)
	until(t, patient, "the console answers", b.answers)
	pulses(t, address)
	until(t, patient, "readings of nobody's devices", func() bool { return b.readings("unknown-device") > 5 })
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(folder, "stillwater.db")}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := len(of(t, db, "h1")) + len(of(t, db, "h2")); n > 0 {
		t.Errorf("%d readings of homes that nobody knew are in the journal", n)
	}

	imported := importing(t, config, office(t, ""))
	until(t, patient, "both homes are watched", func() bool { return len(b.homes()) == 2 && len(of(t, db, "h1")) > 3 && len(of(t, db, "h2")) > 3 })
	t.Logf("the first reading was kept %v after the import", of(t, db, "h1")[0].Received.Sub(imported).Round(time.Millisecond))

	withdrawn := importing(t, config, office(t, "2020-04-01"))
	until(t, patient, "readings are refused for want of consent", func() bool { return b.readings("no-consent") > 5 })
	kept := of(t, db, "h1")
	t.Logf("the last reading was kept %v after the import that withdrew consent", kept[len(kept)-1].Received.Sub(withdrawn).Round(time.Millisecond))
	if late := kept[len(kept)-1].Received.Sub(withdrawn); late > 10*time.Second {
		t.Errorf("recorded for %v after consent was withdrawn", late)
	}
	refused, other := b.readings("no-consent"), len(of(t, db, "h2"))
	until(t, patient, "the other home is recorded on", func() bool { return b.readings("no-consent") > refused+10 && len(of(t, db, "h2")) > other+10 })
	if now := of(t, db, "h1"); len(now) != len(kept) {
		t.Errorf("%d readings were kept, and %d more after consent was withdrawn", len(kept), len(now)-len(kept))
	}
	if homes := b.homes(); len(homes) != 1 {
		t.Errorf("the homes watched are %v; want h2 alone", homes)
	}
	p.stop(syscall.SIGTERM)
}

// importing imports the tables of a folder beside the running gateway, and gives when that was.
func importing(t *testing.T, config, folder string) time.Time {
	t.Helper()
	p := startProcess(t, nil, "import", "--config", config, folder)
	if code := p.end(patient); code != 0 || !strings.Contains(p.stdout.String(), "2 households imported") {
		t.Fatalf("import: exit code %d, %s%s", code, p.stdout, p.stderr)
	}
	return time.Now()
}

// of is what the journal has of a household.
func of(t *testing.T, db *sqlite.DB, home stillwater.HouseholdID) (kept []stillwater.Reading) {
	t.Helper()
	err := db.Entries(t.Context(), 0, func(e stillwater.Entry) error {
		if e.Reading != nil && e.Reading.Household == home {
			kept = append(kept, *e.Reading)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// pulses lets two pulse meters report ten times a second for as long as the test.
func pulses(t *testing.T, broker string) {
	t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + broker).SetClientID("pulses").SetAutoReconnect(false))
	if token := c.Connect(); !token.WaitTimeout(patient) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 1000; wait(ctx, 100*time.Millisecond); n++ {
			for _, home := range []string{"h1", "h2"} {
				c.Publish("pulse/"+home+"/water", 1, false, fmt.Sprintf(`{"total":%d}`, n))
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended; c.Disconnect(100) })
}
