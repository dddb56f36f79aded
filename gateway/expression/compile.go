package expression

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"

	"stillwater"
	"stillwater/rules"
)

// A checked tree becomes functions of these two types.
type (
	truth = func(rules.Quantities) rules.Truth
	value = func(rules.Quantities) float64 // NaN: unknown
)

// A compiler turns a checked tree into functions, and notes what they read.
type compiler struct {
	reads             rules.Reads
	shortest, longest time.Duration // of the windows
}

// truth compiles what comes to yes or no.
func (c *compiler) truth(n ast.Node) (truth, error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		fixed := is(n.Value)
		return func(rules.Quantities) rules.Truth { return fixed }, nil
	case *ast.IdentifierNode:
		return c.yesNo(n)
	case *ast.UnaryNode:
		return c.not(n)
	case *ast.ConditionalNode:
		return choose(c, n, c.truth, rules.Unknown)
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&", "or", "||":
			return c.junction(n)
		case "in":
			return c.in(n)
		case "<", "<=", ">", ">=", "==", "!=":
			return c.compare(n)
		}
		return nil, c.refuse(n, fmt.Sprintf("%q", n.Operator))
	}
	return nil, c.refuse(n, "this")
}

// yesNo compiles a quantity that is a yes or a no.
func (c *compiler) yesNo(n *ast.IdentifierNode) (truth, error) {
	w := find(n.Value)
	if w == nil || w.sort != yesNo {
		return nil, c.refuse(n, fmt.Sprintf("%q alone", n.Value))
	}
	c.reads |= rules.ReadsOf(w.asks)
	asks, yes := w.asks, w.value
	return func(home rules.Quantities) rules.Truth {
		v := home.Quantity(asks, 0)
		if math.IsNaN(v) {
			return rules.Unknown
		}
		return is(slices.Contains(yes, v))
	}, nil
}

// not compiles a negation: of what is unknown, too, nothing is known.
func (c *compiler) not(n *ast.UnaryNode) (truth, error) {
	if n.Operator != "not" && n.Operator != "!" {
		return nil, c.refuse(n, fmt.Sprintf("%q", n.Operator))
	}
	inner, err := c.truth(n.Node)
	if err != nil {
		return nil, err
	}
	return func(home rules.Quantities) rules.Truth { return opposite(inner(home)) }, nil
}

