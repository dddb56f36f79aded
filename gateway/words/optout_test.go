package words

import (
	"strings"
	"testing"

	"stillwater"
)

// TestParseOptOut: carriers' words in every form people write them, and none of them a command; nothing else is one.
func TestParseOptOut(t *testing.T) {
	const out, in = true, false
	for text, want := range map[string]bool{
		"STOP": out, "stop": out, " Stop. ": out, "STOPALL": out, "unsubscribe": out, "cancel": out, "END": out, "quit": out, "Revoke": out, "OPTOUT": out,
		"T": out, "t": out, "TD": out, "N": out, "n。": out, "退订": out, "退订。": out, "ＳＴＯＰ": out, "Ｔ": out, "ＴＤ": out, "Ｎ": out, "TD退订": out, "退订T": out, "回复TD退订": out, "我要退订": out, "请退订，谢谢": out,
		"拒收": out, "STOP [K7M3]": out, "退订\n> 【安居水哨】王*家…[K7M3]": out, "“退订”": out,
		"START": in, "start": in, "unstop": in, "恢复": in, "恢复短信": in, "请恢复": in, "取消退订": in, "ＳＴＡＲＴ": in,
	} {
		if got, ok := ParseOptOut(text); !ok || got != want {
			t.Errorf("%q: out %v, %v; want out %v", text, got, ok, want)
		}
		if c, ok := ParseReply(text); ok {
			t.Errorf("%q is taken for the command %+v", text, c)
		}
	}
	for _, text := range []string{
		"", " ", "1", "2", "5", "1 on my way", "the end", "end of the street", "not yet", "No", "NO", "no", "yes", "YES", "TT", "NT", "T1", "1T", "不退订", "别退订", "怎么退订？", "stop it", "please stop the water", "cancel my trip", "start the pump",
		"她恢复了健康", "恢复得很好", "水恢复了吗", "K7M3", "[K7M3]", "TDN7", "quit smoking",
	} {
		if out, ok := ParseOptOut(text); ok {
			t.Errorf("%q is taken for a carrier's word (out %v)", text, out)
		}
	}
}

// TestKnownBySeen: how it is known is what was written, and spoken to where nothing was.
func TestKnownBySeen(t *testing.T) {
	for text, want := range map[string]stillwater.Known{
		"2": stillwater.Spoken, "2 all well": stillwater.Spoken, "2 spoken": stillwater.Spoken, "2 通过话": stillwater.Spoken, "2 seen": stillwater.Seen, "2 Seen K7M3": stillwater.Seen,
		"2 见到了": stillwater.Seen, "2 已见到，都平安": stillwater.Seen, "2 seen, all well": stillwater.Seen, "5": stillwater.Assumed, "3": stillwater.Spoken,
	} {
		if c, ok := ParseReply(text); !ok || c.Known != want {
			t.Errorf("%q: %+v, %v; want %s", text, c, ok, want)
		}
	}
	for _, text := range []string{"2 not seen", "2 没见到", "2 平安，没见到人", "2 seen?no"} {
		if c, ok := ParseReply(text); ok {
			t.Errorf("%q is taken for %+v", text, c)
		}
	}
}

// FuzzParseOptOut: no text is both a command and a carrier's word.
func FuzzParseOptOut(f *testing.F) {
	for _, s := range []string{"T", "1 T", "2退订", "STOP", "1 [STOP]", "[STOP] 1", "恢复 1", "END\n1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		_, word := ParseOptOut(reply)
		c, command := ParseReply(reply)
		if word && command {
			t.Fatalf("%q is both a carrier's word and %+v", reply, c)
		}
		if word && strings.TrimSpace(reply) == "" {
			t.Fatalf("%q is taken for a word", reply)
		}
	})
}
