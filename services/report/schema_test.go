package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

const schemaFile = "../../docs/report.schema.json"

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchema holds sealed reports, and ones that are not, against the published schema.
func TestSchema(t *testing.T) {
	s := schema(t)
	file := reporttest.Rich(t).Seal()
	for name, c := range map[string]struct {
		file []byte
		ok   bool
	}{
		"rich":                    {file, true},
		"clean":                   {reporttest.Clean(t).Seal(), true},
		"a property more":         {bytes.Replace(file, []byte(`"depth": "content"`), []byte(`"depth": "content", "deeper": 1`), 1), false},
		"a number for a sum":      {bytes.Replace(file, []byte(`"offsets": "`), []byte(`"offsets": 1, "x": "`), 1), false},
		"a state that is none":    {bytes.Replace(file, []byte(`"state": "verified"`), []byte(`"state": "fine"`), 1), false},
		"a property less":         {bytes.Replace(file, []byte(`"verdict": "diverged",`), nil, 1), false},
		"a time that is none":     {bytes.Replace(file, []byte(`"began": "2026`), []byte(`"began": "soon`), 1), false},
		"a hash that is too long": {bytes.Replace(file, []byte(`"binary_sha256": "`), []byte(`"binary_sha256": "00`), 1), false},
	} {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.file))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.Validate(v); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// object is what this test reads of the schema.
type object struct {
	Description string            `json:"description"`
	Ref         string            `json:"$ref"`
	Properties  map[string]object `json:"properties"`
	Required    []string          `json:"required"`
	AnyOf       []object          `json:"anyOf"`
	Items       *object           `json:"items"`
	Defs        map[string]object `json:"$defs"`
}

// TestSchemaIsTheReport compares the schema with the Go types, property by property: each is
// described, and required where it is always there.
func TestSchemaIsTheReport(t *testing.T) {
	b, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root object
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	compareType(t, &root, "report", reflect.TypeFor[report.Report](), seen)
	for name := range root.Defs {
		if !seen[name] {
			t.Errorf("$defs/%s is used by nothing", name)
		}
	}
}

func compareType(t *testing.T, root *object, name string, of reflect.Type, seen map[string]bool) {
	if seen[name] {
		return
	}
	seen[name] = true
	def, known := root.Defs[name]
	if !known || def.Description == "" {
		t.Errorf("$defs/%s: not there, or not described", name)
		return
	}
	var always []string
	for _, f := range reflect.VisibleFields(of) {
		tag := f.Tag.Get("json")
		if f.Anonymous {
			continue
		}
		property, _, _ := strings.Cut(tag, ",")
		p, known := def.Properties[property]
		if !known || p.Description == "" {
			t.Errorf("%s.%s: not in the schema, or not described", name, property)
		}
		if !strings.Contains(tag, "omitempty") {
			always = append(always, property)
		}
		delete(def.Properties, property)
		if inner := structOf(f.Type); inner != nil {
			compareType(t, root, refOf(&p), inner, seen)
		}
	}
	for property := range def.Properties {
		t.Errorf("%s.%s: in the schema and not in a report", name, property)
	}
	slices.Sort(always)
	if slices.Sort(def.Required); !slices.Equal(always, def.Required) {
		t.Errorf("%s: always there are %v, required %v", name, always, def.Required)
	}
}

// structOf is the report's own type behind a field; nil for none.
func structOf(of reflect.Type) reflect.Type {
	for of.Kind() == reflect.Slice || of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || of == reflect.TypeFor[domain.Sum]() || of == reflect.TypeFor[domain.Stream]() {
		return nil
	}
	return of
}

func refOf(p *object) string {
	for _, o := range append(p.AnyOf, *p) {
		if o.Ref != "" {
			return strings.TrimPrefix(o.Ref, "#/$defs/")
		}
	}
	if p.Items != nil {
		return refOf(p.Items)
	}
	return ""
}
