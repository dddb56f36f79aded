package api

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/health"
)

// deviceDoc is how a device is.
type deviceDoc struct {
	Household stillwater.HouseholdID `json:"household"`
	ID        stillwater.DeviceID    `json:"id"`
	Kind      stillwater.DeviceKind  `json:"kind"`
	Source    string                 `json:"source"`
	Heard     *time.Time             `json:"heard,omitempty"`
	Every     int64                  `json:"everySeconds,omitempty"`
	Silent    bool                   `json:"silent"`
	Battery   *float64               `json:"batteryPercent,omitempty"`
	Signal    *float64               `json:"signalDbm,omitempty"`
	Troubles  []troubleDoc           `json:"troubles"`
}

// troubleDoc is one thing that is wrong with a device.
type troubleDoc struct {
	Code  string     `json:"code"`
	Since *time.Time `json:"since,omitempty"`
	Times int        `json:"times,omitempty"`
}

// devices lists the devices of the key's area, by home and ID.
func (a *API) devices(c *call) (any, error) {
	l, err := c.listing("devices", "trouble")
	if err != nil {
		return nil, err
	}
	trouble, err := choices(c, "trouble", []string{"true", "false"})
	if err != nil {
		return nil, err
	}
	all, err := a.Devices.Devices(c.Context())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(d health.Device) bool {
		_, ok := a.visible(c, d.Household)
		wanted := len(trouble) == 0 || slices.Contains(trouble, map[bool]string{true: "true", false: "false"}[len(d.Troubles) > 0])
		return !ok || !wanted || deviceName(d) <= l.after.ID
	})
	slices.SortFunc(all, func(x, y health.Device) int { return cmp.Compare(deviceName(x), deviceName(y)) })
	p := page[deviceDoc]{Items: []deviceDoc{}}
	for _, d := range all[:min(l.limit, len(all))] {
		p.Items = append(p.Items, deviceDocOf(d))
	}
	if len(all) > l.limit {
		p.Next = cursor{ID: deviceName(all[l.limit-1]), Of: "devices"}.String()
	}
	return p, nil
}

// deviceName orders devices by home.
func deviceName(d health.Device) string { return string(d.Household) + "\x00" + string(d.Device) }

func deviceDocOf(d health.Device) deviceDoc {
	doc := deviceDoc{
		Household: d.Household, ID: d.Device, Kind: d.Kind, Source: d.Source, Heard: moment(d.Heard), Every: seconds(d.Every), Silent: d.Silent,
		Troubles: []troubleDoc{},
	}
	if !d.BatteryAt.IsZero() {
		doc.Battery = &d.Battery
	}
	if !d.SignalAt.IsZero() {
		doc.Signal = &d.Signal
	}
	for _, t := range d.Troubles {
		doc.Troubles = append(doc.Troubles, troubleDoc{t.Code, moment(t.Since), t.Times})
	}
	return doc
}

// healthDoc is how the gateway is.
type healthDoc struct {
	Status     string             `json:"status"` // ok or ill
	Conditions []health.Condition `json:"conditions"`
}

// health says what is not well with the gateway.
func (a *API) health(*call) (any, error) {
	d := healthDoc{Status: "ok", Conditions: append([]health.Condition{}, a.Health.Conditions()...)}
	if len(d.Conditions) > 0 {
		d.Status = "ill"
	}
	return d, nil
}

func incidentAttr(i stillwater.Incident) slog.Attr { return slog.String("incident", string(i.ID)) }
