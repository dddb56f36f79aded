package rules

import "math"

// What is common to all homes, for one that has shown little of itself yet. It is a plain person's day in a handful of figures, set
// so that it agrees with the 44 homes of the DAIAD trial (hourly water meters, Alicante 2016–17, CC BY-SA 4.0) taken together,
// and wider, for others rise and go to bed at other hours. The figures are per day and hour of the day c in which a stillness begins; t is
// its length in hours.

// commonShort are the lulls of a day at home.
func commonShort(c, t float64) float64 { return 0.13 * (0.5 + 0.5*upAt(c)) * math.Exp(-(t-2)/0.5) }

// commonSleep is a night: from about midnight, with the last use of water, until about half past seven.
func commonSleep(c, t float64) float64 {
	const bed, bedSpread, rise, riseSpread = 23.8, 2.2, 7.4, 1.6
	toRise := rise - c
	if toRise < -4 {
		toRise += 24
	}
	return 0.085 * math.Exp(-0.5*math.Pow(aroundClock(c-bed)/bedSpread, 2)) * atLeast((t-toRise)/riseSpread)
}

// commonOut is a time out of the home, back by the evening.
func commonOut(c, t float64) float64 {
	const work, spread, back = 9.5, 3, 21.5
	long := 0.035 * math.Exp(-0.5*math.Pow(aroundClock(c-work)/spread, 2)) * math.Exp(-max(0, t-3)/4.5) * atLeast((t+c-back)/2)
	return long + 0.015*upAt(c)*math.Exp(-(t-2)/2.2)
}

// commonTrip is a night or more away.
func commonTrip(c, t float64) float64 { return 0.0006 * (0.25 + 0.75*upAt(c)) * math.Exp(-(t-10)/27) }

// commonUp is how much of the hour she is up.
func commonUp(c float64) float64 {
	return 0.27 + 0.29*(0.5+0.5*math.Tanh((8.5-math.Abs(aroundClock(c-16)))/2))
}

// upAt is 1 by day, 0 by night, and between in the morning and the evening.
func upAt(c float64) float64 {
	return 0.5 + 0.5*math.Tanh((7.5-math.Abs(aroundClock(c-14.5)))/1.5)
}

// aroundClock is the nearer way round a clock of 24 hours.
func aroundClock(hours float64) float64 { return hours - 24*math.Round(hours/24) }

// atLeast is the chance that a normal deviate exceeds z.
func atLeast(z float64) float64 { return 0.5 * math.Erfc(z/math.Sqrt2) }

// The common outlooks: of a home of which only the meter is known, and where there is a door, of stillness in the home and after the
// door. They are tables.
var (
	commonAll = commonOutlook(1, func(c, t float64) float64 {
		return commonShort(c, t) + commonSleep(c, t) + commonOut(c, t) + commonTrip(c, t)
	})
	commonInside = commonOutlook(0.8, func(c, t float64) float64 {
		return commonShort(c, t) + commonSleep(c, t) + 0.1*(commonOut(c, t)+commonTrip(c, t))
	})
	commonOuting = commonOutlook(0.2, func(c, t float64) float64 {
		return 0.3*commonSleep(c, t) + commonOut(c, t) + commonTrip(c, t)
	})
)

// commonOutlook makes a table of the figures; up is the part of the time she is up that goes with it.
func commonOutlook(up float64, longer func(c, t float64) float64) (o outlook) {
	for start := range starts {
		c := (float64(start) + 0.5) * startSpan
		for i, t := range bounds {
			o.longer[start][i] = longer(c, t) * startSpan
			o.goesOn[i] += o.longer[start][i]
		}
		o.up[start] = up * commonUp(c) * startSpan
	}
	for i := lengths - 1; i > 0; i-- {
		o.goesOn[i] /= o.goesOn[i-1]
	}
	return o
}

// allPay is the price, in hours of delay, at which homes of which only the meter is known keep the budget taken together; set on the same
// 44 homes and a flat in Naples. A budget a tenth as large has 500 times the price, for what is left then are
// absences, and they are long.
func allPay(budget float64) float64 { return 300 * math.Pow(33/budget, 2.7) }

// allPayWithDoor is the same where there is a door: absences are asked about, and what is left is short.
func allPayWithDoor(budget float64) float64 { return 100 * math.Pow(33/budget, 1.1) }

// allPayToAsk is the price of a question.
func allPayToAsk(budget float64) float64 { return 30 * math.Pow(33/budget, 2.4) }
