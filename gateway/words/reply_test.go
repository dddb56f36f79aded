package words

import (
	"strings"
	"testing"
	"unicode/utf8"

	"stillwater"
)

func TestParseReply(t *testing.T) {
	ack := Command{Deed: stillwater.Acknowledge}
	well := Command{Deed: stillwater.Close, Outcome: stillwater.FalseAlarm, Known: stillwater.Spoken}
	away := Command{Deed: stillwater.Close, Outcome: stillwater.AwayFrom, Known: stillwater.Spoken}
	help := Command{Deed: stillwater.CallHelp}
	fake := Command{Deed: stillwater.Close, Outcome: stillwater.FalseAlarm, Known: stillwater.Assumed}
	coded := func(c Command, code string) Command { c.Code = code; return c }

	for text, want := range map[string]Command{
		"1": ack, " 1 ": ack, "1。": ack, "１": ack, "1!": ack, "“1”": ack, "1️⃣": ack, "\n1\n": ack, "回复1": ack, "回 1": ack, "Reply 1": ack,
		"1 我马上到": ack, "1我去": ack, "1 on my way": ack, "1, coming": ack, "1 ok": ack, "1，谢谢": ack, "1 thanks": ack, "1 yes please": ack,
		"1 K7M3": coded(ack, "K7M3"), "１ k7m": coded(ack, "K7M"), "1K7M3": coded(ack, "K7M3"), "1[K7M3]": coded(ack, "K7M3"), "1　【ｋ７ｍ３】": coded(ack, "K7M3"),
		"1 on my way K7M3": coded(ack, "K7M3"), "1 kxm": coded(ack, "KXM"), "1 733": coded(ack, "733"), "1、K7M3。": coded(ack, "K7M3"), "1 on my way KXMB": coded(ack, "KXMB"), "2平安 KXMB": coded(well, "KXMB"), "1 soon": ack, "1 coming now": ack,
		"1\n> Stillwater: Wang* ... [K7M3]": coded(ack, "K7M3"),
		"2":                                 well, "2 平安": well, "2平安，谢谢": well, "2 all well": well, "2 k7m3 all well, thanks": coded(well, "K7M3"), "２。": well, "2没事了": well,
		"3": away, "3 until Sunday 18:00": away, "3外出": away, "3 with us": away, "3 周六": away, "3 12月25日": away, "3 到12-25回": away, "3 2026-12-25.": away, "3 k7m 星期天": coded(away, "K7M"), "3 k7m": coded(away, "K7M"),
		"4": help, "4求助": help, "4 need help now": help, "4 she fell": help, "4! K7M3": coded(help, "K7M3"),
		"5": fake, "5误报": fake, "5 false alarm": fake, "5 [k7m3] 误报": coded(fake, "K7M3"),
	} {
		if got, ok := ParseReply(text); !ok || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, ok, want)
		}
	}

	// None of these is plainly a command; above all none may close.
	for _, text := range []string{
		"", " ", "ok", "yes", "好的", "我去", "0", "6", "9", "12", "1234", "11", "21", "13800138000", "K7M3", "K7M3 1",
		"5分钟到", "5 minutes", "5 min", "５分钟", "5min away", "2小时后到", "2 hours", "2楼", "2号楼", "3天", "3 days", "3周", "3 周", "3 12", "3点回来", "4点到", "4 pm", "4pm", "1点", "1小时", "1st floor", "1 hour",
		"1 or 2", "1 2", "2?3", "2 of us", "2 will check", "5 there soon", "5 on my way", "2 asleep", "3 coming over", "2 people", "5 people here", "2 she does not open", "2 不平安", "2 not well", "1 cannot come", "1 不去", "5 not false", "2平安不确定", "2 K7M3 not well",
		"stop", "STOP", "Stop.", "stopall", "unsubscribe", "cancel", "end", "quit", "T", "TD", "N", "td", "退订", "1 stop", "2 T", "1 退订", "退订1", "2 unsubscribe", "1 td",
		"I saw 1", "call me 1", "-1", "1.5", "2/3", "1:30", "2025-11-04",
	} {
		if got, ok := ParseReply(text); ok {
			t.Errorf("%q: taken for %+v", text, got)
		}
	}
}

// TestReplyPhrasesOfTheTexts: what a text tells people to answer is understood when they copy it.
func TestReplyPhrasesOfTheTexts(t *testing.T) {
	for text, deed := range map[string]stillwater.Deed{
		"1我去": stillwater.Acknowledge, "1我联系": stillwater.Acknowledge, "2平安": stillwater.Close, "3外出": stillwater.Close, "4求助": stillwater.CallHelp, "5误报": stillwater.Close,
		"1 on my way": stillwater.Acknowledge, "1 I will call": stillwater.Acknowledge, "2 all well": stillwater.Close, "3 away": stillwater.Close, "4 help": stillwater.CallHelp, "5 false alarm": stillwater.Close,
	} {
		if c, ok := ParseReply(text); !ok || c.Deed != deed {
			t.Errorf("%q: got %+v, %v; want %s", text, c, ok, deed)
		}
	}
}

func FuzzParseReply(f *testing.F) {
	for _, s := range []string{"1", "1 K7M3", "１ｋ７ｍ３", "5分钟到", "退订", "2\n[K7M3]", "1️⃣", "\xff1", "3 until 6"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, reply string) {
		c, ok := ParseReply(reply)
		if !ok {
			if c != (Command{}) {
				t.Fatalf("%q: no command, and yet %+v", reply, c)
			}
			return
		}
		if !utf8.ValidString(c.Code) || len(c.Code) > 8 || c.Code != strings.ToUpper(c.Code) {
			t.Fatalf("%q: code %q", reply, c.Code)
		}
		if (c.Deed == stillwater.Close) != (c.Outcome != "" && c.Known != "") {
			t.Fatalf("%q: a closing has an outcome and how it is known, others have none: %+v", reply, c)
		}
		if strings.Contains(reply, "退订") {
			t.Fatalf("%q: an opt-out was taken for %+v", reply, c)
		}
		for _, word := range []string{"stop", "unsubscribe"} {
			if _, ok := ParseReply(word + " " + reply); ok {
				t.Fatalf("%q: an opt-out was taken for a command", word+" "+reply)
			}
		}
	})
}
