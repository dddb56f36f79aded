package duty

import (
	"fmt"
	"strings"
	"time"

	"stillwater"
	"stillwater/rules"
)

// phrases are the words of tables and warnings in one language.
type phrases struct {
	weekdays [7]string // from Sunday, as time.Weekday counts
	kinds    map[rules.DayKind]string
	roles    map[stillwater.Role]string
	nobody   string
	standIn  string // who, for whom
	headers  []string

	gap, gaps, noStaff string
	lack               string
	hours              [kindsOfHours]string
	never, partly      string
	always             string // never covered in any hours
	spring, idle       string
	unknown            string
	and, list          string
	more               string // of homes
}

// english and chinese are every phrase; languageOf picks.
var english = phrases{
	weekdays: [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
	kinds:    map[rules.DayKind]string{rules.Workday: "working day", rules.Restday: "weekend", rules.Festival: "holiday"},
	roles:    map[stillwater.Role]string{},
	nobody:   "NOBODY", standIn: "%s (for %s)",
	headers: []string{"date", "weekday", "day", "post", "role", "hours", "who", "hole"},
	gap:     "post %q: nobody is on duty from %[3]s to %[4]s (%[5]s); add a shift for these hours, or a stand-in",
	gaps:    "post %q: nobody is on duty %[2]d times, %[5]s in all, first from %[3]s to %[4]s; add a shift for these hours, or a stand-in",
	noStaff: "post %q: nobody is on duty at all from %s to %s; add shifts, import its roster, or name its desk",
	lack:    "role %[1]s, homes %[2]d (%[3]s): %[4]s, first from %[5]s; add a shift to a post of the role that serves them, or a contact of the homes themselves",
	hours:   [kindsOfHours]string{"by day (08:00-20:00)", "at night", "on weekends", "on holidays"},
	never:   "nobody %s", partly: "at times nobody %s",
	always:  "role %[1]s, homes %[2]d (%[3]s): nobody at all, so a ladder's rung with this role alone reaches nobody; add a post of the role that serves them, or a contact of the homes themselves, or take the role out of the ladders",
	spring:  "post %q: the roster for the Spring Festival (%s to %s) has nobody by date on %s; enter who is on duty on these days, or import the holiday's roster",
	idle:    "post %q: no home known here lies in its area; mend the area, or take the post out",
	unknown: "%q stands in the roster and is no contact known here, so nobody is told; add the contact, or mend the name",
	and:     ", ", list: ", ", more: "…",
}

var chinese = phrases{
	weekdays: [7]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"},
	kinds:    map[rules.DayKind]string{rules.Workday: "工作日", rules.Restday: "周末", rules.Festival: "节假日"},
	roles: map[stillwater.Role]string{stillwater.Resident: "老人本人", stillwater.Family: "家人", stillwater.Neighbour: "邻居", stillwater.Worker: "网格员",
		stillwater.BuildingHead: "楼栋长", stillwater.GridHead: "网格长", stillwater.Community: "社区值班", stillwater.Street: "街道值班"},
	nobody: "【无人】", standIn: "%s（替%s）",
	headers: []string{"日期", "星期", "日别", "岗位", "角色", "时间", "值班人员", "空岗"},
	gap:     "岗位“%s”：%[3]s 到 %[4]s 没人值班（%[5]s）；请补上这段时间的班次，或安排人替班",
	gaps:    "岗位“%s”：有 %[2]d 段时间没人值班，共 %[5]s，最早是 %[3]s 到 %[4]s；请补上这些时间的班次，或安排人替班",
	noStaff: "岗位“%s”：从 %s 到 %s 一直没人值班；请写上班次、导入值班表，或写上值班电话",
	lack:    "%[1]s，%[2]d 户（%[3]s）：%[4]s，最早从 %[5]s 起；请在管这些住户的岗位上补班次，或给住户添加联系人",
	hours:   [kindsOfHours]string{"白天（08:00-20:00）", "夜里", "周末", "节假日"},
	never:   "%s没人", partly: "%s有时没人",
	always:  "%[1]s，%[2]d 户（%[3]s）：一直没人，只通知这个角色的那一级会通知不到任何人；请设一个管这些住户的岗位，或给住户添加联系人，或从通知顺序里去掉这个角色",
	spring:  "岗位“%s”：春节（%s 到 %s）的值班表还没排满，%s 没有按日期排人；请写上这几天谁值班，或导入春节值班表",
	idle:    "岗位“%s”：负责的范围里没有已知的住户；请改正范围，或去掉这个岗位",
	unknown: "值班表里的“%s”不是已知的联系人，通知不到；请添加这个联系人，或改正名字",
	and:     "，", list: "、", more: "等",
}

// languageOf is the phrases of a language; those of any but Chinese are English.
func languageOf(language string) *phrases {
	if strings.HasPrefix(strings.ToLower(language), "zh") {
		return &chinese
	}
	return &english
}

func (w *phrases) role(r stillwater.Role) string {
	if word, ok := w.roles[r]; ok {
		return word
	}
	return string(r)
}

// moment is a time as people read it, by the clock of a zone.
func (w *phrases) moment(at time.Time, zone *time.Location) string {
	local := at.In(zone)
	return fmt.Sprintf("%s %s %s", local.Format(time.DateOnly), w.weekdays[local.Weekday()], local.Format("15:04"))
}

// length is a span as people read it: to the minute.
func (w *phrases) length(d time.Duration) string {
	hours, minutes := int(d.Hours()), int(d.Minutes())%60
	form := [3]string{"%d h", "%d min", "%d h %d min"}
	if w == &chinese {
		form = [3]string{"%d 小时", "%d 分钟", "%d 小时 %d 分钟"}
	}
	switch {
	case minutes == 0:
		return fmt.Sprintf(form[0], hours)
	case hours == 0:
		return fmt.Sprintf(form[1], minutes)
	}
	return fmt.Sprintf(form[2], hours, minutes)
}
