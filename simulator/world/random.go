package world

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
)

// random is the source of chance for one home, one day and one purpose: drawing more for one never shifts another.
func (o Options) random(home, day int, purpose string) *rand.Rand {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(purpose)) // a hash never errs
	return rand.New(rand.NewPCG(o.Seed^sum.Sum64(), uint64(home)<<32|uint64(uint32(day))))
}

// between is a number from low to high, all equally likely.
func between(r *rand.Rand, low, high float64) float64 { return low + (high-low)*r.Float64() }

// about is a number near mean, never further than three times spread from it.
func about(r *rand.Rand, mean, spread float64) float64 {
	return mean + spread*max(-3, min(3, r.NormFloat64()))
}

// chance is true with probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// times is how often something that happens mean times on average happens this time, at most limit times.
func times(r *rand.Rand, mean float64, limit int) int {
	n, p, floor := 0, r.Float64(), math.Exp(-mean)
	for p > floor && n < limit {
		n++
		p *= r.Float64()
	}
	return n
}
