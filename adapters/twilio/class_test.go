package twilio

import (
	"errors"
	"testing"

	"github.com/twilio/twilio-go/client"

	"stillwater"
)

// TestWhoIsRefused: what concerns the number or the text is refused by whoever is asked; what concerns the account may go by another. A number that
// opted out must never get a text by another way.
func TestWhoIsRefused(t *testing.T) {
	for code, elsewhere := range map[int]bool{21211: false, 21610: false, 21614: false, 20003: true, 20005: true, 21408: true, 21606: true, 99999: true} {
		c := &call{status: 400}
		err := c.class(&client.TwilioRestError{Code: code, Status: 400}, true)
		if !errors.Is(err, stillwater.ErrRefused) || errors.Is(err, stillwater.ErrUnable) != elsewhere {
			t.Errorf("%d: %v, another provider may try: want %v", code, err, elsewhere)
		}
	}
}
