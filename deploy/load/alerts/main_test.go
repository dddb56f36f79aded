package main

import "testing"

// TestShort is the load run in seconds: everybody is told, once. How fast is for the load run itself to judge.
func TestShort(t *testing.T) {
	if err := work(t.Context(), t.TempDir(), load{rates: "3000", span: 0, least: 50}); err != nil {
		t.Error(err)
	}
}
