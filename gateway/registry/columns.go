package registry

import (
	"encoding"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"stillwater"
)

// A column is what can stand in a table: its names, the English one first, and the field it sets.
type column[T any] struct {
	names []string
	field func(*T) any      // nil: the importer reads it itself
	words map[string]string // what a cell may hold instead of the configuration's words
}

// householdColumns are the columns of households.csv.
var householdColumns = []column[HouseholdConfig]{
	{[]string{"household", "户号", "家庭编号", "住户编号"}, func(h *HouseholdConfig) any { return &h.ID }, nil},
	{[]string{"name", "姓名", "老人姓名", "住户姓名"}, func(h *HouseholdConfig) any { return &h.Name }, nil},
	{[]string{"residents", "人数", "常住人数", "居住人数"}, func(h *HouseholdConfig) any { return &h.Residents }, nil},
	{[]string{"timezone", "时区"}, func(h *HouseholdConfig) any { return &h.TimeZone }, nil},
	{[]string{"street", "街道"}, func(h *HouseholdConfig) any { return &h.Place.Street }, nil},
	{[]string{"community", "社区"}, func(h *HouseholdConfig) any { return &h.Place.Community }, nil},
	{[]string{"grid", "网格"}, func(h *HouseholdConfig) any { return &h.Place.Grid }, nil},
	{[]string{"building", "楼栋", "楼号"}, func(h *HouseholdConfig) any { return &h.Place.Building }, nil},
	{[]string{"riser", "立管", "供水立管"}, func(h *HouseholdConfig) any { return &h.Place.Riser }, nil},
	{[]string{"zone", "供水分区", "供水片区", "supply_zone"}, func(h *HouseholdConfig) any { return &h.Place.Zone }, nil},
	{[]string{"consent_given", "同意日期", "同意时间", "知情同意日期"}, func(h *HouseholdConfig) any { return &h.Consent.Given }, nil},
	{[]string{"consent_withdrawn", "撤回日期", "撤回时间", "撤回同意日期"}, func(h *HouseholdConfig) any { return &h.Consent.Withdrawn }, nil},
	{[]string{"family", "家属", "家人"}, func(h *HouseholdConfig) any { return &h.Family }, nil},
	{[]string{"workers", "网格员"}, func(h *HouseholdConfig) any { return &h.Workers }, nil},
}

// deviceColumns are the columns of devices.csv.
var deviceColumns = []column[DeviceConfig]{
	{[]string{"household", "户号", "家庭编号", "住户编号"}, nil, nil},
	{[]string{"device", "设备编号", "设备号", "表号"}, func(d *DeviceConfig) any { return &d.ID }, nil},
	{[]string{"kind", "类型", "设备类型"}, func(d *DeviceConfig) any { return &d.Kind }, kinds},
	{[]string{"source", "来源", "数据来源"}, func(d *DeviceConfig) any { return &d.Source }, nil},
	{[]string{"every", "上报间隔", "上报周期"}, func(d *DeviceConfig) any { return &d.Every }, nil},
	{[]string{"rollover", "回零值", "量程"}, func(d *DeviceConfig) any { return &d.Rollover }, nil},
}

// contactColumns are the columns of contacts.csv.
var contactColumns = []column[ContactConfig]{
	{[]string{"contact", "联系人编号", "联系人", "编号"}, func(c *ContactConfig) any { return &c.ID }, nil},
	{[]string{"name", "姓名", "联系人姓名"}, func(c *ContactConfig) any { return &c.Name }, nil},
	{[]string{"role", "角色", "身份"}, func(c *ContactConfig) any { return &c.Role }, roles},
	{[]string{"phone", "电话", "手机", "手机号", "手机号码", "联系电话"}, func(c *ContactConfig) any { return &c.Phone }, nil},
	{[]string{"language", "语言"}, func(c *ContactConfig) any { return &c.Language }, languages},
	{[]string{"remote", "异地", "远程"}, func(c *ContactConfig) any { return &c.Remote }, truths},
}

// The words people in offices use.
var (
	kinds = map[string]string{
		"水表": "meter", "智能水表": "meter", "门磁": "door", "门": "door",
		"活动": "activity", "活动传感器": "activity", "人体感应": "activity",
	}
	roles     = map[string]string{"家属": "family", "家人": "family", "亲属": "family", "网格员": "worker", "楼栋长": "worker"}
	languages = map[string]string{"中文": "zh-CN", "汉语": "zh-CN", "zh": "zh-CN", "zh-cn": "zh-CN", "英文": "en", "英语": "en"}
	truths    = map[string]string{"是": "true", "yes": "true", "1": "true", "否": "false", "no": "false", "0": "false"}
)

// setCell reads a cell into a field. It says what is wrong, "" for nothing.
func setCell(field any, cell string) string {
	switch f := field.(type) {
	case *stillwater.HouseholdID:
		*f = stillwater.HouseholdID(cell)
	case *stillwater.DeviceID:
		*f = stillwater.DeviceID(cell)
	case *stillwater.ContactID:
		*f = stillwater.ContactID(cell)
	case *stillwater.DeviceKind:
		*f = stillwater.DeviceKind(strings.ToLower(cell))
	case *stillwater.Role:
		*f = stillwater.Role(strings.ToLower(cell))
	case *stillwater.Phone:
		return setPhone(f, cell)
	case *[]stillwater.ContactID:
		*f = splitIDs(cell)
	case *string:
		*f = cell
	case *int:
		n, err := strconv.Atoi(cell)
		if err != nil {
			return fmt.Sprintf("%q is not a whole number; write like 1", cell)
		}
		*f = n
	case *bool:
		value, err := strconv.ParseBool(strings.ToLower(cell))
		if err != nil {
			return fmt.Sprintf("%q is neither yes nor no; write yes or no (是 or 否)", cell)
		}
		*f = value
	case *time.Duration:
		span, err := stillwater.ParseSpan(cell)
		if err != nil {
			return err.Error()
		}
		*f = span
	case encoding.TextUnmarshaler:
		if err := f.UnmarshalText([]byte(cell)); err != nil {
			return err.Error()
		}
	}
	return ""
}

// setPhone takes a number as offices write it. Spreadsheets drop the plus, and cut long numbers to 1.38E+10.
func setPhone(f *stillwater.Phone, cell string) string {
	if strings.Contains(strings.ToUpper(cell), "E+") {
		return fmt.Sprintf("the spreadsheet has cut the number to %s; format the column as text and enter the number again", cell)
	}
	*f = stillwater.Phone(cell)
	if whole, ok := wholeNumber(cell); ok {
		*f = whole
	}
	return ""
}

// splitIDs parts a list of contacts, by any mark people put between names.
func splitIDs(cell string) []stillwater.ContactID {
	var ids []stillwater.ContactID
	for _, id := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(";；,，、\n", r) }) {
		if id = tidy(id); id != "" {
			ids = append(ids, stillwater.ContactID(id))
		}
	}
	return ids
}

// tidy removes what surrounds a value unseen: blanks, byte order marks, direction marks of copied telephone numbers, and the apostrophe that
// makes a spreadsheet take it for text.
func tidy(cell string) string {
	cell = strings.TrimFunc(cell, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	return strings.TrimPrefix(cell, "'")
}
