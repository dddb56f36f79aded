// Package expression compiles the conditions of custom rules: `litres("6h") > 300 and hour < 6`. The language is that of expr-lang,
// which parses and checks types; of it only what has a bounded cost and the same answer every time is let in: quantities of the home,
// numbers, texts, arithmetic, comparisons, and, or, not, in, ?:, abs, min and max. There are no loops, no clock, no chance, no I/O.
//
// A condition is three-valued, which the library's own machine is not, so the checked tree is turned into functions here: a quantity
// that cannot be known makes a comparison unknown, `and` and `or` go on with what is known, and what remains unknown neither
// raises an alert nor ends one. Division by zero is unknown. Nothing panics.
//
// Every mistake is reported with its place and how to mend it.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"stillwater"
	"stillwater/rules"
)

// Limits of a condition; one that people can read and check stays far below.
const (
	maxLength = 1000 // characters
	maxNodes  = 200
)

// Compile turns a condition into what the rules ask. The error says what is wrong, where, and how to mend it.
func Compile(text string) (*rules.Condition, error) {
	program, err := check(text)
	if err != nil {
		return nil, err
	}
	c := &compiler{}
	holds, err := c.truth(program.Node())
	if err != nil {
		return nil, err
	}
	if c.reads == 0 {
		return nil, errors.New("asks nothing of the home, so it is always the same; begin with a quantity, like still_hours > 8")
	}
	return &rules.Condition{Holds: holds, Reads: c.reads, Shortest: c.shortest, Longest: c.longest}, nil
}

// check parses the text and checks its types.
func check(text string) (*vm.Program, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("is empty; write like still_hours > 8 and night")
	case !utf8.ValidString(text):
		return nil, errors.New("is not UTF-8; save the file as UTF-8")
	case utf8.RuneCountInString(text) > maxLength:
		return nil, fmt.Errorf("is longer than %d characters; split it into several rules", maxLength)
	}
	program, err := expr.Compile(text, expr.Env(environment()), expr.AsKind(reflect.Bool), expr.Optimize(false), expr.DisableIfOperator(), expr.MaxNodes(maxNodes),
		expr.DisableAllBuiltins(), expr.EnableBuiltin("abs"), expr.EnableBuiltin("min"), expr.EnableBuiltin("max"))
	if err != nil {
		return nil, inPlainWords(err)
	}
	return program, nil
}

// hints mend what the library says of the commonest mistakes: the first pattern that fits counts.
var hints = []struct {
	says *regexp.Regexp
	mend string // $1 is what the pattern caught
}{
	{regexp.MustCompile(`^expected bool(?:ean)?, but got (?:int|float64)`), "comes to a number, not to yes or no; compare it, like still_hours > 8"},
	{regexp.MustCompile(`^expected bool(?:ean)?, but got string`), `comes to a text, not to yes or no; compare it, like door == "open"`},
	{regexp.MustCompile(`^expected bool(?:ean)?, but got`), `comes to something else than yes or no; write like litres("6h") > 300`},
	{regexp.MustCompile(`exceeds maximum allowed nodes`), "has too many parts; split it into several rules"},
	{regexp.MustCompile(`not enough arguments to call (\w+)`), `$1 needs more between its brackets; write like litres("6h") or max(still_hours, 3)`},
	{regexp.MustCompile(`too many arguments to call (\w+)`), `$1 has too much between its brackets; write like litres("6h")`},
	{regexp.MustCompile(`as argument \(type string\) to call (\w+)`), `the window of $1 is a span in quotes; write like $1("6h")`},
	{regexp.MustCompile(`mismatched types .*func\(string\)`), `litres and draws need a window; write like litres("6h")`},
	{regexp.MustCompile(`is not callable`), "this takes no window; write it without the brackets"},
	{regexp.MustCompile(`invalid operation: (\S+) \(mismatched types (?:int|float64) and string|invalid operation: (\S+) \(mismatched types string and (?:int|float64)`), "a number and a text cannot go together; texts stand in quotes, numbers do not"},
	{regexp.MustCompile(`invalid operation: (?:not|!) \(mismatched type (?:int|float64|string)`), "only a yes or no can be negated; put what follows in brackets, like not (hour < 6)"},
	{regexp.MustCompile(`invalid operation: % `), "% is for whole numbers, like hour % 2"},
	{regexp.MustCompile(`unexpected token EOF`), "it ends too early; something is missing here"},
	{regexp.MustCompile(`unexpected token Operator\("="\)`), "equal is written =="},
	{regexp.MustCompile(`bad number syntax`), "this is no number; hours are written without a unit, like still_hours > 8"},
	{regexp.MustCompile(`literal not terminated`), "a quote is missing at the end of a text"},
}

var (
	unknownName = regexp.MustCompile(`^unknown name "?([^\s"]+)`)
	typeNames   = strings.NewReplacer("float64", "number", "int", "number", "string", "text", "bool", "yes-or-no")
)

// inPlainWords is an error of the library as people who do not program can use it.
func inPlainWords(err error) error {
	message, offset := err.Error(), -1
	var at *file.Error
	if errors.As(err, &at) {
		message, offset = at.Message, at.From
	}
	message, _, _ = strings.Cut(message, "\n")
	if name := unknownName.FindStringSubmatch(message); name != nil {
		return unknown(name[1], max(offset, 0))
	}
	mended := typeNames.Replace(message)
	for _, h := range hints {
		if m := h.says.FindStringSubmatchIndex(message); m != nil {
			mended = string(h.says.ExpandString(nil, h.mend, message, m))
			break
		}
	}
	if offset < 0 {
		return errors.New(mended)
	}
	return problemAt(offset, "%s", mended)
}

// unknown says that there is no quantity of the name, and which one may have been meant.
func unknown(name string, offset int) error {
	hint := "; the quantities are " + strings.Join(names(), ", ")
	if near := stillwater.Nearest(name, names()); near != "" {
		hint = fmt.Sprintf("; did you mean %s? The quantities are %s", near, strings.Join(names(), ", "))
	}
	return problemAt(offset, "%q is no quantity of a home%s", name, hint)
}

// problemAt is a problem with its place in the condition, from 1.
func problemAt(offset int, format string, args ...any) error {
	return fmt.Errorf("at character %d: %s", offset+1, fmt.Sprintf(format, args...))
}
