package health

import (
	"math"
	"slices"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/pipeline"
	"stillwater/rules"
)

var noon = time.Date(2025, 11, 4, 12, 0, 0, 0, time.UTC)

// meterOf gives the readings of a meter, one an hour until noon, each of them so old when it came.
func meterOf(n int, old func(i int) time.Duration) []stillwater.Reading {
	var list []stillwater.Reading
	for i := range n {
		received := noon.Add(time.Duration(i-n+1) * time.Hour)
		list = append(list, stillwater.Reading{Household: "h", Device: "m", Quantity: stillwater.WaterTotal, At: received.Add(-old(i)), Received: received})
	}
	return list
}

// TestTroubles takes each thing that can be wrong with a device, and what is nearly so.
func TestTroubles(t *testing.T) {
	always := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	took := func(outcome string, list ...stillwater.Reading) func(*Devices) {
		return func(d *Devices) {
			for i := range list {
				d.Took(&list[i], outcome)
			}
		}
	}
	says := func(q stillwater.Quantity, values ...float64) func(*Devices) {
		return func(d *Devices) {
			for i, v := range values {
				d.Took(&stillwater.Reading{Household: "h", Device: "m", Quantity: q, Value: v, At: noon.Add(time.Duration(i-len(values)) * time.Hour), Received: noon}, pipeline.OfDevice)
			}
		}
	}
	accepted := string(rules.Accepted)
	heard := stillwater.DeviceState{Device: "m", Heard: noon}
	meter := stillwater.Device{ID: "m", Kind: stillwater.Meter, Source: "bus/1"}
	day := 24 * time.Hour
	cases := []struct {
		name  string
		given func(*Devices)
		state stillwater.DeviceState
		home  stillwater.Standing
		want  []string
		line  *Line
	}{
		{"all is well", took(accepted, meterOf(60, always(0))...), heard, stillwater.Standing{}, nil, nil},
		{"never heard", nil, stillwater.DeviceState{Device: "m"}, stillwater.Standing{}, []string{Never}, nil},
		{"silent", nil, stillwater.DeviceState{Device: "m", Heard: noon, Silent: true}, stillwater.Standing{}, []string{Silent}, nil},
		{"a low battery in percent", nil, stillwater.DeviceState{Device: "m", Heard: noon, Battery: 15, BatteryAt: noon}, stillwater.Standing{}, []string{BatteryLow}, nil},
		{"a battery that will do", nil, stillwater.DeviceState{Device: "m", Heard: noon, Battery: 16, BatteryAt: noon}, stillwater.Standing{}, nil, nil},
		{"a battery that nothing was told of", nil, heard, stillwater.Standing{}, nil, nil},
		{"a low battery by its own word, and in percent", says(stillwater.BatteryLow, 1), stillwater.DeviceState{Device: "m", Heard: noon, Battery: 3, BatteryAt: noon}, stillwater.Standing{}, []string{BatteryLow}, nil},
		{"its alarms, the worst first", func(d *Devices) {
			says(stillwater.MeterLeak, 1)(d)
			says(stillwater.Tamper, 1)(d)
		}, heard, stillwater.Standing{}, []string{Tamper, Leak}, nil},
		{"an alarm that ended", says(stillwater.Reverse, 1, 0), heard, stillwater.Standing{}, nil, nil},
		{"a fault that has no name of its own", says("fault.valve", 1), heard, stillwater.Standing{}, []string{Fault}, nil},
		{"a weak signal", says(stillwater.Signal, -90, -116), heard, stillwater.Standing{}, []string{WeakSignal}, nil},
		{"a signal that came back", says(stillwater.Signal, -116, -90), heard, stillwater.Standing{}, nil, nil},
		{"a counter that ran back", took(string(rules.Reversed), meterOf(1, always(0))...), heard, stillwater.Standing{}, []string{Reversed}, nil},
		{"a counter that ran back long ago", took(string(rules.Reversed), stillwater.Reading{Household: "h", Device: "m", At: noon.Add(-8 * day), Received: noon.Add(-8 * day)}), heard, stillwater.Standing{}, nil, nil},
		{"nonsense", took(pipeline.Implausible, stillwater.Reading{Household: "h", Device: "m", Value: math.NaN(), At: noon, Received: noon}), heard, stillwater.Standing{}, []string{Implausible}, nil},
		{"another home's trouble", took(string(rules.Swapped), stillwater.Reading{Household: "g", Device: "m", At: noon, Received: noon}), heard, stillwater.Standing{}, nil, nil},
		{"a clock that is ahead", took(pipeline.Ahead, meterOf(1, always(-8*time.Hour))...), heard, stillwater.Standing{}, []string{ClockAhead}, nil},
		{"a clock eight hours behind", took(accepted, meterOf(30, always(8*time.Hour))...), heard, stillwater.Standing{}, []string{ClockBehind}, nil},
		{"eight hours behind for too short to say", took(accepted, meterOf(24, always(8*time.Hour))...), heard, stillwater.Standing{}, nil, nil},
		{"a clock that was put right", func(d *Devices) {
			took(accepted, meterOf(30, always(8*time.Hour))...)(d)
			took(accepted, meterOf(1, always(time.Second))...)(d)
		}, heard, stillwater.Standing{}, nil, nil},
		{"uploads of yesterday, each morning at eight", took(accepted, meterOf(72, func(i int) time.Duration { return 8*time.Hour + time.Duration(23-i%24)*time.Hour })...), heard, stillwater.Standing{}, nil, nil},
		{"somebody stirs and draws nothing", nil, heard, stillwater.Standing{
			Life: stillwater.Life{Water: noon.Add(-4 * day), Door: noon.Add(-13 * time.Hour)}, DataTo: noon,
		}, []string{MeterStuck}, nil},
		{"she has just come home from a journey", nil, heard, stillwater.Standing{
			Life: stillwater.Life{Water: noon.Add(-4 * day), Door: noon.Add(-11 * time.Hour)}, DataTo: noon,
		}, nil, nil},
		{"the water is cut off", nil, heard, stillwater.Standing{
			Life: stillwater.Life{Water: noon.Add(-4 * day), Door: noon.Add(-13 * time.Hour)}, DataTo: noon, Cut: &stillwater.Announced{},
		}, nil, nil},
		{"a door that hangs", nil, heard, stillwater.Standing{Findings: []stillwater.Finding{{Rule: "device-door-stuck", Device: "m"}, {Rule: "device-door-chattering", Device: "other"}}}, []string{DoorStuck}, nil},
		{"one question in ten without an answer", nil, heard, stillwater.Standing{}, []string{Lossy}, &Line{Asked: 100, Answered: 90}},
		{"refusals are no values", nil, heard, stillwater.Standing{}, []string{Lossy}, &Line{Asked: 100, Answered: 100, Refusals: 10}},
		{"one in ten of a few", nil, heard, stillwater.Standing{}, nil, &Line{Asked: 90, Answered: 80}},
		{"one in fifty", nil, heard, stillwater.Standing{}, nil, &Line{Asked: 100, Answered: 98}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := NewDevices()
			if c.given != nil {
				c.given(d)
			}
			c.home.Household = "h"
			var got []string
			for _, trouble := range d.Judge(Seen{meter, c.state, c.home, c.line}, noon).Troubles {
				got = append(got, trouble.Code)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// TestTroublesTell holds what goes with a trouble: how often, how far off, since when.
func TestTroublesTell(t *testing.T) {
	d := NewDevices()
	for i := range 3 {
		at := noon.Add(time.Duration(i-3) * time.Hour)
		d.Took(&stillwater.Reading{Household: "h", Device: "m", At: at.Add(8 * time.Hour), Received: at}, pipeline.Ahead)
	}
	got := d.Judge(Seen{Device: stillwater.Device{ID: "m"}, State: stillwater.DeviceState{Heard: noon}, Home: stillwater.Standing{Household: "h"}}, noon).Troubles
	if want := (Trouble{Code: ClockAhead, Since: noon.Add(-3 * time.Hour), Times: 3, Off: 8 * time.Hour}); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestWork: a bus that is away is one line, and not one for each of its forty sensors; what else is wrong with them stays.
func TestWork(t *testing.T) {
	var devices []Device
	for i := range 40 {
		devices = append(devices, Device{Source: "cupboard-1/" + string(rune('a'+i)), Troubles: []Trouble{{Code: Silent, Since: noon}}})
	}
	devices[7].Troubles = append(devices[7].Troubles, Trouble{Code: BatteryLow})
	devices = append(devices,
		Device{Source: "lobby/door", Troubles: []Trouble{{Code: BatteryLow}}},
		Device{Source: "lobby/other", Troubles: []Trouble{{Code: Silent, Since: noon}}},
		Device{Source: "cupboard-10/3", Troubles: []Trouble{{Code: Silent, Since: noon.Add(-time.Hour)}}},
		Device{Source: "lobby/well"},
	)
	feeds, work := Work(devices, []Condition{{Part: "store"}, {Part: "feed cupboard-1", Error: "no route"}})
	if len(feeds) != 1 || feeds[0].Name != "cupboard-1" || feeds[0].Behind != 40 || feeds[0].Error != "no route" {
		t.Errorf("feeds %+v", feeds)
	}
	var got []string
	for _, d := range work {
		got = append(got, d.Source)
	}
	if want := []string{"cupboard-10/3", "lobby/other", "cupboard-1/h", "lobby/door"}; !slices.Equal(got, want) {
		t.Errorf("work %v, want %v", got, want)
	}
	if len(devices[7].Troubles) != 2 {
		t.Error("the list that was given is changed")
	}
}

// TestStrangers: devices that are entered nowhere are counted, each once, by the feed they were heard on.
func TestStrangers(t *testing.T) {
	d := NewDevices()
	for _, source := range []string{"lobby/zigbee/1", "lobby/zigbee/2", "lobby/zigbee/1", "city-water/8834"} {
		d.Took(&stillwater.Reading{Source: source, At: noon, Received: noon}, pipeline.UnknownDevice)
	}
	d.Took(&stillwater.Reading{Source: "lobby/known", Household: "h", Device: "m", At: noon, Received: noon}, string(rules.Accepted))
	if got := d.Strangers(); len(got) != 2 || got["lobby"] != 2 || got["city-water"] != 1 {
		t.Errorf("got %v", got)
	}
}
