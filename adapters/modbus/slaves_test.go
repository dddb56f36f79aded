package modbus

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"stillwater/adapters/bus"
)

// layout is the slaves' holding registers: 20 registers for each order, with these in them.
var layout = []struct {
	at   int
	kind string
	want float64
}{
	{0, "uint16", 12345}, {1, "int16", -1234}, {2, "uint32", 0xCAFEBABE}, {4, "int32", -123456789}, {6, "float32", 98765.4375},
	{8, "uint64", 0x0102030405060708}, {12, "int64", -1234567890123456789}, {16, "float64", 12345678.901234},
}

// A peer is a Modbus server by other hands, as a process of its own.
type peerProcess struct {
	name string
	rtu  bool
	args func(t *testing.T, where string) []string // nil: it is not there, and the test has said so
}

// peers are the servers that every encoding is read from.
var peers = []peerProcess{
	{"pymodbus", false, func(t *testing.T, port string) []string {
		return []string{python(t), "testdata/slave.py", "values", "tcp", port}
	}},
	{"pymodbus", true, func(t *testing.T, device string) []string {
		return []string{python(t), "testdata/slave.py", "values", "rtu", device}
	}},
	{"libmodbus", false, func(t *testing.T, port string) []string { return []string{libmodbus(t), "tcp", port} }},
	{"libmodbus", true, func(t *testing.T, device string) []string { return []string{libmodbus(t), "rtu", device} }},
	{"modbus-serial", false, func(t *testing.T, port string) []string {
		module := os.Getenv("STILLWATER_MODBUS_SERIAL")
		_, noNode := exec.LookPath("node")
		if _, err := os.Stat(module); module == "" || err != nil || noNode != nil {
			t.Skip("left out: needs STILLWATER_MODBUS_SERIAL, the folder of npm's modbus-serial (make test installs it where there is Node.js)")
		}
		return []string{"node", "testdata/slave.js", module, port}
	}},
}

func (p peerProcess) String() string {
	if p.rtu {
		return p.name + " RTU"
	}
	return p.name + " TCP"
}

// python finds one that has pymodbus.
func python(t *testing.T) string {
	for _, candidate := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(candidate, "-c", "import pymodbus.server").Run() == nil {
			return candidate
		}
	}
	t.Skip("left out: needs python3-pymodbus (make test installs it)")
	return ""
}

