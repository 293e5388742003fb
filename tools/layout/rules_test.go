package layout

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// good is a small repository that keeps every rule, with one example of what each allows.
func good() map[string]string {
	const ours = Module + "/"
	return map[string]string{
		"README.md":                          "not Go",
		"deploy/hefu.yaml":                   "",
		"docs/why.md":                        "",
		"bin/left/broken.go":                 "not parsed",
		".ci/broken.go":                      "not parsed",
		"domain/span.go":                     "// Package domain has the words.\npackage domain\nimport (\n\"strings\"\n\"time\"\n)\nvar _ = strings.Trim\nvar _ time.Duration",
		"domain/span_test.go":                "package domain\nimport \"os\"\nvar _ = os.Args",
		"domain/virtual_test.go":             "package domain\nfunc f() { synctest.Test(nil, func() { time.Sleep(1) }) }",
		"domain/testdata/broken.go":          "not parsed",
		"journal/journal.go":                 use("journal", ours+"domain", "github.com/nats-io/nats.go"),
		"journal/embedded/embedded.go":       use("embedded", ours+"journal"),
		"journal/journaltest/contract.go":    use("journaltest", ours+"journal", "testing"),
		"journal/journal_test.go":            "package journal_test\nimport _ \"" + ours + "journal/journaltest\"\nimport _ \"" + ours + "services/devstack/nats\"",
		"projections/projection.go":          use("projections", ours+"journal", ours+"domain"),
		"projections/kafkaconn/dial.go":      use("kafkaconn", "github.com/twmb/franz-go/pkg/kgo", ours+"projections/tlsconn"),
		"projections/tlsconn/tlsconn.go":     use("tlsconn", "crypto/tls"),
		"projections/dorisconn/load.go":      use("dorisconn", ours+"domain"),
		"projections/hub/hub.go":             use("hub", ours+"projections", ours+"projections/kafkaconn", ours+"journal"),
		"projections/hub/hub_test.go":        "package hub\nimport _ \"" + ours + "projections/doris\"",
		"services/app.go":                    use("services", ours+"services/ingest", ours+"services/config", "go.uber.org/fx"),
		"services/config/config.go":          use("config", ours+"projections/kafkaconn"),
		"services/lifecycle/lifecycle.go":    use("lifecycle", "go.uber.org/fx"),
		"services/reconcile/reconcile.go":    use("reconcile", ours+"services/report"),
		"services/report/report.go":          use("report", ours+"domain", ours+"journal"),
		"services/ingest/module.go":          use("ingest", ours+"services/config", ours+"services/lifecycle", ours+"projections", ours+"journal"),
		"services/devstack/doris/fe.go":      use("doris", "os/exec", ours+"services/devstack/kafka"),
		"services/devstack/kafka/process.go": use("kafka"),
		"tools/hefu/main.go":                 use("main", ours+"services", ours+"services/devstack/doris", "os/exec"),
	}
}

// use is a file of a package that imports the given paths.
func use(name string, paths ...string) string {
	var b strings.Builder
	b.WriteString("// Package " + name + " is here.\npackage " + name + "\n")
	for _, p := range paths {
		b.WriteString("import _ \"" + p + "\"\n")
	}
	return b.String()
}

