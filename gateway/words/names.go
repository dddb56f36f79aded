package words

import (
	"strings"
	"unicode"

	"stillwater"
)

// ShortName is what a home is called outside the register: 王*家 for 王秀英, "Wang*" where only plain letters can be
// sent, "Mary S." for Mary Smith. A name that cannot be shortened gives way to the household's number.
func (w *Words) ShortName(lang string, h stillwater.Household) string {
	data, form := nameParts(h.Name)
	data["ID"] = w.ending(lang, string(h.ID), longestID)
	if form == "" {
		return w.T(lang, "name.none", data)
	}
	return w.T(lang, "name.home."+form, data)
}

// Group is what a group of homes is called: by its kind and the last part of its name, a building by its own.
func (w *Words) Group(lang, group string) string {
	kind, name, _ := strings.Cut(group, "/")
	last := name[strings.LastIndexByte(name, '/')+1:]
	switch kind {
	case "building", "feed", "riser", "zone":
	default:
		kind = "other"
	}
	if plainLetters(w.T(lang, "sms.prefix", nil)) {
		last = strings.Map(func(r rune) rune {
			if r > unicode.MaxASCII {
				return -1
			}
			return r
		}, last)
	}
	if last = strings.TrimSpace(last); last == "" {
		return w.T(lang, "group.nameless", nil)
	}
	return w.T(lang, "group."+kind, map[string]any{"Name": w.ending(lang, last, longestGroup)})
}

// The most of a name that a text has room for: a building's number stands at its end.
const (
	longestGroup = 9
	longestID    = 9
	longestFirst = 12
)

// ending is what is left of a name that is too long: its end, from the beginning of a word or a number on.
func (w *Words) ending(lang, name string, most int) string {
	runes := []rune(strings.TrimSpace(name))
	if len(runes) <= most {
		return string(runes)
	}
	inWord := func(r rune) bool { return r < 0x300 && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	from := len(runes) - most + 1
	for i := from; i < len(runes); i++ {
		if !inWord(runes[i-1]) || !inWord(runes[i]) {
			from = i
			break
		}
	}
	return w.T(lang, "name.more", nil) + strings.TrimLeft(string(runes[from:]), " -_.,")
}

// Person is a contact in a text: the role and the shortened name.
func (w *Words) Person(lang string, c stillwater.Contact) string {
	role := w.Word(lang, "role", string(c.Role))
	data, form := nameParts(c.Name)
	if form == "" {
		return role
	}
	return w.T(lang, "name.person", map[string]any{"Role": role, "Name": w.T(lang, "name.short."+form, data)})
}

// nameParts takes a name apart, as far as it may be told: Surname and Latin (the surname in plain letters) of a
// Chinese name, First and Initial of others. Form is the ending of the catalogue's key; none if nothing can be told.
func nameParts(name string) (data map[string]any, form string) {
	name = strings.TrimSpace(name)
	runes := []rune(name)
	if len(runes) >= 2 && unicode.Is(unicode.Han, runes[0]) {
		surname := string(runes[0])
		if len(runes) >= 3 && strings.Contains(doubleSurnames, string(runes[:2])) {
			surname = string(runes[:2])
		}
		latin := pinyin[surname]
		if latin == "" {
			return map[string]any{"Surname": surname}, "han-only"
		}
		return map[string]any{"Surname": surname, "Latin": latin}, "han"
	}
	fields := strings.Fields(name)
	if len(fields) < 2 || unicode.Is(unicode.Han, runes[0]) {
		return map[string]any{}, "" // one word may be the whole name: it is not told
	}
	initial := []rune(fields[len(fields)-1])[0]
	if first := []rune(fields[0]); len(first) > longestFirst {
		fields[0] = string(first[0]) + "."
	}
	return map[string]any{"First": fields[0], "Initial": string(unicode.ToUpper(initial))}, "latin"
}

// doubleSurnames are the Chinese surnames of two characters that are met.
const doubleSurnames = "欧阳 司马 上官 诸葛 司徒 东方 皇甫 尉迟 公孙 慕容 令狐 夏侯 端木 南宫 独孤 西门 长孙 宇文 轩辕 申屠 闻人 拓跋 呼延"

// pinyin are the commonest surnames in plain letters, for texts that cannot hold Chinese.
var pinyin = surnameTable(`
王 Wang 李 Li 张 Zhang 刘 Liu 陈 Chen 杨 Yang 黄 Huang 赵 Zhao 吴 Wu 周 Zhou 徐 Xu 孙 Sun 马 Ma 朱 Zhu 胡 Hu 郭 Guo 何 He 林 Lin
高 Gao 罗 Luo 郑 Zheng 梁 Liang 谢 Xie 宋 Song 唐 Tang 许 Xu 韩 Han 邓 Deng 冯 Feng 曹 Cao 彭 Peng 曾 Zeng 肖 Xiao 萧 Xiao 田 Tian
董 Dong 潘 Pan 袁 Yuan 蔡 Cai 蒋 Jiang 余 Yu 于 Yu 杜 Du 叶 Ye 程 Cheng 魏 Wei 苏 Su 吕 Lyu 丁 Ding 任 Ren 卢 Lu 姚 Yao 沈 Shen
钟 Zhong 姜 Jiang 崔 Cui 谭 Tan 陆 Lu 范 Fan 汪 Wang 廖 Liao 石 Shi 金 Jin 韦 Wei 贾 Jia 夏 Xia 付 Fu 傅 Fu 方 Fang 邹 Zou 熊 Xiong
白 Bai 孟 Meng 秦 Qin 邱 Qiu 侯 Hou 江 Jiang 尹 Yin 薛 Xue 闫 Yan 阎 Yan 严 Yan 段 Duan 雷 Lei 龙 Long 黎 Li 史 Shi 陶 Tao 贺 He
毛 Mao 郝 Hao 顾 Gu 龚 Gong 邵 Shao 万 Wan 覃 Qin 武 Wu 钱 Qian 戴 Dai 莫 Mo 孔 Kong 向 Xiang 常 Chang 汤 Tang 温 Wen 康 Kang
施 Shi 文 Wen 牛 Niu 樊 Fan 葛 Ge 邢 Xing 安 An 齐 Qi 易 Yi 乔 Qiao 伍 Wu 庞 Pang 颜 Yan 倪 Ni 庄 Zhuang 聂 Nie 章 Zhang 鲁 Lu
岳 Yue 翟 Zhai 申 Shen 欧 Ou 耿 Geng 关 Guan 兰 Lan 焦 Jiao 俞 Yu 左 Zuo 柳 Liu 甘 Gan 祝 Zhu 包 Bao 宁 Ning 符 Fu 阮 Ruan 纪 Ji
梅 Mei 童 Tong 凌 Ling 毕 Bi 单 Shan 裴 Pei 霍 Huo 成 Cheng 苗 Miao 曲 Qu 盛 Sheng 翁 Weng 骆 Luo 辛 Xin 管 Guan 娄 Lou 柯 Ke
欧阳 Ouyang 司马 Sima 上官 Shangguan 诸葛 Zhuge 司徒 Situ 皇甫 Huangfu 慕容 Murong 令狐 Linghu 夏侯 Xiahou 端木 Duanmu 尉迟 Yuchi`)

func surnameTable(list string) map[string]string {
	fields, table := strings.Fields(list), map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		table[fields[i]] = fields[i+1]
	}
	return table
}
