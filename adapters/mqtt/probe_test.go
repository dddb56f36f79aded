package mqtt

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"stillwater"
	"stillwater/adapters/meterdial"
)

// said makes messages of lines like those of testdata.
func said(lines ...string) []message {
	var list []message
	for _, line := range lines {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := message{arrived: arrived.Add(time.Duration(len(list)) * time.Second)}
		if rest, ok := strings.CutPrefix(line, "retained "); ok {
			m.retained, line = true, rest
		}
		line = strings.TrimPrefix(line, "late ")
		topic, payload, _ := strings.Cut(line, " ")
		m.topic, m.payload = strings.ReplaceAll(topic, "%20", " "), []byte(payload)
		list = append(list, m)
	}
	return list
}

func heard(t testing.TB, lines ...string) *Hearing {
	t.Helper()
	h, err := hear(said(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The format of every recording is recognised, without a word of configuration.
func TestProbeRecognisesRecordings(t *testing.T) {
	cases, err := filepath.Glob("testdata/*/*/messages.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no recorded messages", err)
	}
	for _, path := range cases {
		folder := filepath.Dir(path)
		t.Run(strings.TrimPrefix(filepath.ToSlash(folder), "testdata/"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			h := heard(t, strings.Split(string(text), "\n")...)
			want := formatOf(t, folder).Format
			formats := map[string]int{}
			for _, d := range h.Devices {
				formats[d.Format]++
			}
			t.Logf("%d messages, devices by format %v, %d topics of none", h.Messages, formats, len(h.Others()))
			if formats[want] == 0 {
				t.Errorf("no device of %s", want)
			}
			for f := range formats {
				if f != want && want != discovery {
					t.Errorf("a device of %s, which it is not", f)
				}
			}
		})
	}
}

// What anybody could have sent is taken for nobody's: which way round it speaks is not known.
func TestProbeGuessesNoSender(t *testing.T) {
	h := heard(t, `home/door1 {"contact":true}`, `lab/air {"CO":1,"CO2":612}`, `site/zigbee2mqtt/d {"contact":true,"linkquality":90}`)
	if len(h.Devices) != 1 || h.Devices[0].Format != "zigbee2mqtt" || *h.Devices[0].Base != "site/zigbee2mqtt" || h.Devices[0].Point != "d" {
		for _, d := range h.Devices {
			t.Errorf("%+v", *d)
		}
	}
	if got := h.Others(); len(got) != 2 {
		t.Errorf("%v are of nobody known", got)
	}
}

// What a sender says of itself may come after what it says.
func TestProbeHearsDescriptionsLate(t *testing.T) {
	h := heard(t, `attic/state {"d":"ON"}`,
		`retained homeassistant/binary_sensor/attic/config {"device_class":"door","state_topic":"attic/state","value_template":"{{ value_json.d }}","unique_id":"attic-door"}`)
	if len(h.Devices) != 1 || h.Devices[0].Format != discovery || h.Devices[0].Values[stillwater.Door] != stillwater.Open {
		t.Errorf("%d devices, of nobody %v", len(h.Devices), h.Others())
	}
}

// pasted reads a message as the entry says, and gives the value of a quantity.
func pasted(t *testing.T, c Config, m message, q stillwater.Quantity) float64 {
	t.Helper()
	text, err := YAML(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Validate(func(_ any, problem string) { t.Errorf("%s\n%s", problem, text) })
	readings, _ := New(Options{Config: c}).read(m)
	for _, r := range readings {
		if r.Quantity == q {
			return r.Value
		}
	}
	t.Errorf("no %s of %s %s by\n%s", q, m.topic, m.payload, text)
	return math.NaN()
}

var probed = Config{Name: "b", URL: "tcp://127.0.0.1:1883"}

// The dial finds its value: in a known format, where only the configuration can say how much one count is, under another base, and in a
// payload that nobody knows. What is to be pasted reads it so.
func TestProbeFindsTheDial(t *testing.T) {
	noise := []string{
		`zigbee2mqtt/door {"contact":true,"battery":97,"linkquality":123,"last_seen":"2026-03-01T07:00:00Z"}`,
		`plant/pump {"rpm":1234,"hours":4711.5}`, `retained plant/tank 7.35`,
	}
	for _, c := range []struct {
		name, dial, line string
		litres           float64
		in               string
	}{
		{"wmbusmeters", "123.529", `wmbusmeters/33225544 {"_":"telegram","media":"water","meter":"iperl","id":"33225544","total_m3":123.529,"timestamp":"2024-03-03T18:37:00Z"}`, 123529, "wmbusmeters"},
		{"elsewhere", "123.529", `house/7/meters/33225544 {"_":"telegram","media":"water","meter":"iperl","id":"33225544","total_m3":123.529,"timestamp":"2024-03-03T18:37:00Z"}`, 123529, "base: house"},
		{"tasmota", "471.13", `tele/tasmota_1/SENSOR {"Time":"2026-03-01T07:00:00","COUNTER":{"C1":47113,"C2":8}}`, 471130, "point: tasmota_1/C1"},
		{"shelly", "120.34", `shellyi4/events/rpc {"src":"shellyi4","method":"NotifyStatus","params":{"ts":1736604030.5,"input:2":{"id":2,"counts":{"total":12034}}}}`, 120340, "point: shellyi4/input:2"},
		{"plain number", "88.401", `cellar/water 88401`, 88401, "filter: cellar/water"},
		{"deep", "123.456", `esp/7 {"uptime":99812,"sensors":[{"t":21.5},{"water":{"total":123.4561,"flow":0.3}}]}`, 123456.1, "value: sensors.1.water.total"},
		{"as text", "00088.40", `esp/8 {"v":"8840","rssi":-71}`, 88400, "scale: 10 L"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dial, err := meterdial.Parse(c.dial, "m3")
			if err != nil {
				t.Fatal(err)
			}
			h := heard(t, append(noise, c.line)...)
			list := h.Numbers(dial)
			if len(list) == 0 || math.Abs(float64(list[0].Litres)-c.litres) > 1e-6*c.litres || list[0].Bits < 5 {
				t.Fatalf("%+v", list)
			}
			entry := h.Entry(probed, &list[0], nil)
			if got := pasted(t, entry, said(c.line)[0], stillwater.WaterTotal); math.Abs(got-c.litres) > 1e-6*c.litres {
				t.Errorf("reads %v", got)
			}
			if text, _ := YAML(entry); !strings.Contains(text, c.in) {
				t.Errorf("%q is not in\n%s", c.in, text)
			}
		})
	}
}

// The door is what moved, and how it stands says which way round it speaks.
func TestProbeFindsTheDoor(t *testing.T) {
	for _, c := range []struct {
		name  string
		open  bool
		in    string
		lines []string
	}{
		{"zigbee2mqtt", true, "format: zigbee2mqtt", []string{`zigbee2mqtt/d {"contact":true,"linkquality":9}`, `zigbee2mqtt/d {"contact":false,"linkquality":12}`}},
		{"switch wired so", true, `open: "on"`, []string{`stat/t/RESULT {"Switch1":{"Action":"OFF"}}`, `stat/t/RESULT {"Switch1":{"Action":"ON"}}`}},
		{"switch wired otherwise", false, `open: "off"`, []string{`stat/t/RESULT {"Switch1":{"Action":"OFF"}}`, `stat/t/RESULT {"Switch1":{"Action":"ON"}}`}},
		{"magnet", true, `open: "0"`, []string{`esp/a {"magnet":1,"led":1,"n":1}`, `esp/a {"magnet":0,"led":1,"n":2}`, `esp/a {"magnet":1,"led":1,"n":3}`, `esp/a {"magnet":0,"led":0,"n":4}`}},
		{"words of its own", false, `closed: zu`, []string{`haus/tuer auf`, `haus/tuer zu`, `haus/temperatur 21.5`, `haus/temperatur 21.4`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := heard(t, append([]string{`other/relay {"state":"ON"}`, `retained zigbee2mqtt/else {"contact":true,"linkquality":44}`}, c.lines...)...)
			list := h.Contacts(&c.open)
			if len(list) == 0 || list[0].Bits < 0 {
				t.Fatalf("%+v", list)
			}
			entry := h.Entry(probed, nil, &list[0])
			text, _ := YAML(entry)
			if !strings.Contains(strings.ToLower(text), c.in) {
				t.Errorf("%q is not in\n%s", c.in, text)
			}
			last := said(c.lines...)
			for _, m := range last {
				if m.topic == list[0].Topic {
					last[0] = m
				}
			}
			if got := pasted(t, entry, last[0], stillwater.Door); got != truth(c.open) {
				t.Errorf("the door is %v, want %v by\n%s", got, truth(c.open), text)
			}
		})
	}
}

// Hundreds of random payloads of no known format, each with one number that is the dial's and many that are not.
func TestProbeFindsTheDialAmongMany(t *testing.T) {
	const states = 400
	first, wrong := 0, 0
	for seed := range uint64(states) {
		r := rand.New(rand.NewPCG(seed, 3))
		litres := math.Floor(math.Exp(math.Log(1e4) + r.Float64()*math.Log(1e3)))
		scale := []float64{1, 10, 1000, 0.1}[r.IntN(4)]
		name := []string{"total", "w", "value", "vol"}[r.IntN(4)]
		line := fmt.Sprintf(`esp/%d {"%s":%v`, r.IntN(9), name, math.Round(litres/scale*1000)/1000)
		for i := range 20 {
			line += fmt.Sprintf(`,"k%d":%v`, i, []any{r.IntN(10), r.IntN(100000), math.Round(r.Float64()*1e5) / 100}[r.IntN(3)])
		}
		dial := meterdial.Dial{Volume: stillwater.Litres(litres - float64(r.IntN(5))), Digit: 1}
		list := heard(t, line+"}").Numbers(dial)
		switch {
		case len(list) > 0 && list[0].Path == name && math.Abs(float64(list[0].Litres)-litres) <= 1:
			first++
		case len(list) > 0 && (len(list) == 1 || list[0].Bits-list[1].Bits > 4):
			wrong++
			t.Logf("seed %d: %v L as %s, first is %+v", seed, litres, name, list[0])
		}
	}
	t.Logf("right first %d of %d, another clearly first %d", first, states, wrong)
	if first < states*97/100 || wrong > 0 {
		t.Error("too few")
	}
}

// Over a real broker: what was retained before and what is sent meanwhile is heard, each as what it is.
func TestProbeListens(t *testing.T) {
	eachBroker(t, func(t *testing.T, p peer) {
		client := paho.NewClient(paho.NewClientOptions().AddBroker(p.url).SetClientID("sensor"))
		if token := client.Connect(); token.Wait() && token.Error() != nil {
			t.Fatal(token.Error())
		}
		defer client.Disconnect(100)
		publish := func(topic, payload string, retained bool) {
			if token := client.Publish(topic, 1, retained, payload); token.Wait() && token.Error() != nil {
				t.Error(token.Error())
			}
		}
		publish("zigbee2mqtt/old", `{"contact":true,"linkquality":12}`, true)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range 20 {
				publish("wmbusmeters/1", `{"media":"water","meter":"iperl","id":"33225544","total_m3":123.529,"timestamp":"2024-03-03T18:37:00Z"}`, false)
				<-time.After(20 * time.Millisecond)
			}
		}()
		h, err := Listen(t.Context(), ProbeOptions{Config: Config{Name: "b", URL: p.url}, Filter: "#", For: 500 * time.Millisecond})
		<-ended
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Devices) != 2 || h.Devices[0].Point != "33225544" || h.Devices[0].Live == 0 || h.Devices[1].Retained != 1 || h.Devices[1].Live != 0 {
			for _, d := range h.Devices {
				t.Errorf("%+v", *d)
			}
		}
	})
}
