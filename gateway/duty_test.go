package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"stillwater"
	"stillwater/gateway/clock"
)

const dutyConfig = `store: {path: PATH}
sms: {phones: true}
broker: {listen: 127.0.0.1:0, folder: QUEUE}
mqtt: [{name: lobby, url: "tcp://127.0.0.1:1883", topics: [{filter: pulse/+/water, quantity: water.total, value: total, scale: 1 L}]}]
contacts:
  - {id: lan, name: 王兰, role: family, phone: "+8613800138000"}
  - {id: chen, name: 陈强, role: worker, phone: "+8613900139001"}
  - {id: li, name: 李明, role: worker, phone: "+8613900139002"}
households:
  - id: h1
    name: 王秀英
    place: {grid: "3"}
    consent: {given: "2026-01-01"}
    devices: [{id: m, kind: meter, source: lobby/pulse/h1/water}]
    family: [lan]
duty:
  posts:
    - {name: 网格三, role: worker, area: {grid: "3"}, shifts: [{who: [chen], hours: [08:00-20:00]}]}
`

// TestDutyReachesTheGateway: a roster that was imported from a workbook while the gateway is wired says who may be told, in the homes it serves.
func TestDutyReachesTheGateway(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "stillwater.yaml")
	text := strings.NewReplacer("PATH", filepath.Join(folder, "w.db"), "QUEUE", filepath.Join(folder, "queue")).Replace(dutyConfig)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	g, err := wire(t.Context(), c, setting{clock: clock.Real(), log: slog.New(slog.DiscardHandler), texts: func(stillwater.Message) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	var stdout, stderr bytes.Buffer
	if err := importDuty(t.Context(), path, workbookOf(t, folder), "", &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s\n%s", err, &stdout, &stderr)
	}
	if want := "note: 说明: this sheet is no roster; nothing of it was stored\n网格三: 1 shifts imported\n"; stdout.String() != want {
		t.Errorf("import said %q, want %q", &stdout, want)
	}
	if err := g.readRegistry(t.Context()); err != nil {
		t.Fatal(err)
	}
	h, _ := g.registry.Household("h1")
	for at, want := range map[string]string{"2026-02-16 12:00": "lan chen", "2026-02-16 21:00": "lan li", "2026-02-17 21:00": "lan"} {
		local, err := time.ParseInLocation("2006-01-02 15:04", at, h.Location())
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, contact := range h.Contacts {
			if g.onDuty(h, contact, local) {
				told = append(told, string(contact.ID))
			}
		}
		if got := strings.Join(told, " "); got != want {
			t.Errorf("at %s %q may be told, want %q", at, got, want)
		}
	}
}

// workbookOf is a roster as a spreadsheet keeps it: a real date, and a sheet beside it that is none.
func workbookOf(t *testing.T, folder string) string {
	f := excelize.NewFile()
	defer f.Close()
	if _, err := f.NewSheet("说明"); err != nil {
		t.Fatal(err)
	}
	for cell, value := range map[string]any{
		"A1": "二月值班表", "A2": "日期", "B2": "时间", "C2": "值班人员", "D2": "联系电话",
		"A3": time.Date(2026, 2, 16, 0, 0, 0, 0, time.UTC), "B3": "20:00-次日8:00", "C3": "李明", "D3": 13900139002,
	} {
		if err := f.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.SetCellValue("说明", "A1", "请提前换班"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "值班表.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}
