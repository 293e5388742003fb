package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/replay"
)

// From a report to rows that are filled in, and from a plan of everything to the live table and
// back, as an operator types it.
func TestReplayOfARunningHefu(t *testing.T) {
	whole(t)
	k := keep(t)
	file := k.ConfigFile()
	r := k.some(t, 100)
	k.exec(t, "DELETE FROM ods.ODS_QL_JC_SSJC WHERE hw_partition_id = ? AND hw_offset_id = ?", r.hubPartition, r.hubOffset)
	p := launch(t, "run", "-c", file)
	defer http.DefaultClient.CloseIdleConnections()
	do := func(code int, args ...string) ended {
		t.Helper()
		return hefu(t, append(args, "-c", file)...).want(t, code)
	}
	says := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
	}
	eventually(t, "all runs", func() bool { return hefu(t, "status", "-c", file).code == exitGood })
	says(do(exitGood, "replay", "ls").stdout, "no replay was planned")
	says(do(exitUnknown, "replay", "plan", "--all").stderr, "--why is needed")
	says(do(exitUnknown, "replay", "plan", "--why", "x").stderr, "which rows? --all takes every one that is committed")
	says(do(exitNotGood, "replay", "plan", "--source", "nowhere", "--why", "x").stderr, "hefu: not planned: source nowhere: ")
	says(do(exitUnknown, "replay", "show", "ff").stderr, "replay ff: 0 replays begin so")

	kept := do(exitNotGood, "reconcile").stdout
	_, kept, _ = strings.Cut(kept, "kept as ")
	kept, _, _ = strings.Cut(kept, ":")
	e := do(exitGood, "replay", "plan", "--report", kept, "--fill-missing", "--who", "wang", "--why", "ticket 4711")
	says(e.stdout, "of pipeline bridge, planned by wang: ticket 4711\n", "  rows       what report ", "  into       table ods.ODS_QL_JC_SSJC, live: fill-missing\n",
		"  does       loads 1 row, ", "  labels     hefu-bridge-0-r", "  limits     20,000 rows a second, 16MiB a second, 1 shard at once\n")
	id := strings.Fields(e.stdout)[1]
	_, approve, _ := strings.Cut(e.stdout, "  next       hefu ")
	digest := strings.Fields(approve)[4]
	if want := fmt.Sprintf("replay approve %s --digest %s --why … -c %s\n", id, digest, file); approve != want {
		t.Errorf("next is %q, want %q", approve, want)
	}
	if e := do(exitUnknown, "replay", "status", id); !strings.HasPrefix(e.stdout, "replay "+id+": planned\n") {
		t.Error(e.stdout)
	}
	says(do(exitNotGood, "replay", "pause", id, "--why", "x").stderr, "nothing changed: 422 Unprocessable Entity: replay "+id+" is planned: it cannot be paused")
	says(do(exitUnknown, "replay", "approve", id, "--why", "x").stderr, "--digest is needed")
	says(do(exitNotGood, "replay", "approve", id, "--digest", strings.Repeat("0", 64), "--why", "x").stderr, "a plan that was edited is another plan")
	do(exitGood, "replay", "approve", id[:6], "--digest", digest, "--who", "li", "--why", "one row, as it should be")
	says(do(exitGood, "replay", "status", "-w", id).stdout, "replay "+id+": done: ")
	says(do(exitGood, "replay", "show", id).stdout, "  running    by li: one row, as it should be\n", "  done       by hefu: ", "report ")
	if back := k.some(t, 100); back != r {
		t.Errorf("the row is %+v, was %+v", back, r)
	}

	var plan replay.Shown
	e = do(exitGood, "replay", "plan", "--all", "--rows-per-second", "10", "--why", "all", "-o", "json")
	if err := json.Unmarshal([]byte(e.stdout), &plan); err != nil || plan.Plan.Expect.Rows != 3000 || plan.Limits.Rows != 10 || plan.Limits.Concurrency != 1 {
		t.Fatalf("%v: %s", err, e.stdout)
	}
	id = plan.ID.String()
	says(do(exitNotGood, "swap", id, "--why", "x").stderr, "hefu: not exchanged: replay "+id+" is not done")
	do(exitGood, "replay", "approve", id, "--digest", plan.Digest.String(), "--why", "all")
	says(do(exitGood, "replay", "pause", id, "--who", "li", "--why", "wait").stdout, "replay "+id+": paused by li: wait\n", "  next       hefu replay resume "+id)
	do(exitGood, "replay", "resume", id, "--why", "go on")
	says(do(exitGood, "replay", "limit", id, "--rows-per-second", "0", "--bytes-per-second", "1GiB", "--why", "faster").stdout, "  limits     1GiB a second, 1 shard at once\n")
	says(do(exitGood, "replay", "status", "-w", id).stdout, "done: ", "  next       hefu swap "+id+" --why … -c "+file)
	says(do(exitGood, "swap", id, "--why", "to see").stdout, "exchanged: ods.ODS_QL_JC_SSJC is the table of replay "+id+" now\n",
		"  ods.ODS_QL_JC_SSJC_shadow is the table that was live before\n", "  way back   hefu swap "+id+" --back --why … -c "+file)
	says(do(exitNotGood, "swap", id, "--why", "again").stderr, "is the live one already")
	says(do(exitGood, "swap", id, "--back", "--why", "enough").stdout, "exchanged: ods.ODS_QL_JC_SSJC is the table that was live before now\n", "  way back   hefu swap "+id+" --why …")
	do(exitGood, "reconcile")

	e = do(exitGood, "replay", "plan", "--city", r.city, "--partition", fmt.Sprint(r.cityPart), "--offsets", fmt.Sprint(r.cityOffset), "--into", "null", "--why", "how long", "-o", "json")
	if err := json.Unmarshal([]byte(e.stdout), &plan); err != nil {
		t.Fatal(err)
	}
	id = plan.ID.String()
	do(exitGood, "replay", "cancel", id, "--why", "not needed")
	if e := do(exitNotGood, "replay", "status", "-w", id); !strings.Contains(e.stdout, "cancelled by ") {
		t.Error(e.stdout)
	}
	says(do(exitGood, "replay", "ls").stdout, id, "cancelled", "nothing: they are read and counted")
	p.end(t, syscall.SIGTERM, exitGood)
}