// junction compiles and, or: what one side decides is decided, whatever is unknown of the other.
func (c *compiler) junction(n *ast.BinaryNode) (truth, error) {
	left, right, err := both(c.truth, n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	decides := rules.No
	if n.Operator == "or" || n.Operator == "||" {
		decides = rules.Yes
	}
	return func(home rules.Quantities) rules.Truth {
		a := left(home)
		if a == decides {
			return decides
		}
		if b := right(home); b == decides || a != rules.Unknown {
			return b
		}
		return rules.Unknown
	}, nil
}

// choose compiles a ? b : c. Where the condition is unknown, what both would say holds either way.
func choose[T comparable, F ~func(rules.Quantities) T](c *compiler, n *ast.ConditionalNode, compile func(ast.Node) (F, error), unknown T) (F, error) {
	when, err := c.truth(n.Cond)
	if err != nil {
		return nil, err
	}
	then, otherwise, err := both(compile, n.Exp1, n.Exp2)
	if err != nil {
		return nil, err
	}
	return func(home rules.Quantities) T {
		switch when(home) {
		case rules.Yes:
			return then(home)
		case rules.No:
			return otherwise(home)
		}
		if a := then(home); a == otherwise(home) {
			return a
		}
		return unknown
	}, nil
}

// compare compiles a comparison of numbers, of a text with a word, or of two yes-or-nos.
func (c *compiler) compare(n *ast.BinaryNode) (truth, error) {
	equal := n.Operator == "==" || n.Operator == "!="
	for _, side := range [][2]ast.Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		if w := quantity(side[0], text); w != nil {
			if !equal {
				return nil, problemAt(n.Location().From, "%s has no order; write %s == %q", w.name, w.name, w.words[0])
			}
			holds, err := c.among(w, []ast.Node{side[1]})
			if n.Operator == "!=" && err == nil {
				return func(home rules.Quantities) rules.Truth { return opposite(holds(home)) }, nil
			}
			return holds, err
		}
		if err := inRange(side[0], side[1]); err != nil {
			return nil, err
		}
	}
	if isTruth(n.Left) || isTruth(n.Right) {
		return c.same(n)
	}
	left, right, err := both(c.value, n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	compare := comparisons[n.Operator]
	return func(home rules.Quantities) rules.Truth {
		a, b := left(home), right(home)
		if math.IsNaN(a) || math.IsNaN(b) {
			return rules.Unknown
		}
		return is(compare(a, b))
	}, nil
}

var comparisons = map[string]func(a, b float64) bool{
	"<": func(a, b float64) bool { return a < b }, "<=": func(a, b float64) bool { return a <= b },
	">": func(a, b float64) bool { return a > b }, ">=": func(a, b float64) bool { return a >= b },
	"==": func(a, b float64) bool { return a == b }, "!=": func(a, b float64) bool { return a != b },
}

// same compiles the equality of two yes-or-nos.
func (c *compiler) same(n *ast.BinaryNode) (truth, error) {
	left, right, err := both(c.truth, n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	negated := n.Operator == "!="
	return func(home rules.Quantities) rules.Truth {
		a, b := left(home), right(home)
		if a == rules.Unknown || b == rules.Unknown {
			return rules.Unknown
		}
		return is((a == b) != negated)
	}, nil
}

// in compiles a quantity among words or numbers, or in a range of whole numbers.
func (c *compiler) in(n *ast.BinaryNode) (truth, error) {
	if bounds, ok := n.Right.(*ast.BinaryNode); ok && bounds.Operator == ".." {
		return c.between(n, bounds)
	}
	array, ok := n.Right.(*ast.ArrayNode)
	if !ok || len(array.Nodes) == 0 {
		return nil, problemAt(n.Right.Location().From, `after "in" stands a list, like [6, 7], or a range, like 6..7`)
	}
	if w := quantity(n.Left, text); w != nil {
		return c.among(w, array.Nodes)
	}
	left, err := c.value(n.Left)
	if err != nil {
		return nil, err
	}
	var list []value
	for _, entry := range array.Nodes {
		if err := inRange(n.Left, entry); err != nil {
			return nil, err
		}
		one, err := c.value(entry)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return func(home rules.Quantities) rules.Truth {
		a, found := left(home), rules.No
		for _, entry := range list {
			switch b := entry(home); {
			case math.IsNaN(a) || math.IsNaN(b):
				found = rules.Unknown
			case a == b:
				return rules.Yes
			}
		}
		return found
	}, nil
}

// between compiles a quantity in a range of whole numbers.
func (c *compiler) between(n, bounds *ast.BinaryNode) (truth, error) {
	from, isWhole := bounds.Left.(*ast.IntegerNode)
	to, bothWhole := bounds.Right.(*ast.IntegerNode)
	if !isWhole || !bothWhole {
		return nil, problemAt(bounds.Location().From, "a range goes from one whole number to another, like 6..21")
	}
	if from.Value > to.Value {
		return nil, problemAt(bounds.Location().From, `%d..%d is empty; over midnight write like hour >= 22 or hour < 6`, from.Value, to.Value)
	}
	for _, end := range []ast.Node{from, to} {
		if err := inRange(n.Left, end); err != nil {
			return nil, err
		}
	}
	left, err := c.value(n.Left)
	if err != nil {
		return nil, err
	}
	low, high := float64(from.Value), float64(to.Value)
	return func(home rules.Quantities) rules.Truth {
		v := left(home)
		if math.IsNaN(v) {
			return rules.Unknown
		}
		return is(v >= low && v <= high && v == math.Trunc(v))
	}, nil
}

// among compiles whether a text is one of some words, each of which it can be.
func (c *compiler) among(w *word, list []ast.Node) (truth, error) {
	var wanted uint64
	for _, n := range list {
		said, ok := n.(*ast.StringNode)
		if !ok {
			return nil, problemAt(n.Location().From, "%s is compared with a word in quotes, one of %s", w.name, quoted(w.words))
		}
		i := slices.Index(w.words, said.Value)
		if i < 0 {
			hint := ""
			if near := stillwater.Nearest(said.Value, w.words); near != "" {
				hint = fmt.Sprintf("; did you mean %q", near)
			}
			return nil, problemAt(n.Location().From, "%s is never %q%s; it is one of %s", w.name, said.Value, hint, quoted(w.words))
		}
		wanted |= 1 << i
	}
	c.reads |= rules.ReadsOf(w.asks)
	asks, most := w.asks, float64(len(w.words))
	return func(home rules.Quantities) rules.Truth {
		v := home.Quantity(asks, 0)
		if !(v >= 0 && v < most) {
			return rules.Unknown
		}
		return is(wanted&(1<<int(v)) != 0)
	}, nil
}

// shortestWindow is longer than what the memory of a home keeps as one draw.
const shortestWindow = 5 * time.Minute

// windowOf reads the window of a call.
func windowOf(w *word, n *ast.CallNode) (time.Duration, error) {
	example := fmt.Sprintf("write like %s(\"6h\")", w.name)
	if len(n.Arguments) != 1 {
		return 0, problemAt(n.Location().From, "%s takes one window; %s", w.name, example)
	}
	said, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return 0, problemAt(n.Arguments[0].Location().From, "the window of %s is a span in quotes; %s", w.name, example)
	}
	span, err := stillwater.ParseSpan(said.Value)
	switch {
	case err != nil:
		return 0, problemAt(said.Location().From, "%v", err)
	case span < shortestWindow || span > rules.LongestWindow:
		return 0, problemAt(said.Location().From, "the window %q is out of range; draws are kept for %s, so write %s to %s", said.Value, stillwater.FormatSpan(rules.LongestWindow), stillwater.FormatSpan(shortestWindow), stillwater.FormatSpan(rules.LongestWindow))
	}
	return span, nil
}

// inRange refuses to compare a whole number with one that it never reaches: the rule would be silent, or never end.
func inRange(side, other ast.Node) error {
	w, sign := quantity(side, whole), 1.0
	if minus, ok := other.(*ast.UnaryNode); ok && minus.Operator == "-" {
		sign, other = -1, minus.Node
	}
	said, ok := other.(*ast.IntegerNode)
	if w == nil || !ok {
		return nil
	}
	if v := sign * float64(said.Value); v < w.least || v > w.most {
		return problemAt(said.Location().From, "%s is %v to %v, never %v", w.name, w.least, w.most, v)
	}
	return nil
}

// quantity is the word of an identifier of a sort, nil if the node is something else.
func quantity(n ast.Node, s sort) *word {
	if id, ok := n.(*ast.IdentifierNode); ok {
		if w := find(id.Value); w != nil && w.sort == s {
			return w
		}
	}
	return nil
}

// isTruth says whether the node is a yes or a no; the types are checked.
func isTruth(n ast.Node) bool { return n.Type() != nil && n.Type().Kind().String() == "bool" }

// refuse says that something of the library's language does not belong into a rule.
func (c *compiler) refuse(n ast.Node, what string) error {
	return problemAt(n.Location().From, "%s cannot stand here; a condition is made of quantities, numbers, + - * / %%, comparisons, and, or, not, in, ?:, abs, min and max", what)
}

// both compiles two nodes.
func both[F any](compile func(ast.Node) (F, error), left, right ast.Node) (a, b F, err error) {
	if a, err = compile(left); err == nil {
		b, err = compile(right)
	}
	return a, b, err
}

func is(yes bool) rules.Truth {
	if yes {
		return rules.Yes
	}
	return rules.No
}

func opposite(t rules.Truth) rules.Truth {
	switch t {
	case rules.Yes:
		return rules.No
	case rules.No:
		return rules.Yes
	}
	return t
}

func quoted(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(list, ", ")
}
