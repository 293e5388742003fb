package flinkimport_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/flinkimport"
)

var update = flag.Bool("update", false, "write testdata anew")

func seed(t *testing.T) *flinkimport.Result {
	t.Helper()
	text, err := os.ReadFile("../../domain/flink/testdata/golden/seed.sql")
	if err != nil {
		t.Fatal(err)
	}
	r := flinkimport.Import("seed.sql", text)
	if !r.OK() {
		t.Fatalf("refused:\n%s", r.Report())
	}
	return r
}

// TestSeed imports the original job as its document gives it; hefu.yaml and the report are kept as they are.
func TestSeed(t *testing.T) {
	r := seed(t)
	for file, got := range map[string]string{"testdata/report.md": r.Report(), "testdata/hefu.yaml": r.YAML} {
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// TestSeedSays lists what a person has to be told about the original job.
func TestSeedSays(t *testing.T) {
	r := seed(t)
	report := r.Report()
	for _, want := range []string{
		"seed.sql:89:2 `SELECT`: 3 values for the 6 columns of KAFKA_ODS_QL_JC_SSJC_SINK: Flink does not plan that",
		"Hefu fills city_partition_id, city_offset_id, city_ts",
		"seed.sql:82:5 `strip_outer_array and read_json_by_line`: both at once",
		"seed.sql:61:5 `sink.transactional-id-prefix`: missing",
		"seed.sql:61:5 `sink.semantic`: deprecated",
		"seed.sql:64:1 `sink.properties.format`: missing: the connector then writes CSV",
		"seed.sql:118:3 `extract_time`: the SQL takes the time a second time here",
		"9030 is assumed",
		"`sources.nj.brokers` (seed.sql:10:2): the document masks it",
		"(seed.sql:96:1): the file has no CREATE TABLE WX_QL_JC_SSJC_SOURCE",
		"(seed.sql:102:3): the document leaves branches of the UNION ALL out here",
		"| seed.sql:42:1 | 3 Flink去向表建模 |",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// TestSeedStub takes the # away from what the document leaves out, as a person does.
func TestSeedStub(t *testing.T) {
	yaml := seed(t).YAML
	yaml = strings.NewReplacer("# - id: wx", "- id: wx", "#   city: \"320200\"", "  city: \"320200\"", "#   brokers: [FILL-IN:9092]", "  brokers: [10.0.0.1:9092]",
		"#   topic: QL", "  topic: QL", "#   start:", "  start:", "#   group: FILL-IN", "  group: wx",
		"# - id: ks", "- id: ks", "#   city: \"320583\"", "  city: \"320583\"", "172.*.*.*", "10.0.0.9", "3.*.*.*", "10.0.0.8").Replace(yaml)
	c, err := config.Parse("hefu.yaml", []byte(yaml))
	if err != nil {
		t.Fatalf("%v\n%s", err, yaml)
	}
	var ids []string
	for _, s := range c.Pipelines[0].Sources {
		ids = append(ids, s.ID+" "+s.City)
	}
	if got := strings.Join(ids, ", "); got != "nj 320100, wx 320200, ks 320583" {
		t.Errorf("sources %s", got)
	}
}
