package broker

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// rights is what a kind of device writes and reads; {t} is its topic.
type rights struct{ publish, subscribe []string }

// deviceRights is by the makers' documents: https://tasmota.github.io/docs/MQTT/ (with its default of topics) and
// https://shelly-api-docs.shelly.cloud/gen2/ComponentsAndServices/Mqtt.
var deviceRights = map[string]rights{
	"tasmota": {
		publish:   []string{"tele/{t}/#", "stat/{t}/#", "tasmota/discovery/#"},
		subscribe: []string{"cmnd/{t}/#", "cmnd/tasmotas/#"},
	},
	"shelly": {
		publish:   []string{"{t}/online", "{t}/events/#", "{t}/status/#", "{t}/debug/#"},
		subscribe: []string{"{t}/rpc", "{t}/command/#", "shellies/command"},
	},
	"zigbee2mqtt": { // a bridge: t is its base topic
		publish:   []string{"{t}/#", "homeassistant/#"},
		subscribe: []string{"{t}/#", "homeassistant/status"},
	},
}

// permissions is what the user may do, in the server's words. Nobody may reach the store's own subjects: an MQTT topic is a subject with other
// separators, and "$JS/API/…" would be the store's control.
func (u *User) permissions() *server.Permissions {
	inner := []string{"$JS.>", "$SYS.>"}
	p := &server.Permissions{
		Publish:   &server.SubjectPermission{Deny: append([]string{"$MQTT.>"}, inner...)},
		Subscribe: &server.SubjectPermission{Deny: inner},
	}
	own := u.own()
	if own == nil {
		return p
	}
	p.Publish.Allow = subjects(own.publish)
	if len(p.Publish.Allow) == 0 {
		p.Publish.Deny = []string{">"}
	}
	// The server itself delivers by a subject of its own, which no client can ask for.
	p.Subscribe.Allow = append(subjects(own.subscribe), "$MQTT.sub.>", "$MQTT.deliver.>")
	return p
}

// own is what the user is restricted to; nil: to nothing.
func (u *User) own() *rights {
	if u.Device == "" && u.Publish == nil && u.Subscribe == nil {
		return nil
	}
	r := rights{publish: u.Publish, subscribe: u.Subscribe}
	kind, topic, _ := strings.Cut(u.Device, "/")
	for _, t := range deviceRights[kind].publish {
		r.publish = append(r.publish, strings.ReplaceAll(t, "{t}", topic))
	}
	for _, t := range deviceRights[kind].subscribe {
		r.subscribe = append(r.subscribe, strings.ReplaceAll(t, "{t}", topic))
	}
	return &r
}

// subjects writes topic filters as the server does. Like a subscription to a/#, the right to a/# is one to a as well.
func subjects(filters []string) []string {
	var list []string
	for _, f := range filters {
		stem, all := strings.CutSuffix(f, "/#")
		if all {
			list = append(list, subject(stem))
		}
		list = append(list, subject(f))
	}
	return list
}

// subject writes a topic filter as a subject of the server: levels with dots between, a dot as two slashes, other wildcards.
func subject(filter string) string {
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch level {
		case "+":
			levels[i] = "*"
		case "#":
			levels[i] = ">"
		default:
			levels[i] = strings.ReplaceAll(level, ".", "//")
		}
	}
	return strings.Join(levels, ".")
}

func (u *User) validate(report func(field any, problem string)) {
	kind, topic, _ := strings.Cut(u.Device, "/")
	if _, known := deviceRights[kind]; u.Device != "" && (!known || checkFilter(topic) != "" || strings.ContainsAny(topic, "+#")) {
		report(&u.Device, fmt.Sprintf("%q is not a device; write tasmota/, shelly/ or zigbee2mqtt/ and its topic, like tasmota/hall; for others list publish and subscribe", u.Device))
	}
	for i := range u.Publish {
		if problem := checkFilter(u.Publish[i]); problem != "" {
			report(&u.Publish[i], problem)
		}
	}
	for i := range u.Subscribe {
		if problem := checkFilter(u.Subscribe[i]); problem != "" {
			report(&u.Subscribe[i], problem)
		}
	}
}

// checkFilter says why rights cannot be given by a filter, "" if they can.
func checkFilter(filter string) string {
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		wild := strings.ContainsAny(level, "+#")
		if level == "" || strings.ContainsAny(level, " \t*>") || wild && len(level) > 1 || level == "#" && i < len(levels)-1 {
			return fmt.Sprintf("%q gives no rights; write topics without spaces and empty levels, + for one whole level, # for all at the end, like home/7/#", filter)
		}
	}
	if strings.HasPrefix(filter, "$") {
		return fmt.Sprintf("%q is the broker's own; nobody has rights there", filter)
	}
	return ""
}