// What is typed is what is asked of the running hefu.
func TestPlanQuestion(t *testing.T) {
	cfg := config.Default()
	p := config.DefaultPipeline()
	p.Name, p.Timezone, p.Shards = "bridge", "Asia/Shanghai", 3
	p.Sources = []config.Source{{ID: "nanjing", City: "320100"}, {ID: "wuxi", City: "320200"}, {ID: "wuxi-2", City: "320200"}}
	cfg.Pipelines = []config.Pipeline{p}
	ten := domain.Micros(time.Date(2026, 11, 25, 18, 10, 0, 0, time.UTC).UnixMicro())
	doris := domain.Stream{Pipeline: "bridge", Shard: 1, Leg: domain.LegDoris}
	finding := domain.FindingID{1}
	table := domain.PlanTarget{Kind: domain.TargetTable}
	city := func(partition int32, first, next int64) domain.PlanScope {
		return domain.PlanScope{Cities: []domain.CitySpan{{Source: "nanjing", Partition: partition, Span: domain.Span{First: first, Next: next}}}}
	}
	for args, want := range map[string]any{
		"":                               "which rows?",
		"--all":                          replay.Ask{Target: table},
		"--all --source nanjing":         "there is a condition beside it",
		"--all --pipeline other":         "--pipeline other: the file has none of this name",
		"--source nanjing":               replay.Ask{Target: table, Scope: domain.PlanScope{Sources: []domain.SourceID{"nanjing"}}},
		"--city 320200":                  replay.Ask{Target: table, Scope: domain.PlanScope{Sources: []domain.SourceID{"wuxi", "wuxi-2"}}},
		"--city 320300":                  "no source of pipeline bridge is of it",
		"--city 320200 --partition 1":    "is of one source, and there are 2",
		"--partition 1":                  "is of one source, and there are 0",
		"--source nanjing --offsets 1:2": "--partition names it",
		"--city 320100 --partition 2":    replay.Ask{Target: table, Scope: city(2, 0, math.MaxInt64)},
		"--city 320100 --partition 2 --offsets 5:9": replay.Ask{Target: table, Scope: city(2, 5, 10)},
		"--city 320100 --partition 2 --offsets 5:":  replay.Ask{Target: table, Scope: city(2, 5, math.MaxInt64)},
		"--city 320100 --partition 2 --offsets :9":  replay.Ask{Target: table, Scope: city(2, 0, 10)},
		"--city 320100 --partition 2 --offsets 9":   replay.Ask{Target: table, Scope: city(2, 9, 10)},
		"--city 320100 --partition 2 --offsets 9:5": "9 to 5 are none",
		"--city 320100 --partition 2 --offsets x:5": "want FIRST:LAST",
		"--hub 3:10:19 --hub 4": replay.Ask{Target: table, Scope: domain.PlanScope{Hub: []domain.HubSpan{
			{Partition: 3, Span: domain.Span{First: 10, Next: 20}}, {Partition: 4, Span: domain.Span{Next: math.MaxInt64}},
		}}},
		"--hub x:1:2":              "want PARTITION:FIRST:LAST",
		"--seqs 1:20:30":           replay.Ask{Target: table, Scope: domain.PlanScope{Seqs: []domain.SeqSpan{{Shard: 1, First: 20, Last: 30}}}},
		"--seqs -1:20:30":          "want SHARD:FIRST:LAST",
		"--from 2026-11-26T02:10":  replay.Ask{Target: table, Scope: domain.PlanScope{From: &ten}},
		"--to 2026-11-26T02:10":    replay.Ask{Target: table, Scope: domain.PlanScope{To: &ten}},
		"--to yesterday":           "--to: ",
		"--as-of 2026-11-26T02:10": replay.Ask{Target: table, Scope: domain.PlanScope{AsOf: &domain.AsOf{Time: &ten}}},
		"--as-of bridge.1.doris@57 --take-undecided": replay.Ask{Target: table, Scope: domain.PlanScope{AsOf: &domain.AsOf{
			Take: true, Positions: []domain.Ref{{Stream: doris, Seq: 57}},
		}}},
		"--as-of bridge.1.doris@x":                                        "want STREAM@SEQ",
		"--as-of soon":                                                    "--as-of: ",
		"--take-undecided --all":                                          "is of a moment",
		"--finding " + finding.String():                                   "--report names it",
		"--report nowhere":                                                "nowhere is no file",
		"--quarantined":                                                   replay.Ask{Target: table, Scope: domain.PlanScope{Quarantine: true}},
		"--all --into topic --name t":                                     replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTopic, Name: "t"}},
		"--all --mode shadow":                                             replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeShadow}},
		"--all --fill-missing":                                            replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeFillMissing}},
		"--all --delete-duplicates":                                       replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeDeleteDuplicates}},
		"--all --fill-missing --delete-duplicates":                        "one plan does one of them",
		"--all --fill-missing --into topic":                               replay.Ask{Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing}},
		"--all --fill-missing --into file":                                "--fill-missing is of what is live, and --into file",
		"--all --fill-missing --mode shadow":                              "is of what is live",
		"--all --delete-duplicates --into topic":                          "--delete-duplicates is of what is live, and --into topic",
		"--all --rows-per-second 5":                                       replay.Ask{Target: table, Limits: domain.PlanLimits{Rows: 5, Bytes: 16 << 20, Concurrency: 1}},
		"--all --rows-per-second 0 --bytes-per-second 0B --concurrency 0": replay.Ask{Target: table, Limits: domain.PlanLimits{Concurrency: 3}},
		"--all --rows-per-second 20000 --concurrency 1":                   replay.Ask{Target: table},
		"--all --bytes-per-second 5":                                      "--bytes-per-second: ",
	} {
		t.Run(args, func(t *testing.T) {
			c := newReplayPlan()
			q := planQuestion{signature: &signature{who: "wang", why: "x"}}
			c.ResetFlags()
			q.flags(c.Flags())
			if err := c.ParseFlags(strings.Fields(args)); err != nil {
				t.Fatal(err)
			}
			got, err := q.ask(filepath.Join(t.TempDir(), "hefu.yaml"), &cfg)
			switch want := want.(type) {
			case string:
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%+v, %v; want %q", got, err, want)
				}
			case replay.Ask:
				want.Pipeline, want.Who, want.Why = "bridge", "wang", "x"
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(&want, got); d != "" {
					t.Error(d)
				}
			}
		})
	}
	cfg.Pipelines = append(cfg.Pipelines, config.Pipeline{Name: "two"})
	q := planQuestion{signature: &signature{}, all: true}
	if _, err := q.ask("", &cfg); err == nil || !strings.Contains(err.Error(), "--pipeline is needed: the file has 2") {
		t.Error(err)
	}
}

