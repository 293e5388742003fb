package doris

import (
	"fmt"
	"strings"
)

// call translates a function.
func (t *translator) call(c call) (piece, error) {
	switch c.name {
	case "count", "sum", "min", "max", "group_bit_xor":
		return t.aggregateCall(c)
	}
	if c.star || c.distinct {
		return piece{}, unknownFunction(c)
	}
	if len(c.args) == 0 {
		if v, ok := t.now(c.name); ok {
			return piece{sql: sqlText(v), typ: valueType{kind: KindText}}, nil
		}
		return piece{}, unknownFunction(c)
	}
	args := make([]piece, len(c.args))
	for i, a := range c.args {
		var err error
		if args[i], err = t.expr(a); err != nil {
			return piece{}, err
		}
	}
	switch {
	case (c.name == "ifnull" || c.name == "nvl") && len(args) == 2, c.name == "coalesce" && len(args) > 1:
		typ, err := common(args)
		return piece{sql: "coalesce(" + join(args) + ")", typ: typ}, err
	case c.name == "if" && len(args) == 3 && (args[0].typ.kind == KindBool || args[0].typ.kind == KindInt):
		typ, err := common(args[1:])
		return piece{sql: "iif(" + join(args) + ")", typ: typ}, err
	case c.name == "xxhash_64" || c.name == "xxhash3_64":
		return t.textFunction("dx_xxh64(", ")", c, args, valueType{})
	case c.name == "length" && len(args) == 1:
		return t.textFunction("octet_length(", ")", c, args, valueType{})
	case c.name == "concat" && len(args) > 1:
		return t.textFunction("(", ")", c, args, valueType{kind: KindText})
	case c.name == "left" && len(args) == 2:
		return t.left(c, args[0])
	}
	return piece{}, unknownFunction(c)
}

func unknownFunction(c call) error {
	return refuse("stand-in does not support function %s with %d arguments", c.name, len(c.args))
}

// textFunction takes texts only: Doris casts other kinds by rules of its own, so the statement has to say how.
func (t *translator) textFunction(open, end string, c call, args []piece, typ valueType) (piece, error) {
	for _, a := range args {
		if a.typ.kind != KindText && !a.typ.null {
			return piece{}, refuse("stand-in does not support %s of %s, cast it to string", c.name, a.typ)
		}
	}
	if c.name == "concat" { // sqlite's own concat() passes over NULL; Doris' gives NULL
		return piece{sql: open + joinWith(args, " || ") + end, typ: typ}, nil
	}
	return piece{sql: open + join(args) + end, typ: typ}, nil
}

// left is the first characters of a text, as many as a number says that stands there.
func (t *translator) left(c call, text piece) (piece, error) {
	n, ok := c.args[1].(litInt)
	if !ok || n.v < 0 {
		return piece{}, refuse("stand-in does not support left without a number of characters")
	}
	return t.textFunction("substr(", fmt.Sprintf(", 1, %d)", n.v), c, []piece{text}, valueType{kind: KindText})
}

func join(args []piece) string { return joinWith(args, ", ") }

func joinWith(args []piece, sep string) string {
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = a.sql
	}
	return strings.Join(all, sep)
}

// common is the one kind of several values.
func common(args []piece) (valueType, error) {
	typ := valueType{null: true}
	for _, a := range args {
		switch {
		case a.typ.null:
		case typ.null:
			typ = a.typ
		case typ.kind != a.typ.kind || typ.scale != a.typ.scale || typ.sum != a.typ.sum:
			return typ, refuse("stand-in does not support mixing %s with %s", typ, a.typ)
		}
	}
	return typ, nil
}

func (t *translator) aggregateCall(c call) (piece, error) {
	if t.inside {
		return piece{}, refuse("aggregate function can't contain aggregate expressions")
	}
	t.aggregate = true
	if c.star {
		if c.name != "count" {
			return piece{}, unknownFunction(c)
		}
		return piece{sql: "count(*)"}, nil
	}
	if len(c.args) != 1 || c.distinct && c.name != "count" {
		return piece{}, unknownFunction(c)
	}
	t.inside = true
	arg, err := t.expr(c.args[0])
	t.inside = false
	if err != nil {
		return arg, err
	}
	switch {
	case c.name == "count" && c.distinct:
		return piece{sql: "count(DISTINCT " + arg.sql + ")"}, nil
	case c.name == "count":
		return piece{sql: "count(" + arg.sql + ")"}, nil
	case c.name == "min" || c.name == "max":
		return piece{sql: c.name + "(" + arg.sql + ")", typ: arg.typ}, nil
	case c.name == "sum" && arg.typ.kind == KindInt:
		return piece{sql: "sum(" + arg.sql + ")"}, nil // sqlite refuses to overflow where Doris wraps around
	case c.name == "sum" && arg.typ.kind == KindLarge:
		return piece{sql: "dx_sum_large(" + arg.sql + ")", typ: valueType{kind: KindLarge, sum: true}}, nil
	case c.name == "group_bit_xor" && group(arg.typ.kind) == KindInt:
		return piece{sql: "dx_bit_xor(" + arg.sql + ")", typ: arg.typ}, nil
	}
	return arg, refuse("stand-in does not support %s of %s", c.name, arg.typ)
}
