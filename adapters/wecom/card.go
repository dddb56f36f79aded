package wecom

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strings"

	"stillwater"
)

// labels are the words of cards, by language and key; the digits are those of replies.
var labels = map[string]map[string]string{
	"zh-CN": {
		"1": "我来处理", "2": "都平安", "3": "外出了", "4": "需要支援", "5": "误报", "done": "已收到：", "sender": "安居水哨",
		"urgent": "紧急提醒", "alert": "提醒", "ask": "请问", "update": "进展", "outcome": "结果", "open": "查看和处理", "group": "有一条提醒待处理", "number": "编号", "repeat": "重发",
	},
	"en": {
		"1": "I will see to it", "2": "All is well", "3": "Away", "4": "Need help", "5": "False alarm", "done": "Received: ", "sender": "Stillwater",
		"urgent": "Urgent", "alert": "Please look", "ask": "A question", "update": "News", "outcome": "Outcome", "open": "Look and answer", "group": "Something needs somebody", "number": "No.", "repeat": "repeat",
	},
}

// label is a word in the language of a reader; English where there is none.
func label(language, key string) string {
	if strings.HasPrefix(language, "zh") {
		return labels["zh-CN"][key]
	}
	return labels["en"][key]
}

// buttons are the digits that a message may be answered with; none where no answer is called for.
func buttons(m stillwater.Message) []string {
	switch m.Purpose {
	case stillwater.Ask:
		return []string{"2", "3"}
	case stillwater.Tell, stillwater.Again:
		return []string{"1", "2", "4", "5"}
	case stillwater.Check:
		return []string{"2", "4"}
	}
	return nil
}

// title says what kind of message it is.
func title(m stillwater.Message) string {
	switch m.Purpose {
	case stillwater.Ask, stillwater.Check, stillwater.Which:
		return "ask"
	case stillwater.Update:
		return "update"
	case stillwater.Done:
		return "outcome"
	}
	if m.Severity == stillwater.Urgent {
		return "urgent"
	}
	return "alert"
}

// body is the call that sends a message: a card with buttons where they can be pressed, a card that opens the message's page where it has
// one, else a plain text. It says no more of anybody than m.Text.
func (w *WeCom) body(m stillwater.Message) map[string]any {
	body := map[string]any{"touser": string(m.To), "agentid": w.cfg.AgentID}
	sender := w.cfg.Sender
	if sender == "" {
		sender = label(m.Language, "sender")
	}
	card := map[string]any{
		"source":         map[string]any{"desc": sender},
		"main_title":     map[string]any{"title": label(m.Language, title(m)), "desc": label(m.Language, "number") + " " + m.Code},
		"sub_title_text": m.Text,
		"task_id":        w.task(m),
	}
	if m.Link != "" {
		card["card_action"] = map[string]any{"type": 1, "url": m.Link}
		card["jump_list"] = []any{map[string]any{"type": 1, "title": label(m.Language, "open"), "url": m.Link}}
	}
	digits := buttons(m)
	switch {
	case w.crypt != nil && len(digits) > 0:
		delete(card, "jump_list") // a card with buttons has none
		var list []any
		for i, d := range digits {
			style := 2
			if i == 0 {
				style = 1
			}
			list = append(list, map[string]any{"text": label(m.Language, d), "style": style, "key": key(d, m.Language)})
		}
		card["card_type"], card["button_list"] = "button_interaction", list
	case m.Link != "":
		card["card_type"] = "text_notice"
	default:
		body["msgtype"], body["text"] = "text", map[string]string{"content": m.Text}
		return body
	}
	body["msgtype"], body["template_card"] = "template_card", card
	return body
}

// inEnglish ends the key of a button that is read in English, so that its answer is shown in English, too.
const inEnglish = ".en"

// key is what a button gives back.
func key(digit, language string) string {
	if strings.HasPrefix(language, "zh") {
		return digit
	}
	return digit + inEnglish
}

// unkey reads it: the digit, and what the card says from then on. False: it is none of ours.
func unkey(key string) (digit, shown string, ok bool) {
	digit, english := strings.CutSuffix(key, inEnglish)
	language := "zh-CN"
	if english {
		language = "en"
	}
	ok = len(digit) == 1 && digit[0] >= '1' && digit[0] <= '5'
	return digit, label(language, "done") + label(language, digit), ok
}

// groupText is all that a group is told: that there is something, its number, and where it is read.
func groupText(m stillwater.Message) string {
	lines := []string{label(m.Language, title(m)) + "：" + label(m.Language, "group"), label(m.Language, "number") + " " + m.Code}
	if m.Repeat {
		lines[0] = label(m.Language, "repeat") + " " + lines[0]
	}
	if m.Link != "" {
		lines = append(lines, m.Link)
	}
	return strings.Join(lines, "\n")
}

// A task's ID names the message and whom it is for: MESSAGE@PROOF, in the letters WeCom takes, up to 128 of them.
var (
	plainID  = regexp.MustCompile(`^[0-9A-Z][0-9A-Za-z-]{0,80}$`)
	taskForm = regexp.MustCompile(`^([0-9A-Za-z_-]{1,110})@([0-9a-f]{16})$`)
)

// encoded is what an ID begins with that is written in base64, because it has other letters.
const encoded = "_"

// task is the ID of the task that a card is.
func (w *WeCom) task(m stillwater.Message) string {
	name := string(m.ID)
	if !plainID.MatchString(name) {
		name = encoded + base64.RawURLEncoding.EncodeToString([]byte(m.ID))
	}
	if len(name) > 110 {
		sum := sha256.Sum256([]byte(m.ID)) // its buttons lead nowhere, and it is told once all the same
		name = "-" + hex.EncodeToString(sum[:])
	}
	return name + "@" + w.proof(name, string(m.To))
}

// proof binds a task to the member it went to: WeCom gives IDs back in small letters.
func (w *WeCom) proof(name, member string) string {
	mac := hmac.New(sha256.New, []byte("stillwater: task of a card\n"+w.cfg.Secret.Reveal()))
	mac.Write([]byte(name + "\n" + strings.ToLower(member)))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// untask gives the message that a task is about, if the member is who it went to.
func (w *WeCom) untask(task, member string) (stillwater.MessageID, bool) {
	m := taskForm.FindStringSubmatch(task)
	if m == nil || !hmac.Equal([]byte(w.proof(m[1], member)), []byte(m[2])) {
		return "", false
	}
	if text, ok := strings.CutPrefix(m[1], encoded); ok {
		id, err := base64.RawURLEncoding.DecodeString(text)
		return stillwater.MessageID(id), err == nil && len(id) > 0
	}
	return stillwater.MessageID(m[1]), m[1][0] != '-'
}