// A plan is printed so that a person sees what it would do and what it leaves open.
func TestPrintPlan(t *testing.T) {
	at := domain.Micros(time.Date(2026, 11, 25, 18, 10, 0, 0, time.UTC).UnixMicro())
	doris := domain.Stream{Pipeline: "bridge", Leg: domain.LegDoris}
	hub := domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}
	plan := domain.Plan{
		ID: domain.PlanID{0x3f, 0x2a, 1, 2}, Pipeline: "bridge",
		Scope:  domain.PlanScope{AsOf: &domain.AsOf{Time: &at, Positions: []domain.Ref{{Stream: doris, Seq: 57}}}, Hub: []domain.HubSpan{{Partition: 2, Span: domain.Span{First: 5, Next: 10}}}},
		Target: domain.PlanTarget{Kind: domain.TargetTable, Mode: domain.ModeShadow, Name: "ods.before"},
		Lanes:  []domain.PlanLane{{First: 4, Last: domain.Ref{Stream: hub, Seq: 90}}},
		Undecided: []domain.Undecided{
			{Begun: domain.Ref{Stream: doris, Seq: 56}, Outcome: domain.Ref{Stream: doris, Seq: 58}, Rows: 100},
			{Begun: domain.Ref{Stream: doris, Seq: 60}},
		},
		Expect: domain.PlanExpect{Rows: 3000, Bytes: 1 << 20, Batches: 2, Seconds: 90, Names: []string{"hefu-bridge-0-r3f2a0102-"}},
		Notes:  []string{"12 rows are altered: replay into a shadow table and swap"},
	}
	s := &replay.Shown{Pipeline: "bridge", ID: plan.ID, State: domain.PlanPlanned, Who: "wang", Why: "what did they see", Plan: plan, Limits: domain.PlanLimits{Rows: 50}}
	var out strings.Builder
	p := printer{w: &out, config: "hefu.yaml"}
	p.plan(s)
	p.next(s)
	want := `replay 3f2a0102 of pipeline bridge, planned by wang: what did they see
  rows       as of ` + timeOf(at) + ` bridge.0.doris@57, hub partition 2 offsets 5 to 9
  into       table ods.before, a shadow
  does       loads 3,000 rows, 1.0 MiB, in 2 Stream Loads or more
  labels     hefu-bridge-0-r3f2a0102-
  limits     50 rows a second
  lasts      1m30s at least, by these limits
  reads      bridge.0.hub@4 to @90
  undecided  bridge.0.doris@56 had begun, its 100 rows came with @58: left out
  undecided  bridge.0.doris@60 had begun and has no outcome yet: left out
  note       12 rows are altered: replay into a shadow table and swap
  digest     ` + strings.Repeat("0", 64) + `
  next       hefu replay approve 3f2a0102 --digest 000000000000 --why …
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

// Of the live topic the plan says that rows come back to their offsets, and once it is done the
// commands that are left to type.
func TestPrintLiveTopic(t *testing.T) {
	s := &replay.Shown{
		Pipeline: "bridge", ID: domain.PlanID{0x3f, 0x2a, 1, 2}, State: domain.PlanPlanned, Who: "wang", Why: "the end is lost",
		Plan: domain.Plan{
			Target: domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing, Name: "ODS"},
			Expect: domain.PlanExpect{Rows: 40, Bytes: 1 << 10, Present: 560, Names: []string{"hefu-bridge-0-r3f2a0102"}},
		},
	}
	var out strings.Builder
	p := printer{w: &out, config: "hefu.yaml"}
	p.plan(s)
	s.State, p.config = domain.PlanDone, "a.yaml"
	s.Moves = []replay.Move{{To: domain.PlanDone, Why: "40 rows are in the topic", Next: "hefu incidents resolve 1 --why …\nhefu incidents resolve 2 --why …"}}
	p.status(s)
	want := `replay 3f2a0102 of pipeline bridge, planned by wang: the end is lost
  rows       every one that is committed
  into       topic ODS, live: fill-missing
  does       writes 40 rows, 1.0 KiB, at the offsets that they had
  sends as   hefu-bridge-0-r3f2a0102
  present    560 rows of the scope lie before the ends of the partitions, and are not looked at
  limits     none
  digest     ` + strings.Repeat("0", 64) + `
replay 3f2a0102: done: 40 rows are in the topic
  next       hefu incidents resolve 1 --why … -c a.yaml
  next       hefu incidents resolve 2 --why … -c a.yaml
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
}

// The exit code of a replay is its end.
func TestEndOf(t *testing.T) {
	for state, want := range map[domain.PlanState]int{
		domain.PlanDone: exitGood, domain.PlanFailed: exitNotGood, domain.PlanCancelled: exitNotGood,
		domain.PlanPlanned: exitUnknown, domain.PlanRunning: exitUnknown, domain.PlanPaused: exitUnknown, domain.PlanVerifying: exitUnknown,
	} {
		err := endOf(&replay.Shown{State: state})
		var coded interface{ ExitCode() int }
		got := exitGood
		switch {
		case errors.Is(err, errNotGood):
			got = exitNotGood
		case errors.As(err, &coded):
			got = coded.ExitCode()
		}
		if got != want {
			t.Errorf("%s: %d, want %d", state, got, want)
		}
	}
}
