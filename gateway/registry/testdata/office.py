"""Writes office.xlsx: tables as a community office keeps them, by a library that has nothing to do with the one that reads them.

python3 office.py, with openpyxl 3.0.9. The people are made up; the numbers of identity cards have wrong check digits but one.
"""
from datetime import date, datetime

from openpyxl import Workbook
from openpyxl.styles import Font

book = Workbook()

homes = book.active
homes.title = "住户"
homes["A1"] = "东坡社区独居老人用水关爱台账"
homes["A1"].font = Font(bold=True, size=18)
homes.merge_cells("A1:N1")
homes["A2"] = "填报单位：东坡社区居委会"
homes["J2"] = "填报日期：2026年3月5日"
homes.merge_cells("A2:I2")
homes.merge_cells("J2:N2")
homes.append(["序号", "户号*", "姓名（必填）", "身份证号", "所属街道", "社区", "网格", "楼号", "人数", "同意日期", "本人", "家属", "工作人员", "钥匙"])
homes.append([1, 31, " 王秀英 ", "330106194001010012", "湖滨街道", "东坡社区", "第３网格", 7, 1, date(2026, 3, 1), "wang", "lan；sun", "zhao、lou", "sun"])
homes.append([2, 32, "李大山", "330106193901010013", None, None, "第3网格", "７", 2, "2026年3月1日", None, None, "zhao;lou", None])
homes.append([3, 107, "陈阿婆", "330106193801010014", None, None, "第3网格", "7", "１", datetime(2026, 3, 1, 8, 30), None, "tom", "zhao", "zhao"])
homes.append([None] * 14)
homes.append(["制表：王芳"])
homes.merge_cells("E4:E6")
homes.merge_cells("F4:F6")
for row in (4, 5, 6):
    homes.cell(row, 2).number_format = "0000"

devices = book.create_sheet("设备")
devices.append(["设备登记表"])
devices.merge_cells("A1:E1")
devices.append(["户号", "表号", "设备类型", "数据来源", "上报周期", "安装人"])
devices.append([31, 20260301, "智能水表", "cupboard-1/3", "15分钟", "张师傅"])
devices.append([None, "D-１", "门磁", "lobby/home/31/door", None, "张师傅"])
devices.append([32, 20260302, "水表", "cupboard-1/4", "1小时", None])
devices.append([107, 20260303, "水表", "cupboard-1/5", None, None])
devices.merge_cells("A3:A4")
for row in (3, 4, 5, 6):
    devices.cell(row, 1).number_format = "0000"

people = book.create_sheet("联系人")
people.append(["编号", "姓名", "身份", "联系电话", "语言", "异地", "到达分钟", "时区", "邮箱", "企业微信", "通知方式", "免打扰", "同意日期", "与老人关系"])
people.append(["wang", "王秀英", "本人", 13600136001, None, None, None, None, None, None, "电话", None, "2026/3/1", None])
people.append(["lan", "王兰", "女儿", "13800138000 ", "中文", "是", None, None, "lan＠example.org", None, "短信、邮件", "22:00～6:00；12：30-14：00", 46082, "女儿"])
people.append(["sun", "孙师傅", "邻居", "１３７００１３７０００", None, "否", 2, None, None, None, None, None, "2026.3.1", "对门"])
people.append(["zhao", "赵敏", "网格员", 8613900139000, "中文", None, "10", None, None, "zhao.min", "企业微信 短信", None, None, None])
people.append(["lou", "楼建国", "楼栋长", "0086 135 0013 5000", None, None, 5, None, None, None, None, None, None, None])
people.append(["tom", "Tom Chen", "儿子", "+1 415 555 0123", "英文", "是", None, "America/Los_Angeles", None, None, None, "23:00至7:00", "2026-03-01", "儿子"])

book.create_sheet("统计")["A1"] = "=COUNTA(住户!C4:C6)"
book.save("office.xlsx")
