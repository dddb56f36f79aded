package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the journal is read as it lies on disk
)

// A gateway is the command run as a process, with a home for each meter.
type gateway struct {
	binary, folder, console string
	cmd                     *exec.Cmd
	log                     *os.File
	store                   *sql.DB // its journal, read only; nil: not asked yet
}

func newGateway(binary, folder, brokerAddress string, meters int) (*gateway, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gateway{binary: binary, folder: folder, console: l.Addr().String()}
	if err := l.Close(); err != nil {
		return nil, err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "store: {path: %s}\nconsole: {listen: %q}\nsms: {phones: true}\nmqtt:\n  - {name: radio, url: \"tcp://%s\", formats: [{format: wmbusmeters}]}\n",
		filepath.Join(folder, "stillwater.db"), g.console, brokerAddress)
	text.WriteString("contacts: [{id: c, name: 李娜, role: family, phone: \"+8613800138000\"}]\nhouseholds:\n")
	for m := range meters {
		fmt.Fprintf(&text, "  - {id: h%05d, name: 王秀英, consent: {given: \"2020-03-01\"}, family: [c], devices: [{id: meter, kind: meter, source: radio/%s, every: 1h}]}\n", m, meterID(m))
	}
	if err := os.WriteFile(filepath.Join(folder, "stillwater.yaml"), []byte(text.String()), 0o600); err != nil {
		return nil, err
	}
	g.log, err = os.OpenFile(filepath.Join(folder, "gateway.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return g, err
}

// collector is how the gateway's memory is kept: it is given more before it is tidied, a third of the time of a message otherwise, and
// tidied as before once it has half a gigabyte.
var collector = []string{"GOGC=400", "GOMEMLIMIT=512MiB"}

// meterID is the number on a meter's label.
func meterID(m int) string { return fmt.Sprintf("%08d", 20000000+m) }

// start runs it and waits until it has subscribed.
func (g *gateway) start() error {
	g.cmd = exec.Command(g.binary, "run", "--config", filepath.Join(g.folder, "stillwater.yaml"))
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.cmd.Env = append(os.Environ(), collector...)
	before := g.said("feed=radio")
	if err := g.cmd.Start(); err != nil {
		return err
	}
	for range 6000 {
		if g.said("feed=radio") > before {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the gateway did not connect within a minute; see %s", g.log.Name())
}

// said is how often its log holds a text.
func (g *gateway) said(text string) int {
	log, err := os.ReadFile(g.log.Name())
	if err != nil {
		return 0
	}
	return strings.Count(string(log), "broker connected\" "+text)
}

func (g *gateway) kill() {
	if g.cmd == nil || g.cmd.ProcessState != nil {
		return
	}
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait() // killed: that is its error
}

func (g *gateway) stop() error {
	if err := g.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return g.cmd.Wait()
}

// committed is how many entries the journal has.
func (g *gateway) committed() int64 {
	var n int64
	_ = g.ask(`SELECT value FROM counter WHERE name = 'journal'`, &n) // none yet: it is asked again
	return n
}

// journal counts the readings of meters on disk, and how many different moments of meters they are.
func (g *gateway) journal() (all, different int64, err error) {
	err = g.ask(`SELECT count(*), count(DISTINCT point * 10000000000 + at / 1000000) FROM journal WHERE point IS NOT NULL`, &all, &different)
	return all, different, err
}

// ask reads one row of the store, as it lies on disk.
func (g *gateway) ask(query string, into ...any) error {
	if g.store == nil {
		store, err := sql.Open("sqlite", "file:"+filepath.Join(g.folder, "stillwater.db")+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			return err
		}
		store.SetMaxOpenConns(1)
		g.store = store
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return g.store.QueryRowContext(ctx, query).Scan(into...)
}
