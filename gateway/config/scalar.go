package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// setScalar reads one value into v. It returns what is wrong and how to mend it, "" for nothing.
func setScalar(v reflect.Value, text string) string {
	switch v.Type() {
	case durationType:
		span, err := stillwater.ParseSpan(text)
		return set(err, func() { v.SetInt(int64(span)) })
	case timeType:
		at, problem := parseTime(text)
		if problem == "" {
			v.Set(reflect.ValueOf(at))
		}
		return problem
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return set(u.UnmarshalText([]byte(text)), func() {})
	}
	switch kind := v.Kind(); {
	case kind == reflect.String:
		v.SetString(text) // as it is written: a phone number or a label like 007 is not a number
		return ""
	case kind == reflect.Bool:
		return setBool(v, text)
	case v.CanInt():
		return setInt(v, text)
	case v.CanUint():
		return setUint(v, text)
	case v.CanFloat():
		f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || v.OverflowFloat(f) {
			return fmt.Sprintf("%q is not a number; write like 0.5", text)
		}
		v.SetFloat(f)
		return ""
	}
	panic(fmt.Sprintf("config: a setting of type %s cannot be read from a file", v.Type()))
}

// set does what is to be done when there was no error, and gives the error as a problem.
func set(err error, do func()) string {
	if err != nil {
		return err.Error()
	}
	do()
	return ""
}

func setBool(v reflect.Value, text string) string {
	switch strings.ToLower(text) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		return fmt.Sprintf("%q is neither true nor false; write one of them", text)
	}
	return ""
}

// setInt reads whole numbers, also as 0x1F, 0o17 and 1_000. A leading zero is refused: to some it means octal.
func setInt(v reflect.Value, text string) string {
	if problem := ambiguous(text); problem != "" {
		return problem
	}
	n, err := strconv.ParseInt(text, 0, v.Type().Bits())
	return number(err, text, fmt.Sprintf("%d to %d", int64(-1)<<(v.Type().Bits()-1), int64(math.MaxInt64)>>(64-v.Type().Bits())), func() { v.SetInt(n) })
}

func setUint(v reflect.Value, text string) string {
	if problem := ambiguous(text); problem != "" {
		return problem
	}
	n, err := strconv.ParseUint(text, 0, v.Type().Bits())
	if err != nil && strings.HasPrefix(text, "-") {
		return fmt.Sprintf("%q is below zero; write zero or more", text)
	}
	return number(err, text, fmt.Sprintf("0 to %d", uint64(math.MaxUint64)>>(64-v.Type().Bits())), func() { v.SetUint(n) })
}

func ambiguous(text string) string {
	digits := strings.TrimLeft(text, "+-")
	if len(digits) < 2 || digits[0] != '0' || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	if plain := strings.TrimLeft(digits, "0"); plain != "" {
		return fmt.Sprintf("%q begins with a zero, which some read as octal; write %s", text, plain)
	}
	return fmt.Sprintf("%q begins with a zero, which some read as octal; write 0", text)
}

// number says why a whole number could not be read.
func number(err error, text, limits string, do func()) string {
	switch {
	case err == nil:
		do()
		return ""
	case errors.Is(err, strconv.ErrRange):
		return fmt.Sprintf("%s is out of range; write %s", text, limits)
	}
	return fmt.Sprintf("%q is not a whole number; write like 3", text)
}

// parseTime reads a moment with its zone, or a date, which is its first moment in UTC.
func parseTime(text string) (time.Time, string) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, ""
		}
	}
	return time.Time{}, fmt.Sprintf("%q is not a time; write like 2026-03-01 or 2026-03-01T08:00:00+08:00", text)
}