func parse(t *testing.T, files map[string]string) Tree {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestGoodTreeKeepsEveryRule(t *testing.T) {
	tree := parse(t, good())
	for _, rule := range Rules() {
		for _, f := range rule.Check(tree) {
			t.Errorf("%s: %s", rule.Name, f)
		}
	}
}

// breach is what has to be done to the good tree to break one rule.
type breach struct {
	rule, want string
	files      map[string]string             // added to the good ones
	change     func(files map[string]string) // or whatever else it takes
}

// TestEachRuleFails shows every rule a tree that breaks it and no other.
func TestEachRuleFails(t *testing.T) {
	const ours = Module + "/"
	lines := func(n int) string { return strings.Repeat("\n", n) }
	deep := func(files map[string]string) {
		chain := []string{"domain", "journal", "journal/a", "journal/b", "journal/c", "journal/d", "journal/e", "journal/f"}
		for i := 1; i < len(chain); i++ {
			files[chain[i]+"/deep.go"] = use(chain[i][strings.LastIndex(chain[i], "/")+1:], ours+chain[i-1])
		}
	}
	cases := []breach{
		{rule: "folders at the top", want: "pkg: a folder that has no place", files: map[string]string{"pkg/x.txt": ""}},
		{rule: "folders at the top", want: "deploy: is missing", change: func(files map[string]string) { delete(files, "deploy/hefu.yaml") }},

		{rule: "direction of imports", want: "domain/x.go:3: domain imports journal", files: map[string]string{"domain/x.go": use("domain", ours+"journal")}},
		{rule: "direction of imports", want: "journal/x.go:3: journal imports projections", files: map[string]string{"journal/x.go": use("journal", ours+"projections")}},
		{rule: "direction of imports", want: "projections/x.go:3: projections imports projections/hub", files: map[string]string{"projections/x.go": use("projections", ours+"projections/hub")}},
		{rule: "direction of imports", want: "projections/x.go:3: projections imports projections/kafkaconn", files: map[string]string{"projections/x.go": use("projections", ours+"projections/kafkaconn")}},
		{rule: "direction of imports", want: "projections/doris/x.go:3: projections/doris imports projections/hub", files: map[string]string{"projections/doris/x.go": use("doris", ours+"projections/hub")}},
		{rule: "direction of imports", want: "projections/kafkaconn/x.go:3: projections/kafkaconn imports projections", files: map[string]string{"projections/kafkaconn/x.go": use("kafkaconn", ours+"projections"), "services/config/config.go": use("config")}},
		{rule: "direction of imports", want: "projections/tlsconn/x.go:3: projections/tlsconn imports projections/dorisconn", files: map[string]string{"projections/tlsconn/x.go": use("tlsconn", ours+"projections/dorisconn"), "projections/dorisconn/load.go": use("dorisconn")}},
		{rule: "direction of imports", want: "projections/dorisconn/x.go:3: projections/dorisconn imports projections/kafkaconn", files: map[string]string{"projections/dorisconn/x.go": use("dorisconn", ours+"projections/kafkaconn")}},
		{rule: "direction of imports", want: "projections/hub/x.go:3: projections/hub imports services/config", files: map[string]string{"projections/hub/x.go": use("hub", ours+"services/config")}},
		{rule: "direction of imports", want: "services/status/x.go:3: services/status imports services/ingest", files: map[string]string{"services/status/x.go": use("status", ours+"services/ingest")}},
		{rule: "direction of imports", want: "services/report/x.go:3: services/report imports services/config", files: map[string]string{"services/report/x.go": use("report", ours+"services/config"), "services/config/config.go": use("config")}},
		{rule: "direction of imports", want: "services/report/x.go:3: services/report imports projections/kafkaconn", files: map[string]string{"services/report/x.go": use("report", ours+"projections/kafkaconn"), "projections/kafkaconn/dial.go": use("kafkaconn")}},
		{rule: "direction of imports", want: "services/ingest/x.go:3: services/ingest imports services", files: map[string]string{"services/ingest/x.go": use("ingest", ours+"services")}},
		{rule: "direction of imports", want: "services/ingest/x.go:3: services/ingest imports services/devstack/doris", files: map[string]string{"services/ingest/x.go": use("ingest", ours+"services/devstack/doris")}},
		{rule: "direction of imports", want: "services/x.go:3: services imports services/devstack/doris", files: map[string]string{"services/x.go": use("services", ours+"services/devstack/doris")}},
		{rule: "direction of imports", want: "services/ingest/x.go:3: services/ingest imports tools/sim", files: map[string]string{"services/ingest/x.go": use("ingest", ours+"tools/sim")}},
		{rule: "direction of imports", want: "tools/sim/x.go:3: tools/sim imports tools/hefu", files: map[string]string{"tools/sim/x.go": use("main", ours+"tools/hefu")}},
		{rule: "direction of imports", want: "tools/sim/x.go:3: tools/sim imports .", files: map[string]string{"tools/sim/x.go": use("main", Module)}},

		{rule: "foreign modules in their layer", want: "projections/hub/x.go:3: projections/hub imports go.uber.org/fx", files: map[string]string{"projections/hub/x.go": use("hub", "go.uber.org/fx")}},
		{rule: "foreign modules in their layer", want: "journal/x.go:3: journal imports github.com/twmb/franz-go/pkg/kgo", files: map[string]string{"journal/x.go": use("journal", "github.com/twmb/franz-go/pkg/kgo")}},
		{rule: "foreign modules in their layer", want: "projections/hub/x.go:3: projections/hub imports github.com/nats-io/nats.go/jetstream", files: map[string]string{"projections/hub/x.go": use("hub", "github.com/nats-io/nats.go/jetstream")}},
		{rule: "foreign modules in their layer", want: "services/ingest/x.go:3: services/ingest imports os/exec", files: map[string]string{"services/ingest/x.go": use("ingest", "os/exec")}},
		{rule: "foreign modules in their layer", want: "services/ingest/x.go:3: services/ingest imports testing", files: map[string]string{"services/ingest/x.go": use("ingest", "testing")}},
		{rule: "foreign modules in their layer", want: "services/x.go:3: services imports go.uber.org/dig", files: map[string]string{"services/x.go": use("services", "go.uber.org/dig")}},

		{rule: "contract suites in tests only", want: "projections/hub/x.go:3: projections/hub imports journal/journaltest", files: map[string]string{"projections/hub/x.go": use("hub", ours+"journal/journaltest")}},

		{rule: "depth of imports", want: "journal/f: 7 imports deep: journal/f → journal/e → journal/d → journal/c → journal/b → journal/a → journal → domain", change: deep},

		{rule: "domain is pure", want: "domain/x.go:3: domain imports log/slog", files: map[string]string{"domain/x.go": use("domain", "log/slog")}},
		{rule: "domain is pure", want: "domain/x.go:3: domain imports context", files: map[string]string{"domain/x.go": use("domain", "context")}},
		{rule: "domain is pure", want: "domain/x.go:3: domain imports github.com/zeebo/xxh3", files: map[string]string{"domain/x.go": use("domain", "github.com/zeebo/xxh3")}},
		{rule: "domain is pure", want: "domain/x.go:3: domain calls time.Now", files: map[string]string{"domain/x.go": "package domain\nimport \"time\"\nvar _ = time.Now()"}},

		{rule: "package comments", want: "services/mute: has no package comment", files: map[string]string{"services/mute/x.go": "package mute"}},
		{rule: "size of files", want: "domain/long_test.go: 401 lines; at most 400", files: map[string]string{"domain/long_test.go": "package domain" + lines(401)}},
		{rule: "size of functions", want: "domain/long.go:2: f has 71 lines; at most 70", files: map[string]string{"domain/long.go": "package domain\nfunc f() {" + lines(70) + "}"}},
		{rule: "median file", want: ".: the median file has 151 lines; at most 150", change: func(files map[string]string) {
			for name, text := range files {
				if strings.HasSuffix(name, ".go") && !strings.Contains(text, "not parsed") {
					files[name] = text + lines(151-strings.Count(text, "\n"))
				}
			}
		}},

		{rule: "no init", want: "domain/x.go:2: func init", files: map[string]string{"domain/x.go": "package domain\nfunc init() {}"}},
		{rule: "names", want: `journal/offset_utils.go: is called "util"`, files: map[string]string{"journal/offset_utils.go": use("journal")}},
		{rule: "names", want: `services/common/x.go: is called "common"`, files: map[string]string{"services/common/x.go": use("x")}},
		{rule: "names", want: `services/x/package txmanager: is called "manager"`, files: map[string]string{"services/x/x.go": use("txmanager")}},
		{rule: "names", want: `journal/helper_test.go: is called "helper"`, files: map[string]string{"journal/helper_test.go": "package journal"}},

		{rule: "error texts", want: `domain/x.go:3: error text with "failed to"`, files: map[string]string{"domain/x.go": "package domain\nimport \"errors\"\nvar _ = errors.New(\"failed to read\")"}},
		{rule: "error texts", want: `domain/x.go:3: error text with "Could not"`, files: map[string]string{"domain/x.go": "package domain\nimport \"fmt\"\nvar _ = fmt.Errorf(\"Could not read %d: %w\", 1, nil)"}},
		{rule: "error texts", want: `domain/x.go:3: error text with "unable to"`, files: map[string]string{"domain/x.go": "package domain\nimport \"fmt\"\nvar _ = fmt.Errorf(\"read %d: unable to seek: \" + \"%w\", 1, nil)"}},

		{rule: "no sleeping tests", want: "domain/x_test.go:3: a test sleeps", files: map[string]string{"domain/x_test.go": "package domain\nimport \"time\"\nfunc f() { synctest.Test(nil, nil); time.Sleep(1) }"}},
		{rule: "nothing left to do", want: "domain/x_test.go:2: a comment with TODO", files: map[string]string{"domain/x_test.go": "package domain\n// TODO: more\n"}},
	}
	for _, c := range cases {
		t.Run(c.want, func(t *testing.T) {
			files := good()
			maps.Copy(files, c.files)
			if c.change != nil {
				c.change(files)
			}
			tree := parse(t, files)
			for _, rule := range Rules() {
				found := rule.Check(tree)
				if rule.Name != c.rule {
					if len(found) > 0 {
						t.Errorf("%s complains too: %s", rule.Name, found[0])
					}
					continue
				}
				if len(found) != 1 || !strings.HasPrefix(found[0].String(), c.want+"\n") {
					t.Errorf("found %v; want only %q", found, c.want)
					continue
				}
				if f := found[0]; f.Why == "" || f.Do == "" {
					t.Errorf("%q leaves its reader alone", f)
				}
			}
		})
	}
	for _, rule := range Rules() {
		if !slices.ContainsFunc(cases, func(c breach) bool { return c.rule == rule.Name }) {
			t.Errorf("nobody has seen the rule %q fail", rule.Name)
		}
	}
}
