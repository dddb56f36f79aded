package console

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater/gateway/health"
)

// Gear is what readings come from: every device, home by home in the order of the registry, the buses, and what is not well with the
// gateway.
type Gear struct {
	Devices    []health.Device
	Buses      []health.Line
	Conditions []health.Condition
	Strangers  map[string]int // devices that are entered nowhere, by feed
}

// Devices gives how the gear is.
type Devices interface {
	Devices(ctx context.Context) (Gear, error)
}

// Bounds of the page of devices.
const (
	maxWork    = 200
	maxDevices = 500
)

// maintenanceBody is what has to be looked after, and all devices.
type maintenanceBody struct {
	Title    string
	Feeds    []feedLine
	Work     []gearLine
	MoreWork int // not shown
	Buses    []busLine
	Unknown  []string // of what feeds devices are heard that are entered nowhere
	All      []gearLine
	MoreAll  int
}

func (b maintenanceBody) title() string { return b.Title }

// feedLine is a bus, broker or platform that is away.
type feedLine struct{ Text, Error, Since string }

// busLine is how a bus fares.
type busLine struct {
	Name, Asked, Failed, Took, Last, Why string
	Silent                               bool
}

// gearLine is one device.
type gearLine struct {
	Home, Place, URL string
	Kind, ID, Source string
	Troubles         []troubleLine
	Heard, HeardAgo  string // "" if never
	Every            string
	Battery, Signal  string
	Failed           string // of what is asked on a bus
}

type troubleLine struct{ Code, Text, More string }

func (c *Console) maintenance(v *view, r *http.Request) (any, error) {
	gear, err := c.Devices.Devices(r.Context())
	if err != nil {
		return nil, err
	}
	devices := gear.Devices
	feeds, work := health.Work(devices, gear.Conditions)
	b := maintenanceBody{Title: v.t("maintenance.title"), MoreWork: max(0, len(work)-maxWork), MoreAll: max(0, len(devices)-maxDevices)}
	for _, f := range feeds {
		b.Feeds = append(b.Feeds, feedLine{
			Text: v.t("maintenance.feed", "Name", f.Name, "Count", f.Behind), Error: f.Error, Since: v.moment(f.Since, v.c.Zone),
		})
	}
	for _, feed := range slices.Sorted(maps.Keys(gear.Strangers)) {
		b.Unknown = append(b.Unknown, v.t("maintenance.unknown", "Name", feed, "Count", gear.Strangers[feed]))
	}
	for _, l := range gear.Buses {
		b.Buses = append(b.Buses, v.busLine(l))
	}
	for i := range work[:len(work)-b.MoreWork] {
		b.Work = append(b.Work, v.gearLine(&work[i]))
	}
	for i := range devices[:len(devices)-b.MoreAll] {
		b.All = append(b.All, v.gearLine(&devices[i]))
	}
	return b, nil
}

func (v *view) busLine(l health.Line) busLine {
	line := busLine{
		Name: l.Bus, Silent: l.Silent, Why: l.Why, Asked: strconv.FormatUint(l.Asked, 10), Took: strconv.FormatInt(l.Took.Milliseconds(), 10) + " ms",
		Failed: percent(l.Failed()),
	}
	if !l.Last.IsZero() {
		line.Last = v.away(l.Last)
	}
	return line
}

// percent is a part that matters even when it is small.
func percent(p float64) string { return strconv.FormatFloat(p, 'f', 1, 64) + " %" }

func (v *view) gearLine(d *health.Device) gearLine {
	h := v.home(d.Household)
	loc := h.Location()
	line := gearLine{Home: v.name(h), Place: place(h), URL: "/homes/" + string(d.Household), Kind: string(d.Kind), ID: string(d.Device), Source: d.Source}
	if !d.Heard.IsZero() {
		line.Heard, line.HeardAgo = v.moment(d.Heard, loc), v.away(d.Heard)
	}
	if d.Every > 0 {
		line.Every = v.t("device.every", "Span", v.span(d.Every))
	}
	if !d.BatteryAt.IsZero() {
		line.Battery = strconv.Itoa(int(d.Battery)) + " %"
	}
	if !d.SignalAt.IsZero() {
		line.Signal = strconv.Itoa(int(d.Signal)) + " dBm"
	}
	if d.Line != nil && d.Line.Asked > 0 {
		line.Failed = percent(d.Line.Failed())
	}
	for _, t := range d.Troubles {
		line.Troubles = append(line.Troubles, v.troubleLine(t, loc))
	}
	return line
}

// troubleLine says what is wrong, and what goes with it.
func (v *view) troubleLine(t health.Trouble, loc *time.Location) troubleLine {
	var more []string
	if !t.Since.IsZero() {
		more = append(more, v.t("since")+" "+v.moment(t.Since, loc))
	}
	if t.Times > 1 {
		more = append(more, v.t("trouble.times", "Count", t.Times))
	}
	if t.Code == health.Lossy {
		more = append(more, percent(t.Value))
	}
	if t.Off > 0 {
		more = append(more, v.t("trouble.off", "Span", v.span(t.Off)))
	}
	return troubleLine{t.Code, v.word("trouble", t.Code), strings.Join(more, " · ")}
}

// apiDevices is the maintenance list for machines.
func (c *Console) apiDevices(w http.ResponseWriter, r *http.Request) {
	gear, err := c.Devices.Devices(r.Context())
	if err != nil {
		c.Log.Error("devices", "err", err)
		c.json(w, http.StatusInternalServerError, map[string]string{"error": "the store did not answer"})
		return
	}
	feeds, _ := health.Work(gear.Devices, gear.Conditions)
	c.json(w, http.StatusOK, map[string]any{
		"feeds": append([]health.Feed{}, feeds...), "unknown": gear.Strangers, "buses": append([]health.Line{}, gear.Buses...), "devices": append([]health.Device{}, gear.Devices...),
	})
}
