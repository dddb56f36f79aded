package modem

import (
	"fmt"
	"strings"
	"time"

	"stillwater"
)

// Config is a 4G or GSM modem at this machine.
type Config struct {
	Port    string            `yaml:"port" doc:"its serial port for AT commands, by a name that stays when it is plugged in again, like /dev/serial/by-id/usb-Quectel_EC25-if02-port0"`
	Baud    int               `yaml:"baud,omitempty" doc:"default 115200; modems on USB do not mind"`
	PIN     stillwater.Secret `yaml:"pin,omitempty" doc:"where the PIN of its SIM card is kept; a wrong one is tried once only, for after three the card is locked"`
	Country string            `yaml:"country,omitempty" doc:"country code put before numbers of incoming texts that come without one, like 86"`
	Timeout time.Duration     `yaml:"timeout,omitempty" doc:"how long the network may take to accept one part of a text; default 40s"`
	Poll    time.Duration     `yaml:"poll,omitempty" doc:"how often the modem is asked for its signal and for texts it did not tell of; default 15s"`
}

const (
	defaultBaud    = 115200
	defaultTimeout = 40 * time.Second
	defaultPoll    = 15 * time.Second
)

// Defaults are the settings that hold where nothing is said.
func Defaults() Config { return Config{Baud: defaultBaud, Timeout: defaultTimeout, Poll: defaultPoll} }

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Port == "" {
		report(&c.Port, "no port is named; ls /dev/serial/by-id shows which there are; of several of one modem the one for AT commands")
	}
	if c.Baud < 0 || c.Baud > 4_000_000 {
		report(&c.Baud, fmt.Sprintf("%d is no speed; leave it out for 115200", c.Baud))
	}
	if strings.Trim(c.Country, "0123456789") != "" || len(c.Country) > 3 || strings.HasPrefix(c.Country, "0") {
		report(&c.Country, fmt.Sprintf("%q is no country code; write digits alone, like 86", c.Country))
	}
	if c.Timeout != 0 && (c.Timeout < time.Second || c.Timeout > 3*time.Minute) {
		report(&c.Timeout, fmt.Sprintf(`"%v" is not between 1s and 3m; leave it out for 40s`, c.Timeout))
	}
	if c.Poll != 0 && (c.Poll < 100*time.Millisecond || c.Poll > 10*time.Minute) {
		report(&c.Poll, fmt.Sprintf(`"%v" is not between 100ms and 10m; leave it out for 15s`, c.Poll))
	}
}
