package registry

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"stillwater"
)

// A column is what can stand in a table: its names, first the English one and then the Chinese one that are written, and the field it sets.
type column[T any] struct {
	names []string
	field func(*T) any // nil: the importer reads it itself
	words []word       // what a cell may hold instead of the configuration's words
}

// householdColumns are the columns of households.
var householdColumns = []column[HouseholdConfig]{
	{[]string{"household", "户号", "家庭编号", "住户编号"}, func(h *HouseholdConfig) any { return &h.ID }, nil},
	{[]string{"name", "姓名", "老人姓名", "住户姓名"}, func(h *HouseholdConfig) any { return &h.Name }, nil},
	{[]string{"residents", "常住人数", "人数", "居住人数"}, func(h *HouseholdConfig) any { return &h.Residents }, nil},
	{[]string{"timezone", "时区"}, func(h *HouseholdConfig) any { return &h.TimeZone }, nil},
	{[]string{"privacy", "隐私", "隐私要求"}, func(h *HouseholdConfig) any { return &h.Privacy }, privacies},
	{[]string{"street", "街道", "所属街道"}, func(h *HouseholdConfig) any { return &h.Place.Street }, nil},
	{[]string{"community", "社区", "所属社区"}, func(h *HouseholdConfig) any { return &h.Place.Community }, nil},
	{[]string{"grid", "网格", "所属网格"}, func(h *HouseholdConfig) any { return &h.Place.Grid }, nil},
	{[]string{"building", "楼栋", "楼号"}, func(h *HouseholdConfig) any { return &h.Place.Building }, nil},
	{[]string{"riser", "立管", "供水立管"}, func(h *HouseholdConfig) any { return &h.Place.Riser }, nil},
	{[]string{"zone", "供水分区", "供水片区", "supply_zone"}, func(h *HouseholdConfig) any { return &h.Place.Zone }, nil},
	{[]string{"consent_given", "同意日期", "同意时间", "知情同意日期"}, func(h *HouseholdConfig) any { return &h.Consent.Given }, nil},
	{[]string{"consent_withdrawn", "撤回日期", "撤回时间", "撤回同意日期"}, func(h *HouseholdConfig) any { return &h.Consent.Withdrawn }, nil},
	{[]string{"resident", "本人"}, func(h *HouseholdConfig) any { return &h.Resident }, nil},
	{[]string{"family", "家属", "家人", "家属邻居"}, func(h *HouseholdConfig) any { return &h.Family }, nil},
	{[]string{"workers", "网格员", "工作人员", "负责人"}, func(h *HouseholdConfig) any { return &h.Workers }, nil},
	{[]string{"keys", "钥匙", "持钥匙人", "备用钥匙"}, func(h *HouseholdConfig) any { return &h.Keys }, nil},
}

// deviceColumns are the columns of devices.
var deviceColumns = []column[DeviceConfig]{
	{[]string{"household", "户号", "家庭编号", "住户编号"}, nil, nil},
	{[]string{"device", "设备编号", "设备号", "表号"}, func(d *DeviceConfig) any { return &d.ID }, nil},
	{[]string{"kind", "类型", "设备类型"}, func(d *DeviceConfig) any { return &d.Kind }, kinds},
	{[]string{"source", "来源", "数据来源"}, func(d *DeviceConfig) any { return &d.Source }, nil},
	{[]string{"every", "上报间隔", "上报周期"}, func(d *DeviceConfig) any { return &d.Every }, nil},
	{[]string{"rollover", "量程", "回零值"}, func(d *DeviceConfig) any { return &d.Rollover }, nil},
}

// contactColumns are the columns of contacts.
var contactColumns = []column[ContactConfig]{
	{[]string{"contact", "联系人编号", "联系人", "编号"}, func(c *ContactConfig) any { return &c.ID }, nil},
	{[]string{"name", "姓名", "联系人姓名"}, func(c *ContactConfig) any { return &c.Name }, nil},
	{[]string{"role", "角色", "身份"}, func(c *ContactConfig) any { return &c.Role }, roles},
	{[]string{"phone", "手机号", "电话", "手机", "手机号码", "联系电话", "联系方式", "电话号码"}, func(c *ContactConfig) any { return &c.Phone }, nil},
	{[]string{"language", "语言"}, func(c *ContactConfig) any { return &c.Language }, languages},
	{[]string{"remote", "异地", "远程", "外地"}, func(c *ContactConfig) any { return &c.Remote }, truths},
	{[]string{"minutes", "到达分钟", "路程", "路程分钟"}, func(c *ContactConfig) any { return &c.Minutes }, nil},
	{[]string{"timezone", "时区"}, func(c *ContactConfig) any { return &c.TimeZone }, nil},
	{[]string{"email", "邮箱", "电子邮箱", "电子邮件", "e-mail"}, func(c *ContactConfig) any { return &c.Email }, nil},
	{[]string{"wecom", "企业微信", "企业微信账号", "企微"}, func(c *ContactConfig) any { return &c.WeCom }, nil},
	{[]string{"webhook", "推送接口", "接口"}, func(c *ContactConfig) any { return &c.Webhook }, nil},
	{[]string{"channels", "通知方式", "通知渠道"}, func(c *ContactConfig) any { return &c.Channels }, channels},
	{[]string{"quiet", "免打扰", "免打扰时段", "勿扰时段"}, func(c *ContactConfig) any { return &c.Quiet }, nil},
	{[]string{"daily", "每日一句", "每日报平安"}, func(c *ContactConfig) any { return &c.Daily }, nil},
	{[]string{"agreed", "同意日期", "同意时间"}, func(c *ContactConfig) any { return &c.Agreed }, nil},
	{[]string{"withdrawn", "撤回日期", "撤回时间", "撤回同意日期"}, func(c *ContactConfig) any { return &c.Withdrawn }, nil},
}

