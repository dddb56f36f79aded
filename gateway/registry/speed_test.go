package registry

import (
	"fmt"
	"testing"
	"time"

	"stillwater"
)

// district is a district's homes, each with a meter, a door and a daughter, forty to a worker.
func district(n int) []stillwater.Household {
	list := make([]stillwater.Household, n)
	for i := range list {
		h := &list[i]
		*h = stillwater.Household{ID: stillwater.HouseholdID(fmt.Sprintf("h%05d", i)), Name: fmt.Sprintf("王秀%d", i), Residents: 1, TimeZone: "Asia/Shanghai",
			Place:   stillwater.Place{Street: "湖滨街道", Community: "东坡社区", Grid: fmt.Sprint(i / 40), Building: fmt.Sprint(i / 12)},
			Consent: stillwater.Consent{Given: time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)}}
		h.Devices = []stillwater.Device{
			{ID: stillwater.DeviceID(fmt.Sprintf("WM-%d", i)), Kind: stillwater.Meter, Source: fmt.Sprintf("bus-%d/%d", i/200, i%200), Every: 15 * time.Minute},
			{ID: stillwater.DeviceID(fmt.Sprintf("D-%d", i)), Kind: stillwater.DoorContact, Source: fmt.Sprintf("lobby/home/%d/door", i)},
		}
		h.Contacts = []stillwater.Contact{
			{ID: stillwater.ContactID(fmt.Sprintf("lan-%d", i)), Name: "王兰", Role: stillwater.Family, Phone: stillwater.Phone(fmt.Sprintf("+86138%08d", i)), Language: "zh-CN", Key: i%2 == 0},
			{ID: stillwater.ContactID(fmt.Sprintf("zhao-%d", i/40)), Name: "赵敏", Role: stillwater.Worker, Phone: stillwater.Phone(fmt.Sprintf("+86139%08d", i/40)), Language: "zh-CN"},
		}
	}
	return list
}

// BenchmarkImport imports 20,000 homes with 40,000 devices and 20,500 contacts.
func BenchmarkImport(b *testing.B) {
	homes := district(20_000)
	workbook, err := ExportXLSX(homes, Style{Chinese: true})
	if err != nil {
		b.Fatal(err)
	}
	for name, files := range map[string][]File{"CSV": ExportCSV(homes, Style{}), "XLSX": {{"台账.xlsx", workbook}}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got, problems, _ := Import(files...); len(got) != len(homes) {
					b.Fatalf("%d homes, %v", len(got), problems[:min(3, len(problems))])
				}
			}
		})
	}
}

// BenchmarkExport writes the same.
func BenchmarkExport(b *testing.B) {
	homes := district(20_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ExportXLSX(homes, Style{Chinese: true}); err != nil {
			b.Fatal(err)
		}
	}
}
