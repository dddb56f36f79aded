package bus

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxTimeout bounds how long a silent unit can hold up the others on its bus.
	maxTimeout = 30 * time.Second
	// fastBaud is the speed above which the silence between frames no longer shrinks (Modbus over serial line V1.02, 2.5.1.1).
	fastBaud = 19200
	// fastSilence is the silence between frames above fastBaud.
	fastSilence = 1750 * time.Microsecond
)

// The bauds and parities a serial port is opened with.
var (
	bauds    = []int{300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200}
	parities = []string{"none", "even", "odd"}
)

// Link is how a bus is reached: over the network or by a serial port of the gateway's own. It is meant to be inlined into an
// adapter's configuration.
type Link struct {
	Address      string        `yaml:"address,omitempty" doc:"host and port of the meter, gateway or serial server, like 10.0.0.5:502"`
	Serial       string        `yaml:"serial,omitempty" doc:"serial port instead of an address, like /dev/ttyUSB0 or /dev/serial/by-id/…; the by-id name stays when adapters are replugged"`
	Baud         int           `yaml:"baud,omitempty" doc:"speed of the serial line, as all its devices have it; behind a serial server it gives the silence between frames"`
	Parity       string        `yaml:"parity,omitempty" doc:"parity of the serial line: none, even or odd"`
	DataBits     int           `yaml:"data_bits,omitempty" doc:"data bits of the serial line: 7 or 8; default 8"`
	StopBits     int           `yaml:"stop_bits,omitempty" doc:"stop bits of the serial line: 1 or 2; default 1"`
	Timeout      time.Duration `yaml:"timeout,omitempty" doc:"how long to wait for a connection, and for each reply to begin; a silent unit costs the others this much per probe; default 1s"`
	Pause        time.Duration `yaml:"pause,omitempty" doc:"rest between two requests, for slow gateways and meters that need one; default none"`
	ConnectPause time.Duration `yaml:"connect_pause,omitempty" doc:"rest between connecting and the first request, for gateways and serial adapters that need one; default none"`
}

// Validate reports everything that is wrong with the link. It opens nothing.
func (l *Link) Validate(report func(field any, problem string)) {
	switch {
	case l.Serial != "" && l.Address != "":
		report(&l.Serial, "a bus has one way to it; leave out serial or address")
	case l.Serial == "" && !isAddress(l.Address):
		report(&l.Address, fmt.Sprintf("%q is not an address; write host and port, like 10.0.0.5:502", l.Address))
	}
	if strings.ContainsAny(l.Serial, " \t\n") {
		report(&l.Serial, fmt.Sprintf("%q is no serial port; write its path, like /dev/ttyUSB0", l.Serial))
	}
	if l.Timeout < 0 || l.Timeout > maxTimeout {
		report(&l.Timeout, fmt.Sprintf("%v is no usable timeout; write more than 0s and at most %v, like 1s", l.Timeout, maxTimeout))
	}
	if l.Pause < 0 || l.Pause > maxTimeout {
		report(&l.Pause, fmt.Sprintf("%v is no usable pause; write 0s to %v, like 50ms", l.Pause, maxTimeout))
	}
	if l.ConnectPause < 0 || l.ConnectPause > maxTimeout {
		report(&l.ConnectPause, fmt.Sprintf("%v is no usable pause; write 0s to %v, like 500ms", l.ConnectPause, maxTimeout))
	}
	l.validateSerial(report)
}

// validateSerial reports what is wrong with the settings of a serial line.
func (l *Link) validateSerial(report func(field any, problem string)) {
	if l.Baud != 0 && !slices.Contains(bauds, l.Baud) {
		report(&l.Baud, fmt.Sprintf("%d is no speed of a serial line; write the one set in the meters, like 2400 or 9600", l.Baud))
	}
	if l.Parity != "" && !slices.Contains(parities, l.Parity) {
		report(&l.Parity, fmt.Sprintf("%q is no parity; write none, even or odd", l.Parity))
	}
	if l.DataBits != 0 && l.DataBits != 7 && l.DataBits != 8 {
		report(&l.DataBits, fmt.Sprintf("%d data bits are not possible; write 8, or 7 for old meters", l.DataBits))
	}
	if l.StopBits != 0 && l.StopBits != 1 && l.StopBits != 2 {
		report(&l.StopBits, fmt.Sprintf("%d stop bits are not possible; write 1 or 2", l.StopBits))
	}
}

// isAddress says whether s is a host and a port number.
func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && n > 0 && host != "" && !strings.ContainsAny(host, "/ ")
}

// Or fills in from defaults what is not set: a protocol's usual speed and parity.
func (l Link) Or(defaults Link) Link {
	fill(&l.Baud, defaults.Baud)
	fill(&l.Parity, defaults.Parity)
	fill(&l.DataBits, defaults.DataBits)
	fill(&l.StopBits, defaults.StopBits)
	fill(&l.Timeout, defaults.Timeout)
	fill(&l.Pause, defaults.Pause)
	fill(&l.ConnectPause, defaults.ConnectPause)
	return l
}

func fill[T comparable](field *T, value T) {
	var unset T
	if *field == unset {
		*field = value
	}
}

// withDefaults is the link with what Modbus over a serial line has when nothing is said.
func (l Link) withDefaults() Link {
	return l.Or(Link{Baud: 9600, Parity: "none", DataBits: 8, StopBits: 1, Timeout: time.Second})
}

// characters is how long n characters take on the line: start bit, data, parity, stop bits each.
func (l Link) characters(n float64) time.Duration {
	bits := 1 + l.DataBits + l.StopBits
	if l.Parity != "none" {
		bits++
	}
	return time.Duration(n * float64(bits) / float64(l.Baud) * float64(time.Second))
}

// silence is what separates two frames on the line: 3.5 characters.
func (l Link) silence() time.Duration {
	if l.Baud > fastBaud {
		return max(fastSilence, l.characters(3.5))
	}
	return l.characters(3.5)
}
