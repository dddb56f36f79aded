package registry

import "strings"

// A word is what a cell may hold instead of the configuration's word. Of several with one meaning the first is written.
type word struct{ office, plain string }

// The words people in offices use.
var (
	kinds = []word{
		{"水表", "meter"}, {"智能水表", "meter"}, {"门磁", "door"}, {"门", "door"},
		{"活动传感器", "activity"}, {"活动", "activity"}, {"人体感应", "activity"},
	}
	roles = []word{
		{"本人", "resident"}, {"老人", "resident"}, {"住户", "resident"},
		{"家属", "family"}, {"家人", "family"}, {"亲属", "family"}, {"亲戚", "family"}, {"子女", "family"}, {"儿子", "family"}, {"女儿", "family"}, {"配偶", "family"},
		{"邻居", "neighbour"}, {"邻里", "neighbour"}, {"neighbor", "neighbour"},
		{"网格员", "worker"}, {"楼栋长", "building-head"}, {"楼长", "building-head"}, {"楼组长", "building-head"}, {"网格长", "grid-head"},
		{"社区值班", "community"}, {"社区", "community"}, {"街道值班", "street"}, {"街道", "street"},
	}
	languages = []word{{"中文", "zh-CN"}, {"汉语", "zh-CN"}, {"zh", "zh-CN"}, {"zh-cn", "zh-CN"}, {"英文", "en"}, {"英语", "en"}}
	truths    = []word{{"是", "yes"}, {"true", "yes"}, {"1", "yes"}, {"否", "no"}, {"false", "no"}, {"0", "no"}}
	privacies = []word{{"普通", "exact"}, {"一般", "exact"}, {"仅半天", "coarse"}, {"粗略", "coarse"}}
	channels  = []word{
		{"短信", "sms"}, {"电话", "voice"}, {"语音", "voice"}, {"语音电话", "voice"}, {"企业微信", "wecom"}, {"企微", "wecom"},
		{"邮件", "email"}, {"邮箱", "email"}, {"电子邮件", "email"}, {"推送", "webhook"}, {"接口", "webhook"},
	}
)

// meaning is the configuration's word for a cell.
func meaning(cell string, words []word) string {
	for _, w := range words {
		if strings.EqualFold(cell, w.office) {
			return w.plain
		}
	}
	return cell
}

// officeWord is an office's word for one of the configuration's.
func officeWord(plain string, words []word) string {
	for _, w := range words {
		if w.plain == plain {
			return w.office
		}
	}
	return plain
}
