// Package trial measures a gateway's rules: it stages one event each in many simulated homes of all kinds, writes the recording and the
// truth, and scores what a backtest found in it.
//
// It promises: the same options give the same bytes; homes differ in habits and in what is fitted; each home lives on for 45 days or more
// before its event; a scored event was staged exactly as its line of truth says. Its memory grows with the number of homes and
// not with the number of days. It never looks at a rule: what it calls false or found follows from names and severities alone.
package trial
