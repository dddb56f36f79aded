package console

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stillwater/gateway/health"
)

// Devices gives how every device is, home by home in the order of the registry, and the conditions of the gateway.
type Devices interface {
	Devices(ctx context.Context) ([]health.Device, []health.Condition, error)
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
	All      []gearLine
	MoreAll  int
}

func (b maintenanceBody) title() string { return b.Title }

// feedLine is a bus, broker or platform that is away.
type feedLine struct{ Text, Error, Since string }

// gearLine is one device.
type gearLine struct {
	Home, Place, URL string
	Kind, ID, Source string
	Troubles         []troubleLine
	Heard, HeardAgo  string // "" if never
	Every            string
	Battery, Signal  string
}

type troubleLine struct{ Code, Text, More string }

func (c *Console) maintenance(v *view, r *http.Request) (any, error) {
	devices, conditions, err := c.Devices.Devices(r.Context())
	if err != nil {
		return nil, err
	}
	feeds, work := health.Work(devices, conditions)
	b := maintenanceBody{Title: v.t("maintenance.title"), MoreWork: max(0, len(work)-maxWork), MoreAll: max(0, len(devices)-maxDevices)}
	for _, f := range feeds {
		b.Feeds = append(b.Feeds, feedLine{
			Text: v.t("maintenance.feed", "Name", f.Name, "Count", f.Behind), Error: f.Error, Since: v.moment(f.Since, v.c.Zone),
		})
	}
	for i := range work[:len(work)-b.MoreWork] {
		b.Work = append(b.Work, v.gearLine(&work[i]))
	}
	for i := range devices[:len(devices)-b.MoreAll] {
		b.All = append(b.All, v.gearLine(&devices[i]))
	}
	return b, nil
}

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
	if t.Off > 0 {
		more = append(more, v.t("trouble.off", "Span", v.span(t.Off)))
	}
	return troubleLine{t.Code, v.word("trouble", t.Code), strings.Join(more, " · ")}
}

// apiDevices is the maintenance list for machines.
func (c *Console) apiDevices(w http.ResponseWriter, r *http.Request) {
	devices, conditions, err := c.Devices.Devices(r.Context())
	if err != nil {
		c.Log.Error("devices", "err", err)
		c.json(w, http.StatusInternalServerError, map[string]string{"error": "the store did not answer"})
		return
	}
	feeds, _ := health.Work(devices, conditions)
	c.json(w, http.StatusOK, map[string]any{"feeds": append([]health.Feed{}, feeds...), "devices": append([]health.Device{}, devices...)})
}
