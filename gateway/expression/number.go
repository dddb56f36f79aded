package expression

import (
	"fmt"
	"math"

	"github.com/expr-lang/expr/ast"

	"stillwater/rules"
)

// value compiles what comes to a number.
func (c *compiler) value(n ast.Node) (value, error) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return constant(float64(n.Value)), nil
	case *ast.FloatNode:
		return constant(n.Value), nil
	case *ast.IdentifierNode:
		w := find(n.Value)
		if w == nil || w.sort != number && w.sort != whole {
			return nil, c.refuse(n, fmt.Sprintf("%q", n.Value))
		}
		c.reads |= rules.ReadsOf(w.asks)
		asks := w.asks
		return func(home rules.Quantities) float64 { return home.Quantity(asks, 0) }, nil
	case *ast.CallNode:
		return c.call(n)
	case *ast.UnaryNode:
		return c.sign(n)
	case *ast.BinaryNode:
		return c.arithmetic(n)
	case *ast.ConditionalNode:
		return choose(c, n, c.value, math.NaN())
	case *ast.BuiltinNode:
		return c.builtin(n)
	}
	return nil, c.refuse(n, "this")
}

func constant(v float64) value { return func(rules.Quantities) float64 { return v } }

// call compiles a quantity with a window.
func (c *compiler) call(n *ast.CallNode) (value, error) {
	w := quantity(n.Callee, window)
	if w == nil {
		return nil, c.refuse(n, "this call")
	}
	within, err := windowOf(w, n)
	if err != nil {
		return nil, err
	}
	c.reads |= rules.ReadsOf(w.asks)
	c.longest = max(c.longest, within)
	if c.shortest == 0 || within < c.shortest {
		c.shortest = within
	}
	asks := w.asks
	return func(home rules.Quantities) float64 { return home.Quantity(asks, within) }, nil
}

func (c *compiler) sign(n *ast.UnaryNode) (value, error) {
	inner, err := c.value(n.Node)
	switch {
	case err != nil:
		return nil, err
	case n.Operator == "+":
		return inner, nil
	case n.Operator == "-":
		return func(home rules.Quantities) float64 { return -inner(home) }, nil
	}
	return nil, c.refuse(n, fmt.Sprintf("%q", n.Operator))
}

// operations are the arithmetic, without results that mean nothing: what divides by zero is not known.
var operations = map[string]func(a, b float64) float64{
	"+":  func(a, b float64) float64 { return a + b },
	"-":  func(a, b float64) float64 { return a - b },
	"*":  func(a, b float64) float64 { return a * b },
	"**": math.Pow,
	"^":  math.Pow,
	"%":  math.Mod, // NaN by zero
	"/": func(a, b float64) float64 {
		if b == 0 {
			return math.NaN()
		}
		return a / b
	},
}

func (c *compiler) arithmetic(n *ast.BinaryNode) (value, error) {
	operation := operations[n.Operator]
	if operation == nil {
		return nil, c.refuse(n, fmt.Sprintf("%q", n.Operator))
	}
	left, right, err := both(c.value, n.Left, n.Right)
	if err != nil {
		return nil, err
	}
	return func(home rules.Quantities) float64 { return operation(left(home), right(home)) }, nil
}

// builtin compiles abs, min and max of numbers. What is unknown makes them unknown.
func (c *compiler) builtin(n *ast.BuiltinNode) (value, error) {
	var arguments []value
	for _, argument := range n.Arguments {
		one, err := c.value(argument)
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, one)
	}
	if len(arguments) == 0 {
		return nil, problemAt(n.Location().From, "%s takes numbers; write like %s(litres(\"1h\"), 10)", n.Name, n.Name)
	}
	join := map[string]func(a, b float64) float64{
		"abs": func(a, _ float64) float64 { return math.Abs(a) },
		"min": func(a, b float64) float64 { return min(a, b) },
		"max": func(a, b float64) float64 { return max(a, b) },
	}[n.Name]
	if join == nil {
		return nil, c.refuse(n, n.Name)
	}
	return func(home rules.Quantities) float64 {
		v := arguments[0](home)
		if n.Name == "abs" {
			return join(v, v)
		}
		for _, argument := range arguments[1:] {
			v = join(v, argument(home))
		}
		return v
	}, nil
}
