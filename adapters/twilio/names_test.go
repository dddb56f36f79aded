package twilio

import (
	"strings"
	"testing"
)

func TestHideNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"'To' number +8613800138000 is invalid": "'To' number +…00 is invalid", "30005 after 12345": "30005 after 12345", "": "", "123456": "…56",
	} {
		if got := HideNumbers(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if strings.Contains(HideNumbers(strings.Repeat("1", 40)), "111") {
		t.Error("a long number shows")
	}
}

func TestForms(t *testing.T) {
	sid := strings.Repeat("0aF", 10) + "12"
	for s, want := range map[string]bool{"SM" + sid: true, "MM" + sid: true, "CA" + sid: false, "SM" + sid[1:]: false, "SM" + sid[1:] + "g": false, "": false} {
		if IsSID(s, "SM", "MM") != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
	for s, want := range map[string]bool{"+8613800138000": true, "+0123456789": false, "8613800138000": false, "+861380013800x": false, "+123456": false, "+1234567890123456": false} {
		if IsE164(s) != want {
			t.Errorf("%q: want %v", s, want)
		}
	}
}
