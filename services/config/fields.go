package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// fields are the keys that a struct has, in the order of their declaration.
type fields struct {
	names  []string
	byName map[string]reflect.Value
}

// fieldsOf lists the keys of the struct v, those of its inlined structs among them.
func fieldsOf(v reflect.Value) fields {
	f := fields{byName: map[string]reflect.Value{}}
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			inner := fieldsOf(v.Field(i))
			f.names = append(f.names, inner.names...)
			for n, field := range inner.byName {
				f.byName[n] = field
			}
		case name != "" && name != "-":
			f.names = append(f.names, name)
			f.byName[name] = v.Field(i)
		}
	}
	return f
}

// setDefaults fills the struct v before the file is read over it.
func setDefaults(v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *Config:
		*p = Default()
	case *Pipeline:
		*p = DefaultPipeline()
	case *Doris:
		*p = DefaultDoris()
	case *Source:
		*p = DefaultSource()
	case *Archive:
		*p = DefaultArchive()
	case *Lineage:
		*p = DefaultLineage()
	case *ReadHub:
		*p = ReadHub{Reading: DefaultReading()}
	}
}

// kindOf names what stands in the file.
func kindOf(node ast.Node) string {
	switch node.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.IntegerNode:
		return "a whole number"
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number with a fraction"
	case *ast.BoolNode:
		return "a truth value"
	}
	return "a text"
}

// wanted names what should.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Bytes]():
		return "a whole number with a unit, as in 16MiB (B, KB, KiB, MB, MiB, GB, GiB, TB, TiB)"
	case reflect.TypeFor[time.Duration]():
		return "a time with its unit, as in 200ms (ns, us, ms, s, m, h)"
	}
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Pointer, reflect.Map:
		return "a mapping"
	}
	return "a text"
}
