package layout

import (
	"fmt"
	"slices"
	"strings"
)

// part names the layer and the part in it that a folder belongs to: "services", "services/ingest"; deeper folders are
// part of their part.
func part(dir string) (layer, name string) {
	elements := strings.SplitN(dir, "/", 3)
	if len(elements) == 1 {
		return elements[0], elements[0]
	}
	return elements[0], elements[0] + "/" + elements[1]
}

// under says whether dir is folder or below it.
func under(dir, folder string) bool { return dir == folder || strings.HasPrefix(dir, folder+"/") }

// connection says whether a part of the projections is a leaf that only speaks with one kind of server.
func connection(part string) bool { return strings.HasSuffix(part, "conn") }

// shared is the one part that connections have in common; it knows none of them.
const shared = "projections/tlsconn"

// evidence is the one service that others may give what they found to; it knows none of them.
const evidence = "services/report"

// refusal gives the reason why product code in from may not import to, both folders of ours; "" where it may.
func refusal(from, to string) string {
	layer, self := part(from)
	target, other := part(to)
	switch {
	case to == ".":
		return "the root holds no code"
	case target == "tools":
		return "tools are mains: what others need lives below them"
	case layer == "tools", layer == target && self == other:
		return ""
	case under(to, "services/devstack"):
		return "stand-ins must not get into the product; external test packages and tools may use them"
	case self == evidence && target != "domain" && target != "journal":
		return "a report is checked with nothing but the file and a key: it knows the domain and the journal's checkpoints"
	case layer == "services" && target == "services":
		if from == "services" || other == evidence || other == "services/config" || other == "services/lifecycle" || other == "services/pipeline" {
			return ""
		}
		return "services know the journal and the domain, not each other; only the folder services itself wires them"
	case layer == "projections" && target == "projections":
		if connection(other) && self != "projections" && !connection(self) || other == "projections" && !connection(self) {
			return ""
		}
		if other == shared && connection(self) {
			return ""
		}
		return "a projection stands alone: what two of them share is a contract (projections), a connection (kafkaconn, dorisconn) or a rule (domain)"
	}
	order := []string{"domain", "journal", "projections", "services", "tools"}
	if slices.Index(order, target) > slices.Index(order, layer) {
		return "imports go down only: domain ← journal ← projections ← services ← tools"
	}
	return ""
}

func direction(t Tree) []Finding {
	var found []Finding
	for f := range t.product {
		for _, i := range f.Imports() {
			if i.Ours == "" {
				continue
			}
			if why := refusal(f.Dir(), i.Ours); why != "" {
				found = append(found, Finding{
					t.line(i.Pos), fmt.Sprintf("%s imports %s", f.Dir(), i.Ours), why,
					"move what is needed down a layer, or pass it in where services wires the parts",
				})
			}
		}
	}
	return found
}

// keepers says which layers a foreign module is kept to.
func keepers() []struct {
	module string
	layers []string
	why    string
} {
	return []struct {
		module string
		layers []string
		why    string
	}{
		{"go.uber.org/fx", []string{"services", "tools"}, "only services know how parts are wired; below them New takes what it needs"},
		{"go.uber.org/dig", nil, "wiring is fx's, and fx is services'"},
		{"github.com/twmb/franz-go", []string{"projections", "services", "tools"}, "the journal keeps batches as bytes and knows no Kafka client"},
		{"github.com/nats-io", []string{"journal", "services", "tools"}, "a projection reads the journal through its interfaces"},
		{"os/exec", []string{"services/devstack", "tools"}, "the product starts no programs"},
		{"testing", nil, "test code in the product; contract suites live in packages that end in test"},
	}
}

func foreign(t Tree) []Finding {
	var found []Finding
	for f := range t.product {
		for _, i := range f.Imports() {
			for _, k := range keepers() {
				kept := slices.ContainsFunc(k.layers, func(layer string) bool { return under(f.Dir(), layer) })
				if !under(i.Path, k.module) || kept || k.module == "testing" && strings.HasSuffix(f.AST.Name.Name, "test") {
					continue
				}
				do := "move the code to " + strings.Join(k.layers, " or ")
				if len(k.layers) == 0 {
					do = "do without it"
				}
				found = append(found, Finding{t.line(i.Pos), fmt.Sprintf("%s imports %s", f.Dir(), i.Path), k.why, do})
			}
		}
	}
	return found
}

// contracts keeps journaltest, projectiontest and their like out of the product.
func contracts(t Tree) []Finding {
	var found []Finding
	for f := range t.product {
		if strings.HasSuffix(f.AST.Name.Name, "test") {
			continue
		}
		for _, i := range f.Imports() {
			if i.Ours != "" && strings.HasSuffix(i.Ours, "test") {
				found = append(found, Finding{
					t.line(i.Pos), fmt.Sprintf("%s imports %s", f.Dir(), i.Ours),
					"a contract suite is for tests; it brings package testing into the binary", "import it from a _test.go file",
				})
			}
		}
	}
	return found
}

const maxDepth = 6

// depth follows the longest chain of imports, which is what somebody has to hold in mind.
func depth(t Tree) []Finding {
	imports := map[string][]string{}
	for f := range t.product {
		for _, i := range f.Imports() {
			if i.Ours != "" && i.Ours != f.Dir() {
				imports[f.Dir()] = append(imports[f.Dir()], i.Ours)
			}
		}
	}
	chains := map[string][]string{}
	var longest func(dir string) []string
	longest = func(dir string) []string {
		if chain, known := chains[dir]; known {
			return chain
		}
		chains[dir] = []string{dir} // a cycle, which the compiler reports, ends here
		chain := []string{dir}
		for _, next := range imports[dir] {
			if c := longest(next); len(c)+1 > len(chain) {
				chain = append([]string{dir}, c...)
			}
		}
		chains[dir] = chain
		return chain
	}
	var worst []string
	for f := range t.product {
		if chain := longest(f.Dir()); len(chain) > len(worst) {
			worst = chain
		}
	}
	if len(worst)-1 <= maxDepth {
		return nil
	}
	return []Finding{{
		worst[0], fmt.Sprintf("%d imports deep: %s", len(worst)-1, strings.Join(worst, " → ")),
		fmt.Sprintf("more than %d layers is more than a reader follows", maxDepth), "merge two of them, or let one take what it needs as a parameter",
	}}
}
