package world

// night is the visits to the toilet before getting up; those after going to bed are few, and belong to the same date.
func (p *planner) night() {
	for range times(p.r, p.habits.nights*0.85, 4) {
		p.nightToilet(between(p.r, 0.3, p.wake-0.5))
	}
	if late := p.bed + 1; late < 23.8 {
		for range times(p.r, p.habits.nights*0.25, 1) {
			p.nightToilet(between(p.r, late, 23.9))
		}
	}
}

func (p *planner) nightToilet(hour float64) {
	p.draw(Toilet, hour, p.habits.flush)
	if chance(p.r, 0.5) {
		p.tap(hour+0.02, 0.4, 1)
	}
}

// morning is getting up.
func (p *planner) morning() {
	p.toilet(p.wake + between(p.r, 0.02, 0.12))
	p.tap(p.wake+between(p.r, 0.15, 0.3), 2, 5)   // face and teeth
	p.tap(p.wake+between(p.r, 0.32, 0.45), 1, 2)  // kettle
	p.tap(p.wake+between(p.r, 0.5, 0.58), 0.5, 3) // breakfast
}

// meals are cooking and dishes, three times unless she eats elsewhere.
func (p *planner) meals() {
	big := p.habits.cooksBig
	if hour, ok := p.when(p.wake+between(p.r, 0.9, 1.3), 1); ok {
		p.tap(hour, 3, 6)
	}
	for _, noon := range []float64{about(p.r, 11.1, 0.25), about(p.r, 17.2, 0.25)} {
		hour, ok := p.when(noon+p.shift, 0.9)
		if !ok {
			continue
		}
		for range 2 + p.r.IntN(3) { // rice, vegetables, pot
			if p.home(hour) {
				p.tap(hour, 1.2*big, 4.2*big)
			}
			hour += between(p.r, 0.08, 0.2)
		}
		if hour, ok := p.when(hour+between(p.r, 0.5, 0.8), 1.5); ok {
			p.tap(hour, 4.5, 9.5)
		}
	}
}

// toilets are those of the day, with tea in between, and hands and perhaps the toilet on coming home.
func (p *planner) toilets() {
	nap := chance(p.r, p.habits.napDays)
	for hour := p.wake + about(p.r, p.habits.toilets, 0.5); hour < p.bed-0.7; hour += max(0.8, about(p.r, p.habits.toilets, 0.55)) {
		if nap && hour > 12.8 && hour < 14.2 {
			hour = between(p.r, 14.2, 14.7)
		}
		if p.home(hour) {
			p.toilet(hour)
		}
		if tea := hour + between(p.r, 0.3, 1); tea < p.bed-0.5 && p.home(tea) && chance(p.r, 0.7) {
			p.tap(tea, 0.5, 1.5)
		}
	}
	for _, o := range p.out {
		p.tap(o[1]+between(p.r, 0.04, 0.15), 0.8, 2)
		if chance(p.r, 0.55) {
			p.toilet(o[1] + between(p.r, 0.1, 0.4))
		}
	}
}

// wash is the shower, the laundry and the floor.
func (p *planner) wash() {
	h := p.habits
	if chance(p.r, h.showerDays) {
		hour := p.bed - between(p.r, 0.9, 1.8)
		if h.showerMorning {
			hour = p.wake + between(p.r, 0.4, 0.6)
		}
		if hour, ok := p.when(hour, 2); ok {
			p.draw(Shower, hour, about(p.r, h.shower, 3))
		}
	}
	if h.laundry[p.weekday] {
		if hour, ok := p.when(between(p.r, 8, 10.5), 2); ok {
			for i, litres := range []float64{17, 14, 14} { // wash and two rinses
				p.draw(Washing, hour+0.33*float64(i), about(p.r, litres, 0.4))
			}
		}
	}
	if chance(p.r, 0.35) {
		if hour, ok := p.when(between(p.r, 8.5, 16), 1); ok {
			p.tap(hour, 3, 7)
		}
	}
}

// evening is going to bed.
func (p *planner) evening() {
	if p.habits.footBath && chance(p.r, 0.8) {
		p.tap(p.bed-between(p.r, 0.6, 0.8), 4, 5)
	}
	p.tap(p.bed-between(p.r, 0.2, 0.4), 2, 4)
	p.toilet(p.bed - between(p.r, 0.03, 0.15))
}
