package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/broker"
	"stillwater/adapters/influx"
	"stillwater/adapters/modbus"
	"stillwater/adapters/mqtt"
	"stillwater/adapters/sms"
	"stillwater/gateway/calendar"
	"stillwater/gateway/config"
	"stillwater/gateway/registry"
)

var update = flag.Bool("update", false, "rewrite golden files; look at the difference before you keep it")

// example is what the sample configuration shows: a small community with one bus, one broker and two homes.
func example() *Config {
	c := defaults()
	c.Store.Path = "/var/lib/stillwater/stillwater.db"
	b := broker.Defaults()
	b.Folder = "/var/lib/stillwater/broker"
	c.Broker = &b
	c.MQTT = []mqtt.Config{{
		Name: "lobby", URL: "tcp://127.0.0.1:1883",
		Topics: []mqtt.Topic{
			{Filter: "zigbee2mqtt/+", Quantity: stillwater.Door, Value: "contact", Open: "false", Time: "last_seen", Also: []mqtt.Value{{Quantity: stillwater.Battery, Value: "battery"}}},
			{Filter: "zigbee2mqtt/+/availability", Device: "zigbee2mqtt/{1}", Quantity: stillwater.Alive, Value: "state", Gone: "offline"},
			{Filter: "pulse/+/water", Quantity: stillwater.WaterTotal, Value: "total", Scale: 1, Time: "time"},
		},
	}}
	bus := modbus.Defaults()
	bus.Name, bus.Address = "cupboard-1", "10.0.0.5:502"
	bus.Units = []modbus.Unit{{Unit: 3, Register: 0, Type: "uint32", Order: "CDAB", Scale: 1}}
	c.Modbus = []modbus.Config{bus}
	history := influx.Defaults()
	history.URL, history.Bucket, history.Token = "http://127.0.0.1:8086", "stillwater", stillwater.Secret{File: "/etc/stillwater/influx-token"}
	c.History = &history
	twilio := sms.Defaults()
	twilio.Account, twilio.Token, twilio.From = "AC00000000000000000000000000000000", stillwater.Secret{Env: "TWILIO_TOKEN"}, "+14155550100"
	c.SMS = SMSConfig{Twilio: &twilio, CrossBorderConsent: "2026-03-01, 东坡社区居民委员会"}
	c.Calendar.Holidays = calendar.China
	given := moment("2026-03-01")
	c.Contacts = []registry.ContactConfig{
		{ID: "li-na", Name: "李娜", Role: stillwater.Family, Phone: "+8613800138000", Language: "zh-CN"},
		{ID: "tom", Name: "Tom Wang", Role: stillwater.Family, Phone: "+14155550123", Language: "en", Remote: true},
		{ID: "chen", Name: "陈强", Role: stillwater.Worker, Phone: "+8613900139000", Language: "zh-CN"},
	}
	place := stillwater.Place{Street: "湖滨街道", Community: "东坡社区", Grid: "3", Building: "7"}
	c.Households = []registry.HouseholdConfig{
		{
			ID: "h001", Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai", Place: place, Consent: registry.ConsentConfig{Given: given},
			Devices: []registry.DeviceConfig{
				{ID: "meter", Kind: stillwater.Meter, Source: "cupboard-1/3", Every: 5 * time.Minute},
				{ID: "door", Kind: stillwater.DoorContact, Source: "lobby/zigbee2mqtt/h001-door", Every: time.Hour},
			},
			Family: []stillwater.ContactID{"li-na", "tom"}, Workers: []stillwater.ContactID{"chen"},
		},
		{
			ID: "h002", Name: "张建国", Residents: 1, TimeZone: "Asia/Shanghai", Place: place, Consent: registry.ConsentConfig{Given: given},
			Devices: []registry.DeviceConfig{{ID: "meter", Kind: stillwater.Meter, Source: "lobby/pulse/h002/water", Every: 15 * time.Minute}},
			Workers: []stillwater.ContactID{"chen"},
		},
	}
	return c
}

func moment(text string) (m registry.Moment) {
	if err := m.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return m
}

const samplePath = "../deploy/stillwater.yaml"

// TestSampleIsTheConfiguration compares the commented sample with what the configuration's types say, so that it cannot drift, and
// reads it back.
func TestSampleIsTheConfiguration(t *testing.T) {
	want, err := config.Sample(example())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(samplePath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(samplePath)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v); run: make sample", samplePath, err)
	}
	c, _, problems := loadConfig(samplePath)
	if len(problems) > 0 {
		t.Fatalf("the sample has mistakes:\n%s", problems)
	}
	if again, err := config.Sample(c); err != nil || !bytes.Equal(again, want) { // what is made of settings (a profile's plan) is not compared
		t.Errorf("the sample reads back as something else (%v):\n%s", err, again)
	}
}

// TestMistakes checks every wrong file in testdata/mistakes against the exact messages beside it.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d wrong files (%v), want at least 30", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			err := run(t.Context(), []string{"check", "--config", file}, &stdout, &stderr)
			if err == nil {
				t.Fatal("check found nothing")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			got := strings.ReplaceAll(stderr.String(), "testdata/mistakes/", "")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || got != string(want) {
				t.Errorf("check says\n%s\nwant (%v)\n%s", got, err, want)
			}
			for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
				if !problemLine.MatchString(line) {
					t.Errorf("%q is not file:line: what", line)
				}
			}
		})
	}
}

var problemLine = regexp.MustCompile(`^[a-z0-9-]+\.yaml:\d+: .{10,}$|^\d+ mistakes$`)