// setCell reads a cell into a field. It says what is wrong, "" for nothing.
func setCell(field any, cell string, words []word) string {
	switch f := field.(type) {
	case *string:
		*f = meaning(digits(cell), words)
		return ""
	case *stillwater.HouseholdID:
		*f = stillwater.HouseholdID(fold(cell))
		return cutNumber(cell)
	case *stillwater.DeviceID:
		*f = stillwater.DeviceID(fold(cell))
		return cutNumber(cell)
	case *stillwater.ContactID:
		*f = stillwater.ContactID(fold(cell))
		return cutNumber(cell)
	case *[]stillwater.ContactID:
		*f = nil
		for _, id := range split(cell, "") {
			*f = append(*f, stillwater.ContactID(fold(id)))
		}
		return ""
	}
	return setValue(field, fold(cell), words)
}

// setValue reads what is written in one way only.
func setValue(field any, cell string, words []word) string {
	cell = meaning(cell, words)
	switch f := field.(type) {
	case *stillwater.DeviceKind:
		*f = stillwater.DeviceKind(strings.ToLower(cell))
	case *Privacy:
		*f = Privacy(strings.ToLower(cell))
	case *stillwater.Role:
		*f = stillwater.Role(strings.ToLower(cell))
	case *stillwater.Phone:
		return setPhone(f, cell)
	case *int:
		n, err := strconv.Atoi(afterPoint.ReplaceAllString(strings.TrimSuffix(cell, "分钟"), ""))
		if err != nil {
			return fmt.Sprintf("%q is not a whole number; write like 1", cell)
		}
		*f = n
	case *bool:
		*f = strings.EqualFold(cell, "yes")
		if !*f && !strings.EqualFold(cell, "no") {
			return fmt.Sprintf("%q is neither yes nor no; write yes or no (是 or 否)", cell)
		}
	case *[]stillwater.Channel:
		*f = nil
		for _, by := range split(cell, " /") {
			*f = append(*f, stillwater.Channel(strings.ToLower(meaning(by, words))))
		}
	case *[]stillwater.Hours:
		return setHours(f, cell)
	case *time.Duration:
		return problemOf(setSpan(f, cell))
	case *Moment:
		return problemOf(f.UnmarshalText([]byte(cell)))
	case *stillwater.Litres:
		return problemOf(f.UnmarshalText([]byte(cell)))
	}
	return ""
}

func problemOf(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func setSpan(f *time.Duration, cell string) (err error) {
	*f, err = stillwater.ParseSpan(cell)
	return err
}

// dashes are what people put between two times of day.
var dashes = strings.NewReplacer("~", "-", "—", "-", "–", "-", "－", "-", "至", "-", "到", "-", " ", "")

func setHours(f *[]stillwater.Hours, cell string) string {
	*f = nil
	for _, span := range split(cell, "") {
		var h stillwater.Hours
		if err := h.UnmarshalText([]byte(strings.ReplaceAll(dashes.Replace(span), "--", "-"))); err != nil {
			return fmt.Sprintf("%q are no hours; write like 22:00-06:00, several with a semicolon between them", span)
		}
		*f = append(*f, h)
	}
	return ""
}

// setPhone takes a number as offices write it. Spreadsheets drop the plus, and cut long numbers to 1.38E+10.
func setPhone(f *stillwater.Phone, cell string) string {
	if problem := cutNumber(cell); problem != "" {
		return problem
	}
	cell = afterPoint.ReplaceAllString(cell, "")
	*f = stillwater.Phone(cell)
	if international.MatchString(cell) {
		return "" // looked at when it is validated
	}
	if n := numberIn(cell); n != nil {
		*f = stillwater.Phone(phonenumbers.Format(n, phonenumbers.E164))
	}
	return ""
}

var (
	afterPoint    = regexp.MustCompile(`\.0+$`) // 13800138000.0, as programs write numbers
	international = regexp.MustCompile(`^\+[1-9]\d+$`)
	scientific    = regexp.MustCompile(`^\d(\.\d+)?[Ee]\+?\d+$`)
)

// cutNumber says when a spreadsheet has kept only the first digits of a number.
func cutNumber(cell string) string {
	if scientific.MatchString(cell) {
		return fmt.Sprintf("the spreadsheet has cut the number to %s; format the column as text and enter the number again", cell)
	}
	return ""
}

// split parts a list by any mark people put between entries.
func split(cell, also string) []string {
	var list []string
	for _, entry := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";；,，、\n"+also, r) }) {
		if entry = tidy(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}

// tidy removes what surrounds a value unseen: blanks, byte order marks, direction marks of copied telephone numbers, and the apostrophe that
// makes a spreadsheet take it for text.
func tidy(cell string) string {
	cell = strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	return strings.TrimPrefix(cell, "'")
}

// fold makes full-width characters, as Chinese keyboards write them, plain.
func fold(cell string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '\u3000':
			return ' '
		}
		return r
	}, cell)
}

// digits makes full-width digits and letters plain, and leaves punctuation but that of addresses: buildings ３幢 and 3幢 are one.
func digits(cell string) string {
	return strings.Map(func(r rune) rune {
		if plain := r - '！' + '!'; r >= '！' && r <= '～' && (unicode.IsDigit(plain) || unicode.IsLetter(plain) || strings.ContainsRune("@.-_/", plain)) {
			return plain
		}
		return r
	}, cell)
}
