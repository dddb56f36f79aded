package devices

import (
	"encoding/json"
	"slices"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// availabilityTopic says by its Last Will whether the sender for the whole city is there. A client has one will only: those of
// the homes are published when it comes and when it goes in good order.
const availabilityTopic = "stillwater/availability"

// A message is one MQTT message that is due.
type message struct {
	topic    string
	payload  []byte
	retained bool
	at       time.Time
}

// contactState is what a door contact sends, in the words of Zigbee contacts: contact true is closed.
type contactState struct {
	Contact bool      `json:"contact"`
	Battery int       `json:"battery"`
	TS      time.Time `json:"ts"`
}

// pulseState is what a pulse meter sends.
type pulseState struct {
	Litres float64   `json:"litres"`
	TS     time.Time `json:"ts"`
}

// messages is what all MQTT devices of a world say in (from, to], in order of time.
func messages(w *world.World, homes []stillwater.Household, from, to time.Time) []message {
	var all []message
	for _, h := range homes {
		for _, r := range w.Reports(h.ID, from, to) {
			topic := point(r.Device, world.MQTTFeed)
			if topic == "" {
				continue // a Modbus meter is asked
			}
			all = append(all, message{topic: topic, payload: payload(w, h.ID, r), at: r.Said})
		}
	}
	slices.SortStableFunc(all, func(a, b message) int { return a.at.Compare(b.at) })
	return all
}

// payload is one report as its device words it. A heartbeat repeats the state of the door.
func payload(w *world.World, home stillwater.HouseholdID, r world.Report) []byte {
	at := r.At.UTC()
	if r.Quantity == stillwater.WaterTotal {
		return encode(pulseState{r.Value, at})
	}
	open := r.Quantity == stillwater.Door && r.Value == stillwater.Open
	if r.Quantity == stillwater.Alive {
		open = w.ContactOpen(home, r.At)
	}
	return encode(contactState{!open, w.Battery(home, r.At), at})
}

// encode makes JSON of a struct of plain fields, which cannot go wrong.
func encode(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}

// availability is every home's radio coming or going.
func availability(homes []stillwater.Household, word string) []message {
	all := []message{{topic: availabilityTopic, payload: []byte(word), retained: true}}
	for _, h := range homes {
		all = append(all, message{topic: "stillwater/" + string(h.ID) + "/availability", payload: []byte(word), retained: true})
	}
	return all
}
