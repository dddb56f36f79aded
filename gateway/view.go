package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"stillwater"
	"stillwater/adapters/sms"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/console"
	"stillwater/gateway/health"
	"stillwater/gateway/incident"
	"stillwater/gateway/pipeline"
)

// view is the gateway as the console sees it.
type view struct{ *gateway }

// viewPatience bounds how long a page waits for a shard that is held up.
const viewPatience = 2 * time.Second

// Standings gives how every home is; none while a shard is held up by its store.
func (v *view) Standings() []stillwater.Standing {
	ctx, cancel := context.WithTimeout(context.Background(), viewPatience)
	defer cancel()
	list, err := v.pipeline.Standings(ctx)
	if err != nil {
		return nil
	}
	return list
}

// OpenIncidents gives the incidents people still have to deal with.
func (v *view) OpenIncidents(ctx context.Context) ([]stillwater.Incident, error) {
	return v.store.Incidents(ctx, sqlite.IncidentQuery{OpenOnly: true})
}

// Incident gives one.
func (v *view) Incident(ctx context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error) {
	return v.store.Incident(ctx, id)
}

// RecentIncidents gives the last of a household.
func (v *view) RecentIncidents(ctx context.Context, household stillwater.HouseholdID, limit int) ([]stillwater.Incident, error) {
	return v.store.Incidents(ctx, sqlite.IncidentQuery{Household: household, Limit: limit})
}

// IncidentMessages gives its texts.
func (v *view) IncidentMessages(ctx context.Context, id stillwater.IncidentID) ([]stillwater.Message, error) {
	return v.store.Messages(ctx, sqlite.MessageQuery{Incident: id})
}

// Readings gives a home's readings since a moment.
func (v *view) Readings(ctx context.Context, household stillwater.HouseholdID, since time.Time) ([]stillwater.Reading, error) {
	var list []stillwater.Reading
	err := v.store.Readings(ctx, household, since, func(r stillwater.Reading) error {
		list = append(list, r)
		return nil
	})
	return list, err
}

// Act does what somebody decided on a page.
func (v *view) Act(ctx context.Context, a stillwater.Act) error {
	i, ok, err := v.store.Incident(ctx, a.Incident)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("no such incident")
	}
	return v.pipeline.Act(ctx, i.Household, a)
}

// Away takes an absence that somebody entered on a page.
func (v *view) Away(ctx context.Context, a stillwater.Absence) error {
	return v.pipeline.Away(ctx, a)
}

// WaterOf names what a home shares its water with.
func (v *view) WaterOf(p stillwater.Place) []string { return pipeline.WaterOf(p) }

// Announce takes a water cut that somebody entered on a page.
func (v *view) Announce(ctx context.Context, a stillwater.Announced) error {
	return v.pipeline.Announce(ctx, a)
}

// refused gives the reason of a refusal.
func refused(err error) (string, bool) {
	var r *incident.Refusal
	if errors.As(err, &r) {
		return string(r.Reason), true
	}
	return "", false
}

// Conditions gives what is not well with the gateway.
func (v *view) Conditions() []console.Condition {
	var list []console.Condition
	for _, c := range v.health.Conditions() {
		list = append(list, console.Condition{Code: c.Part, Title: c.Part + ": " + c.Error, Severity: stillwater.Alert, Since: c.Since})
	}
	return list
}

// Devices gives how every device is, how the buses fare, and what is not well with the gateway.
func (v *view) Devices(ctx context.Context) (console.Gear, error) {
	ctx, cancel := context.WithTimeout(ctx, viewPatience)
	defer cancel()
	states, err := v.pipeline.Devices(ctx)
	if err != nil {
		return console.Gear{}, err
	}
	homes := map[stillwater.HouseholdID]stillwater.Standing{}
	for _, s := range v.Standings() {
		homes[s.Household] = s
	}
	gear := console.Gear{Conditions: v.health.Conditions(), Strangers: v.devices.Strangers()}
	units := map[string]*health.Line{}
	for _, l := range v.lines() {
		if l.Unit == "" {
			gear.Buses = append(gear.Buses, l)
		}
		for _, source := range l.Sources {
			units[source] = &l
		}
	}
	for _, s := range states {
		h, _ := v.registry.Household(s.Household)
		i := slices.IndexFunc(h.Devices, func(d stillwater.Device) bool { return d.ID == s.Device })
		if i < 0 {
			continue
		}
		d := h.Devices[i]
		gear.Devices = append(gear.Devices, v.devices.Judge(health.Seen{Device: d, State: s, Home: homes[s.Household], Line: units[d.Source]}, v.clock.Now()))
	}
	return gear, nil
}

// lines is how the buses and their units fare.
func (g *gateway) lines() (list []health.Line) {
	for _, b := range g.buses {
		for _, s := range b.Stats() {
			list = append(list, health.Line{
				Bus: s.Bus, Unit: s.Unit, Sources: s.Sources, Asked: s.Asked, Answered: s.Answered, Refusals: s.Refusals,
				Timeouts: s.Timeouts, BadFrames: s.BadFrames, Lost: s.Lost, Connects: s.Connects, Last: s.Last, Took: s.Took, Silent: s.Silent, Why: s.Why,
			})
		}
	}
	return list
}

// Turn says who is told next of an incident, and when.
func (v *view) Turn(i stillwater.Incident, h stillwater.Household) ([]stillwater.Contact, time.Time) {
	return incident.Turn(v.pipeline.Case(i, h))
}

// phonesView is the phones channel as the console sees it.
type phonesView struct{ *gateway }

// came says how a message came that is no text.
var came = map[stillwater.Channel]string{
	stillwater.Voice: "☎ 来电 call: ", stillwater.WeCom: "▣ 企业微信 WeCom: ", stillwater.Email: "✉ 邮件 e-mail: ", stillwater.Webhook: "⇢ 值班屏 webhook: ",
}

// Texts gives the latest texts, oldest first.
func (p phonesView) Texts(limit int) []console.Text {
	texts := p.phones.Texts()
	texts = texts[max(0, len(texts)-limit):]
	list := make([]console.Text, 0, len(texts))
	for _, t := range texts {
		list = append(list, console.Text{Phone: t.Phone, From: t.Direction == sms.In, Body: came[t.Channel] + t.Text, At: t.At})
	}
	return list
}

// Write sends a text from a phone to the gateway.
func (p phonesView) Write(_ context.Context, from stillwater.Phone, body string) error {
	p.phones.Write(from, body)
	p.courier.WakeInbox()
	return nil
}
