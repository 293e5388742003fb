package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decoder reads a parsed document into the structs of this package. It is stricter than the library's own: that one turns
// an unquoted 0123 into the text "83" and true into "true", takes a key without a value for a missing one, and forgets
// where the values stood.
type decoder struct {
	file string
	at   map[string]position // where each key's value stands, for the check that comes after
}

// document reads text, which is one mapping, into c.
func (d *decoder) document(text []byte, c *Config) error {
	// Duplicate keys are allowed here and refused in mapping, which knows their whole name.
	file, err := parser.ParseBytes([]byte(strings.TrimPrefix(string(text), "\ufeff")), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return d.syntax(err)
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil || doc.Body.Type() == ast.DirectiveType {
			return d.wrong(doc.Body, "", "is more than plain YAML", "one document without directives")
		}
		root = doc.Body
	}
	if root == nil {
		return &Error{d.file, 1, 1, "", "is empty", "at least pipelines: with one pipeline"}
	}
	return d.value(root, "", reflect.ValueOf(c).Elem())
}

// syntax turns the parser's error, a picture of several lines, into one line.
func (d *decoder) syntax(err error) error {
	e := &Error{File: d.file, Line: 1, Column: 1, Problem: "is not YAML: " + err.Error(), Allowed: "YAML 1.2"}
	if placed, ok := err.(yaml.Error); ok { //nolint:errorlint // the parser does not wrap
		e.Problem = "is not YAML: " + placed.GetMessage()
		if t := placed.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	return e
}

// wrong is an error at node.
func (d *decoder) wrong(node ast.Node, key, problem, allowed string) error {
	at := place(node)
	return &Error{d.file, at.line, at.column, key, problem, allowed}
}

// place is where a reader finds node: for a mapping its first key, not the colon after it.
func place(node ast.Node) position {
	if m, ok := node.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		node = m.Values[0].Key
	}
	p := node.GetToken().Position
	return position{p.Line, p.Column}
}

// value reads node into v; key is its full name.
func (d *decoder) value(node ast.Node, key string, v reflect.Value) error {
	d.at[key] = place(node)
	switch n := node.(type) {
	case *ast.NullNode:
		return d.wrong(node, key, "has no value", "a value, or no such key")
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return d.wrong(node, key, "is an anchor, alias or tag", "plain values")
	case *ast.MappingNode:
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		switch v.Kind() {
		case reflect.Struct:
			return d.mapping(n, key, v)
		case reflect.Map:
			return d.dictionary(n, key, v)
		}
	case *ast.SequenceNode:
		if v.Kind() == reflect.Slice {
			return d.sequence(n, key, v)
		}
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.LiteralNode, *ast.InfinityNode, *ast.NanNode:
		return d.scalar(node, key, v)
	}
	allowed := wanted(v.Type())
	if _, pair := node.(*ast.MappingNode); pair && v.Kind() == reflect.String {
		allowed += " (in quotes where it has a colon and stands inside { })" // goccy/go-yaml takes {a: [host:1]} for {a: [{host: 1}]}
	}
	return d.wrong(node, key, "is "+kindOf(node), allowed)
}

// mapping reads each key of node into the field of v that has its name.
func (d *decoder) mapping(node *ast.MappingNode, key string, v reflect.Value) error {
	setDefaults(v)
	fields := fieldsOf(v)
	seen := map[string]position{}
	for _, pair := range node.Values {
		name := pair.Key.GetToken().Value
		full := strings.TrimPrefix(key+"."+name, ".")
		field, ok := fields.byName[name]
		if _, plain := pair.Key.(*ast.StringNode); !ok || !plain {
			return d.wrong(pair.Key, full, "is not a key here", strings.Join(fields.names, ", "))
		}
		if first, twice := seen[name]; twice {
			return d.wrong(pair.Key, full, fmt.Sprintf("is given twice, first in line %d", first.line), "each key once")
		}
		seen[name] = place(pair.Key)
		if err := d.value(pair.Value, full, field); err != nil {
			return err
		}
	}
	return nil
}

// dictionary reads each key of node, whatever its name, into the map v of texts. What stands there is taken as it was
// written, so that read_json_by_line: true needs no quotes.
func (d *decoder) dictionary(node *ast.MappingNode, key string, v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	for _, pair := range node.Values {
		name := pair.Key.GetToken().Value
		full := key + "." + name
		at := reflect.ValueOf(name)
		if _, plain := pair.Key.(*ast.StringNode); !plain || name == "" {
			return d.wrong(pair.Key, full, "is not a name", "a text")
		}
		if v.MapIndex(at).IsValid() {
			return d.wrong(pair.Key, full, fmt.Sprintf("is given twice, first in line %d", d.at[full].line), "each key once")
		}
		text := reflect.New(v.Type().Elem()).Elem()
		switch n := pair.Value.(type) {
		case *ast.BoolNode, *ast.FloatNode:
			d.at[full] = place(n)
			text.SetString(n.GetToken().Value)
		default:
			if err := d.value(pair.Value, full, text); err != nil {
				return err
			}
		}
		v.SetMapIndex(at, text)
	}
	return nil
}

// sequence reads each item of node into a new element of v.
func (d *decoder) sequence(node *ast.SequenceNode, key string, v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), len(node.Values), len(node.Values)))
	for i, item := range node.Values {
		if err := d.value(item, fmt.Sprintf("%s[%d]", key, i), v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// scalar reads a single value. A whole number is taken for a text too, as it was written: city: 320100 needs no quotes.
func (d *decoder) scalar(node ast.Node, key string, v reflect.Value) error {
	text := node.GetToken().Value
	if l, ok := node.(*ast.LiteralNode); ok {
		text = l.Value.Value
	}
	_, number := node.(*ast.IntegerNode)
	_, quotable := node.(*ast.StringNode)
	var err error
	switch v.Interface().(type) {
	case Bytes:
		var b Bytes
		b, err = ParseBytes(text)
		v.SetInt(int64(b))
	case time.Duration:
		var t time.Duration
		t, err = time.ParseDuration(text)
		v.SetInt(int64(t))
	case int:
		var n int
		if n, err = strconv.Atoi(text); err == nil && !number {
			return d.wrong(node, key, "is "+kindOf(node), wanted(v.Type()))
		}
		v.SetInt(int64(n))
	case bool:
		truth, ok := node.(*ast.BoolNode)
		if !ok {
			return d.wrong(node, key, "is "+kindOf(node), wanted(v.Type()))
		}
		v.SetBool(truth.Value)
	case string:
		if _, block := node.(*ast.LiteralNode); !number && !quotable && !block {
			return d.wrong(node, key, "is "+kindOf(node), wanted(v.Type()))
		}
		v.SetString(text)
	default:
		return d.wrong(node, key, "is "+kindOf(node), wanted(v.Type()))
	}
	if err != nil {
		return d.wrong(node, key, fmt.Sprintf("is %q", text), wanted(v.Type()))
	}
	return nil
}