// libmodbus compiles the slave.
func libmodbus(t *testing.T) string {
	_, noCompiler := exec.LookPath("cc")
	if _, err := os.Stat("/usr/include/modbus/modbus.h"); err != nil || noCompiler != nil {
		t.Skip("left out: needs gcc and libmodbus-dev (make test installs them)")
	}
	binary := filepath.Join(t.TempDir(), "slave")
	if out, err := exec.Command("cc", "-O1", "-I/usr/include/modbus", "-o", binary, "testdata/slave.c", "-lmodbus").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// launch runs the peer.
func (p peerProcess) launch(t *testing.T, theirs string) *exec.Cmd {
	args := p.args(t, theirs)
	cmd := exec.Command(args[0], args[1:]...)
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

// start runs the peer and waits until it answers where l leads.
func (p peerProcess) start(t *testing.T, l bus.Link, theirs string) *exec.Cmd {
	cmd := p.launch(t, theirs)
	line := bus.NewLine(l, p.rtu)
	defer line.Close()
	for limit := time.Now().Add(20 * time.Second); ; {
		_, err := p.talk().ask(t.Context(), line, 1, need{"holding", 0, 1})
		if err == nil {
			return cmd
		}
		if time.Now().After(limit) {
			t.Fatalf("%v does not answer: %v", p, err)
		}
		wait(t, 50*time.Millisecond)
	}
}

func (p peerProcess) talk() *talk {
	if p.rtu {
		return newTalk(rtuFraming())
	}
	return newTalk(tcpFraming())
}

// wait is for other processes, which no fake clock moves.
func wait(t *testing.T, d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// link is a way to a peer that is about to start, and how the peer calls its end of it.
func (p peerProcess) link(t *testing.T) (ours bus.Link, theirs string) {
	if p.rtu {
		here, there := ptys(t)
		return bus.Link{Serial: here, Timeout: 500 * time.Millisecond}, there
	}
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	return bus.Link{Address: address, Timeout: 500 * time.Millisecond}, port
}

// ptys is a serial line between two devices of this machine.
func ptys(t *testing.T) (here, there string) {
	here, there, _ = ptysAt(t, t.TempDir())
	return here, there
}

// ptysAt makes it in a folder; unplug takes it away.
func ptysAt(t *testing.T, folder string) (here, there string, unplug func()) {
	if _, err := exec.LookPath("socat"); err != nil {
		t.Skip("left out: needs socat (make test installs it)")
	}
	here, there = filepath.Join(folder, "here"), filepath.Join(folder, "there")
	cmd := exec.Command("socat", "pty,raw,echo=0,link="+here, "pty,raw,echo=0,link="+there)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	unplug = func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() } // it takes its links with it
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for limit := time.Now().Add(10 * time.Second); ; wait(t, 10*time.Millisecond) {
		_, errHere := os.Stat(here)
		_, errThere := os.Stat(there)
		if errHere == nil && errThere == nil {
			return here, there, unplug
		}
		if time.Now().After(limit) {
			t.Fatal("socat made no devices:", errHere, errThere)
		}
	}
}

// Every kind of number in every order, the input registers, and both tables of bits, from servers that nobody here wrote.
func TestEveryEncodingFromOthers(t *testing.T) {
	for _, p := range peers {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ours, theirs := p.link(t)
			p.start(t, ours, theirs)
			line := bus.NewLine(ours, p.rtu)
			defer line.Close()
			talk := p.talk()
			read := func(n need) []byte {
				raw, err := talk.ask(t.Context(), line, 1, n)
				if err != nil {
					t.Fatalf("%+v: %v", n, err)
				}
				return raw
			}
			for i, order := range orders {
				for _, k := range layout {
					raw := read(need{"holding", 20*i + k.at, widths[k.kind]})
					if got, err := (encoding{kind: k.kind, order: order}).decode(raw); err != nil || got != k.want {
						t.Errorf("%s %s: % x is %v, %v; want %v", k.kind, order, raw, got, err, k.want)
					}
				}
			}
			if raw, want := read(need{"input", 3, 4}), []byte{3, 3, 4, 4, 5, 5, 6, 6}; !bytes.Equal(raw, want) {
				t.Errorf("input registers: % x; want % x", raw, want)
			}
			for table, every := range map[string]int{"coil": 3, "discrete": 5} {
				raw := read(need{table, 2, 19})
				for i := range 19 {
					if got := raw[i/8]>>(i%8)&1 == 1; got != ((i+2)%every == 0) {
						t.Errorf("%s %d is %v", table, i+2, got)
					}
				}
			}
			var refusal *bus.Refusal
			if raw, err := talk.ask(t.Context(), line, 1, need{"input", 120, 1}); !errors.As(err, &refusal) {
				t.Errorf("a register that is not there: % x, %v", raw, err)
			}
		})
	}
}

// Killed, started again, stopped for a while and let go: each time readings come again, and none is wrong.
func TestPeersComeAndGo(t *testing.T) {
	for _, p := range peers {
		t.Run(p.String(), func(t *testing.T) {
			t.Parallel()
			ours, theirs := p.link(t)
			ours.Timeout = 200 * time.Millisecond
			cmd := p.start(t, ours, theirs)
			config := Config{Name: "b", Link: ours, Units: []Unit{{Unit: 1, Point: "a", Register: 2}, {Unit: 1, Point: "b", Register: 6, Type: "float32"}}}
			if p.rtu {
				config.Framing = "rtu"
			}
			r := run(t, config, quick{time.Now(), 3000}, nil)
			right := func(when string) {
				for range 3 {
					if a, b := r.reading("b/a").Value, r.reading("b/b").Value; a != 0xCAFEBABE || b != 98765.4375 {
						t.Fatalf("%s: %v and %v", when, a, b)
					}
				}
			}
			right("at first")
			cmd.Process.Kill()
			cmd.Wait()
			r.ill()
			r.forget()
			cmd = p.launch(t, theirs)
			right("started again")
			cmd.Process.Signal(syscall.SIGSTOP)
			r.ill()
			r.forget()
			cmd.Process.Signal(syscall.SIGCONT)
			right("let go")
		})
	}
}
