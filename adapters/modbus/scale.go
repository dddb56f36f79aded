package modbus

import (
	"fmt"
	"strconv"
	"strings"

	"stillwater"
)

// scaleOf reads how much one count of a quantity is, in the unit of the quantity.
func scaleOf(q stillwater.Quantity, text string) (float64, error) {
	switch q {
	case stillwater.WaterTotal:
		var l stillwater.Litres
		if err := l.UnmarshalText([]byte(text)); err != nil {
			return 0, err
		}
		return positive(float64(l), text)
	case stillwater.WaterFlow:
		return flowOf(text)
	}
	number := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(text, "%"), "dBm"))
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no scale; write like 0.1 %% for a battery or 1 dBm for a signal", text)
	}
	return f, nil
}

// perHour is how many of a time make an hour.
var perHour = map[string]float64{"h": 1, "min": 60, "s": 3600, "d": 1.0 / 24}

// flowOf reads a volume in a time, in litres per hour.
func flowOf(text string) (float64, error) {
	volume, time, both := strings.Cut(text, "/")
	times, known := perHour[strings.TrimSpace(time)]
	if !both || !known {
		return 0, fmt.Errorf("%q is no flow; write like 1 m³/h, 1 L/min or 0.1 L/s", text)
	}
	var l stillwater.Litres
	if err := l.UnmarshalText([]byte(volume)); err != nil {
		return 0, err
	}
	return positive(float64(l)*times, text)
}

func positive(f float64, text string) (float64, error) {
	if !(f > 0) {
		return 0, fmt.Errorf("%q is nothing; a scale is more than zero", text)
	}
	return f, nil
}
