package templatesms

import (
	"strings"
	"testing"
	"time"

	"stillwater"
)

func TestValidate(t *testing.T) {
	p := newProvider(t)
	for _, c := range []struct {
		of     string
		change func(*Config)
		want   string
	}{
		{aliyun, func(c *Config) { c.Provider = "ali" }, "is no provider"},
		{aliyun, func(c *Config) { c.Sign = "" }, "signature"},
		{aliyun, func(c *Config) { c.Sign = "【安居水哨】" }, "the provider adds the brackets"},
		{aliyun, func(c *Config) { c.Key = "" }, "name of the credential"},
		{aliyun, func(c *Config) { c.App = "1400006666" }, "SmsSdkAppId"},
		{aliyun, func(c *Config) { c.Region = "ap-beijing" }, "Tencent Cloud's"},
		{aliyun, func(c *Config) { c.Generic = &Generic{} }, "another provider"},
		{aliyun, func(c *Config) { c.Secret = stillwater.Secret{} }, "no secret is named"},
		{aliyun, func(c *Config) { c.Secret.Set("") }, "is empty"},
		{aliyun, func(c *Config) { c.Templates = nil }, "no templates"},
		{aliyun, func(c *Config) { c.BaseURL = "http://sms.example.org" }, "unencrypted"},
		{aliyun, func(c *Config) { c.Timeout = time.Hour }, "not between"},
		{aliyun, func(c *Config) { c.Templates[0].ID = "" }, "the name that the provider gave it"},
		{aliyun, func(c *Config) { c.Templates[0].Text = "${name}" }, "nothing but variables"},
		{aliyun, func(c *Config) { c.Templates[0].Text = "提醒${name}${what}" }, "side by side"},
		{aliyun, func(c *Config) { c.Templates[0].Text = "提醒${name}，${name}" }, "stands twice"},
		{aliyun, func(c *Config) { c.Templates[0].Text = "【提醒】${name}" }, "providers refuse"},
		{aliyun, func(c *Config) { c.Templates[0].Text = "提醒{1}" }, "written like ${name}"},
		{aliyun, func(c *Config) { c.Templates[0].Text = "提醒[${name}]" }, "square bracket"},
		{aliyun, func(c *Config) { c.Templates[0].Text = strings.Repeat("水", 501) }, "501 characters"},
		{aliyun, func(c *Config) { c.Templates[0].Severities = []stillwater.Severity{"red"} }, "no severity"},
		{aliyun, func(c *Config) { c.Templates[0].Purposes = []stillwater.Purpose{"a"} }, "no purpose"},
		{aliyun, func(c *Config) { c.Templates[0].Vars = []Variable{{Name: "nobody"}} }, "has no ${nobody}"},
		{aliyun, func(c *Config) { c.Templates[0].Vars = []Variable{{Name: "name", Only: "han"}} }, "digits, or letters"},
		{aliyun, func(c *Config) { c.Templates[0].Vars = []Variable{{Name: "name", Max: -1}} }, "not a number of characters"},
		{aliyun, func(c *Config) { c.Templates[0].Vars = []Variable{{Name: "name", Star: "★"}} }, "providers refuse"},
		{aliyun, func(c *Config) { c.Templates[0].Vars = []Variable{{}} }, "needs its name"},
		{tencent, func(c *Config) { c.App = "" }, "SmsSdkAppId"},
		{generic, func(c *Config) { c.Generic = nil }, "needs a description"},
		{generic, func(c *Config) { c.BaseURL = "https://x.example" }, "take base_url out"},
		{generic, func(c *Config) { c.Generic.Send.URL = "http://sms.example.org" }, "unencrypted"},
		{generic, func(c *Config) { c.Generic.Send.Method = "PUT" }, "GET or POST"},
		{generic, func(c *Config) { c.Generic.Send.Encoding = "xml" }, "json or form"},
		{generic, func(c *Config) { c.Generic.Send.Fields["x"] = "{number}" }, "{number} stands for nothing"},
		{generic, func(c *Config) { c.Generic.Success = Success{} }, "how success looks"},
		{generic, func(c *Config) { c.Generic.Sign.Kind = "crc" }, "md5 or hmac-sha256"},
		{generic, func(c *Config) { c.Generic.Sign.Of = "" }, "needs both"},
		{generic, func(c *Config) { c.Generic.Sign.Of = "{signature}" }, "of itself"},
		{generic, func(c *Config) { c.Generic.Sign.Write = "b64" }, "hex, HEX or base64"},
		{generic, func(c *Config) { c.Generic.Codes.Limited = []string{"0"} }, "stands in two lists"},
		{generic, func(c *Config) { c.Generic.Receipts.State = "" }, "receipts need state"},
		{generic, func(c *Config) { c.Generic.Receipts.Code = "" }, "told from others"},
		{generic, func(c *Config) {
			c.Generic.Receipts.Code, c.Generic.Receipts.ID, c.Generic.Receipts.Complete = "", "id", true
		}, "name its field in code"},
	} {
		if _, err := New(p.config(c.of, c.change), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: wants %q, got %v", c.of, c.want, err)
		}
	}
	for _, of := range []string{aliyun, tencent, generic} {
		if _, err := New(p.config(of), Options{}); err != nil {
			t.Errorf("%s: %v", of, err)
		}
	}
}

