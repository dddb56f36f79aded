package stillwater

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Litres is a volume of water in litres. In text it is written with its unit: "10 L", "1.5 m³", "250 mL".
type Litres float64

// volumeUnits is every unit a volume may be written in, in litres.
var volumeUnits = map[string]Litres{
	"l": 1, "litre": 1, "litres": 1, "liter": 1, "liters": 1, "升": 1,
	"ml": 0.001, "毫升": 0.001,
	"m³": 1000, "m3": 1000, "立方米": 1000, "方": 1000,
}

// UnmarshalText reads a volume with its unit. A bare number is refused: a litre and a cubic metre differ a thousandfold.
func (l *Litres) UnmarshalText(text []byte) error {
	number, unit := splitUnit(string(text))
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return fmt.Errorf("%q is not a volume; write a number and a unit, like 10 L or 1 m³", text)
	}
	factor, ok := volumeUnits[strings.ToLower(unit)]
	switch {
	case unit == "":
		return fmt.Errorf("%q has no unit; write like %s L or %s m³", text, number, number)
	case !ok:
		return fmt.Errorf("%q has the unknown unit %q; volumes are written in mL, L or m³", text, unit)
	case !(n >= 0):
		return fmt.Errorf("%q is below zero; a volume is 0 L or more", text)
	}
	*l = Litres(math.Round(n*float64(factor)*1e6) / 1e6) // so that 1.001 m³ is 1001 L
	return nil
}

// MarshalText writes the volume as people write it.
func (l Litres) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// String gives cubic metres from 1,000 L on and litres below.
func (l Litres) String() string {
	if l >= 1000 {
		return strconv.FormatFloat(float64(l)/1000, 'f', -1, 64) + " m³"
	}
	return strconv.FormatFloat(float64(l), 'f', -1, 64) + " L"
}

// splitUnit parts "1.5 m³" into "1.5" and "m³".
func splitUnit(s string) (number, unit string) {
	s = strings.TrimSpace(s)
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && !strings.ContainsRune("+-.eE", r) })
	if i < 0 {
		return s, ""
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i:])
}

// dayUnits extends the units of time.ParseDuration by those people use for routines.
var dayUnits = map[string]time.Duration{
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "天": 24 * time.Hour,
	"week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
	"min": time.Minute, "minute": time.Minute, "minutes": time.Minute, "分钟": time.Minute,
	"hour": time.Hour, "hours": time.Hour, "小时": time.Hour,
	"sec": time.Second, "second": time.Second, "seconds": time.Second, "秒": time.Second,
}

// ParseSpan reads a duration as people write it: everything time.ParseDuration takes, and days and weeks ("28 days", "3d").
func ParseSpan(text string) (time.Duration, error) {
	compact := strings.ReplaceAll(text, " ", "")
	if d, err := time.ParseDuration(compact); err == nil {
		return d, nil
	}
	number, unit := splitUnit(text)
	n, err := strconv.ParseFloat(number, 64)
	factor, ok := dayUnits[strings.ToLower(unit)]
	if err == nil && ok && math.Abs(n*float64(factor)) < math.MaxInt64 {
		return time.Duration(n * float64(factor)), nil
	}
	if err == nil && unit == "" {
		return 0, fmt.Errorf("%q has no unit; write like %sm, %sh or %sd", text, number, number, number)
	}
	return 0, fmt.Errorf("%q is not a duration; write like 90s, 30m, 12h or 2d", text)
}

// FormatSpan writes a duration so that ParseSpan reads it back, without the zero parts time.Duration prints ("12h", not "12h0m0s").
func FormatSpan(d time.Duration) string {
	if d != 0 && d%(24*time.Hour) == 0 && d > 48*time.Hour {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// A Secret names where a password or token is kept: an environment variable or a file. The secret itself is
// never in the configuration file, and never in a log.
type Secret struct {
	Env  string `yaml:"env,omitempty" doc:"name of the environment variable that holds it"`
	File string `yaml:"file,omitempty" doc:"path of the file that holds it"`

	value string
}

// Set puts the value that was read from the place the secret names.
func (s *Secret) Set(value string) { s.value = value }

// Reveal gives the value; "" before Set.
func (s Secret) Reveal() string { return s.value }

// Named says whether the secret says where it is kept.
func (s Secret) Named() bool { return s.Env != "" || s.File != "" }

// String hides the value from every log and message.
func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "secret from environment " + s.Env
	case s.File != "":
		return "secret from file " + s.File
	}
	return "no secret"
}
