package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRollOver: where a counter begins anew is the profile's to say, unless somebody entered it.
func TestRollOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stillwater.yaml")
	text := `
store: {path: w.db}
sms: {phones: true}
modbus:
  - name: cupboard-1
    address: 127.0.0.1:502
    units:
      - {unit: 1, profile: hardwario-gauger, scale: 1 L}
      - {unit: 2, profile: hardwario-gauger, scale: 1 L}
      - {unit: 3, register: 0, type: float32}
contacts:
  - {id: chen, name: 陈强, role: worker, phone: "+8613900139000"}
households:
  - id: h1
    name: Mary Smith
    consent: {given: "2026-03-01"}
    workers: [chen]
    devices:
      - {id: a, kind: meter, source: cupboard-1/1-1}
      - {id: b, kind: meter, source: cupboard-1/2-1, rollover: 100 m³}
      - {id: c, kind: meter, source: cupboard-1/3}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	households := c.people()
	c.rollOver(households)
	got := map[string]float64{}
	for _, d := range households[0].Devices {
		got[string(d.ID)] = float64(d.Rollover)
	}
	if got["a"] != 65536 || got["b"] != 100_000 || got["c"] != 0 {
		t.Errorf("got %v", got)
	}
}
