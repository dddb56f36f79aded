package main

import (
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/rules"
)

// TestBudgets wants a set of rules for each budget: the silence that learns has it, and everything else is as it was.
func TestBudgets(t *testing.T) {
	f := backtestFlags{budgets: []float64{12, 0.5}}
	on := []rules.Rule{
		{Name: "silence-learned", Severity: stillwater.Alert, After: 48 * time.Hour, Budget: 4},
		{Name: "silence-12h", Severity: stillwater.Question, After: 12 * time.Hour},
		{Name: "surge-learned", Severity: stillwater.Alert, Budget: 1},
	}
	list, err := f.budgeted("some/where/night.yaml", on)
	if err != nil || len(list) != 2 || list[0].Name != "night-budget-12" || list[1].Name != "night-budget-0.5" {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, v := range list {
		if v.Budget != f.budgets[i] || v.Rules[0].Budget != f.budgets[i] || v.Rules[1].Budget != 0 || v.Rules[2].Budget != 1 || v.Rules[0].After != 48*time.Hour {
			t.Errorf("%+v", v)
		}
	}
	if on[0].Budget != 4 {
		t.Error("the rules handed in have changed")
	}
	if list, err = f.budgeted("", on); err != nil || list[1].Name != "budget-0.5" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err = f.budgeted("", on[1:]); err == nil || !strings.Contains(err.Error(), "no silence or away rule has a budget") {
		t.Errorf("no rule that learns: %v", err)
	}
}

// TestCurveFlag wants --curve to be six budgets with delays.
func TestCurveFlag(t *testing.T) {
	f := backtestFlags{curve: true}
	if err := f.check(); err != nil || len(f.budgets) != 6 || f.Shadow != time.Hour {
		t.Errorf("%+v, %v", f, err)
	}
}