// Of several templates the first counts that is for the message and whose variables it has.
func TestChoice(t *testing.T) {
	c := newProvider(t).config(aliyun, func(c *Config) {
		c.Templates = []Template{
			{ID: "urgent", Text: "紧急：${name}，${what}，编号${code}", Severities: []stillwater.Severity{stillwater.Urgent}, Vars: []Variable{{Name: "name", Max: 3, Star: "某"}}},
			{ID: "again", Text: "可能重复：${name}，${what}", Repeat: true, Purposes: []stillwater.Purpose{stillwater.Tell}},
			{ID: "who", Text: "进展：${name}由${who}处理", Purposes: []stillwater.Purpose{stillwater.Update}},
			{ID: "done", Text: "结果：${name}，${what}", Purposes: []stillwater.Purpose{stillwater.Update, stillwater.Done}},
			{ID: "english", Text: "About ${name}: ${what}", Languages: []string{"en"}},
			{ID: "last", Text: "编号${code}，电话${phone}，提醒${what}", Vars: []Variable{{Name: "phone", Only: "digits", Else: "0574-12345678"}, {Name: "code", Max: 4, Only: "letters"}}},
		}
	})
	for what, want := range map[string]struct {
		change func(*stillwater.Message)
		text   string
	}{
		"urgent":             {func(m *stillwater.Message) { m.Severity = stillwater.Urgent }, "紧急：王某家，一直无动静，编号K7M3"},
		"a longer name":      {func(m *stillwater.Message) { m.Severity, m.Vars["name"] = stillwater.Urgent, "欧阳*家" }, "编号K7M3，电话0574-12345678，提醒一直无动静"},
		"alert":              {func(*stillwater.Message) {}, "编号K7M3，电话0574-12345678，提醒一直无动静"},
		"its own phone":      {func(m *stillwater.Message) { m.Vars["phone"] = "057486271234" }, "编号K7M3，电话057486271234，提醒一直无动静"},
		"repeat":             {func(m *stillwater.Message) { m.Repeat = true }, "可能重复：王*家，一直无动静"},
		"repeat, no own":     {func(m *stillwater.Message) { m.Repeat, m.Purpose = true, stillwater.Again }, "编号K7M3，电话0574-12345678，提醒重发一直无动静"},
		"who has it":         {func(m *stillwater.Message) { m.Purpose, m.Vars["who"] = stillwater.Update, "网格员李*" }, "进展：王*家由网格员李*处理"},
		"nobody has it":      {func(m *stillwater.Message) { m.Purpose = stillwater.Update }, "结果：王*家，一直无动静"},
		"english":            {func(m *stillwater.Message) { m.Language = "en" }, "About 王*家: 一直无动静"},
		"repeat in english":  {func(m *stillwater.Message) { m.Language, m.Purpose, m.Repeat = "en", stillwater.Again, true }, "About 王*家: repeat 一直无动静"},
		"code of other form": {func(m *stillwater.Message) { m.Vars["code"] = "K7M33" }, ""},
	} {
		m := message("K7M3")
		want.change(&m)
		o, err := c.order(m)
		if o.text != want.text || (err == nil) != (want.text != "") {
			t.Errorf("%s: %q, %v; want %q", what, o.text, err, want.text)
		}
	}
}
