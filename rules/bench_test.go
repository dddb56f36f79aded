package rules

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"stillwater"
)

// BenchmarkStep is a reading of an hourly meter through all rules, presets included.
func BenchmarkStep(b *testing.B) {
	e := New(append(Defaults(), OnTrial(Defaults())...))
	ids := make([]stillwater.HouseholdID, 1000)
	for i := range ids {
		ids[i] = stillwater.HouseholdID("h" + time.Duration(i).String())
	}
	litres := make([]float64, len(ids))
	at := monday.UTC()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h := i % len(ids)
		if h == 0 {
			at = at.Add(time.Hour)
		}
		if (i*7)%24 < 8 {
			litres[h] += float64(i % 30)
		}
		r := stillwater.Reading{Household: ids[h], Device: "meter", Quantity: stillwater.WaterTotal, Value: litres[h], At: at, Received: at}
		if next := e.Next(); !next.IsZero() && !next.After(at) {
			e.Step(&stillwater.Entry{Tick: at})
		}
		e.Step(&stillwater.Entry{Reading: &r})
	}
}

// district is homes with an hourly meter and a door contact, lived in for some days.
type district struct {
	engine *Engine
	ids    []stillwater.HouseholdID
	litres []float64
	at     time.Time
}

func newDistrict(homes int) *district {
	d := &district{engine: New(append(Defaults(), OnTrial(Defaults())...)), ids: make([]stillwater.HouseholdID, homes), litres: make([]float64, homes), at: monday.UTC()}
	for i := range d.ids {
		d.ids[i] = stillwater.HouseholdID("h" + strconv.Itoa(i))
	}
	return d
}

func (d *district) live(days int) {
	for i := range d.ids {
		d.engine.Put(Home{ID: d.ids[i], Location: shanghai, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter}, {ID: "door", Kind: stillwater.DoorContact}}})
	}
	for range days * 24 {
		d.hour()
	}
}

// hour lets an hour pass: by day water now and then, and the door goes.
func (d *district) hour() {
	d.at = d.at.Add(time.Hour)
	d.engine.Step(&stillwater.Entry{Tick: d.at})
	hour := d.at.In(shanghai).Hour()
	for i, id := range d.ids {
		at := d.at.Add(time.Duration(i%3600) * time.Millisecond)
		if hour >= 6 && hour < 23 && (hour*7+i*5)%3 > 0 {
			d.litres[i] += float64(5 + (i*13+hour*11)%35)
		}
		d.engine.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: id, Device: "meter", Quantity: stillwater.WaterTotal, Value: d.litres[i], At: at, Received: at}})
		if hour == 9 || hour == 10 || hour == 16 {
			d.door(id, at)
		}
	}
}

// door opens and closes within the next two minutes.
func (d *district) door(id stillwater.HouseholdID, at time.Time) {
	for n, state := range []float64{stillwater.Open, stillwater.Closed} {
		moved := at.Add(time.Duration(n+1) * time.Minute)
		d.engine.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: id, Device: "door", Quantity: stillwater.Door, Value: state, At: moved, Received: moved}})
	}
}

// minute lets a minute pass, of meters read so often: by day each draws in two minutes of a half-hour, some 170 litres in all, and the door goes.
func (d *district) minute() {
	d.at = d.at.Add(time.Minute)
	d.engine.Step(&stillwater.Entry{Tick: d.at})
	hour, minute := d.at.In(shanghai).Hour(), d.at.Minute()
	for i, id := range d.ids {
		if hour >= 6 && hour < 23 && (minute*7+i*5)%30 < 2 {
			d.litres[i] += float64(1 + (i*13+hour*11)%4)
		}
		d.engine.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: id, Device: "meter", Quantity: stillwater.WaterTotal, Value: d.litres[i], At: d.at, Received: d.at}})
		if minute == 0 && (hour == 9 || hour == 10 || hour == 16) {
			d.door(id, d.at)
		}
	}
}

// BenchmarkHome tells how many bytes a home takes after it was lived in for some days, all that grows with the homes counted, and what a reading
// costs where people live: with a meter read each hour and a door, and with a meter read each minute.
func BenchmarkHome(b *testing.B) {
	b.Run("hourly", func(b *testing.B) {
		const homes = 20_000
		d := newDistrict(homes)
		bytes := d.grows(func() { d.live(60) })
		hours := 0
		for b.Loop() {
			d.hour()
			hours++
		}
		readings := hours * homes * 30 / 24 // six of the door each day
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(readings), "ns/reading")
		b.ReportMetric(bytes, "bytes/home")
		runtime.KeepAlive(d)
	})
	b.Run("minute", func(b *testing.B) {
		const homes = 2000
		d := newDistrict(homes)
		bytes := d.grows(func() {
			d.live(30)
			for range 24 * 60 {
				d.minute()
			}
		})
		minutes := 0
		for b.Loop() {
			d.minute()
			minutes++
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(minutes*homes), "ns/reading") // six of the door in a day do not count
		b.ReportMetric(bytes, "bytes/home")
		runtime.KeepAlive(d)
	})
}

// grows is how many bytes a home takes more after what was done.
func (d *district) grows(do func()) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return float64(after.HeapAlloc-before.HeapAlloc) / float64(len(d.ids))
}

// BenchmarkSnapshot and BenchmarkRestore are of one home each.
func BenchmarkSnapshot(b *testing.B) {
	d := newDistrict(1000)
	d.live(60)
	size := 0
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(d.ids) > 0 {
			continue
		}
		size = 0
		if err := d.engine.Changed(func(stillwater.HouseholdID) bool { return true }, func(_ stillwater.HouseholdID, data []byte) { size += len(data) }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)/float64(len(d.ids)), "bytes/home")
}

func BenchmarkRestore(b *testing.B) {
	d := newDistrict(1000)
	d.live(60)
	data := make(map[stillwater.HouseholdID][]byte)
	if err := d.engine.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, snapshot []byte) { data[id] = snapshot }); err != nil {
		b.Fatal(err)
	}
	fresh := New(append(Defaults(), OnTrial(Defaults())...))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		id := d.ids[i%len(d.ids)]
		if err := fresh.Restore(id, data[id]); err != nil {
			b.Fatal(err)
		}
	}
}
