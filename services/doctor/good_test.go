package doctor_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/doctor"
)

// A setup that is well has nothing that is not good, and nothing that gave no answer.
func TestGoodSetup(t *testing.T) {
	w := newWorld(t).start()
	w.produce(0, time.Minute, time.Second)
	r := w.examine()
	if bad := append(lines(r, doctor.Bad), lines(r, doctor.Unknown)...); len(bad) > 0 {
		t.Errorf("%q\n%s", bad, dump(r))
	}
	var systems []string
	for _, c := range r.Checks {
		if !slices.Contains(systems, c.System) {
			systems = append(systems, c.System)
		}
		if c.Name == "" || c.Found == "" || c.Why == "" {
			t.Errorf("a check without a name, a finding or a reason: %+v", c)
		}
		if c.Verdict == doctor.Good && c.Do != "" {
			t.Errorf("%s is good and to be mended: %s", c.Name, c.Do)
		}
	}
	if want := []string{"journal", "hub bridge", "city bridge/nanjing", "doris bridge", "host"}; !slices.Equal(systems, want) {
		t.Errorf("systems %q, want %q", systems, want)
	}
	good := lines(r, doctor.Good)
	for _, name := range []string{
		"hub bridge: transaction timeout", "hub bridge: message.timestamp.type of " + hubTopic, "hub bridge: cleanup.policy of " + progressTopic,
		"city bridge/nanjing: retention of " + cityTopic, "city bridge/nanjing: ACL " + cityTopic, "city bridge/nanjing: open transactions of " + cityTopic,
		"doris bridge: table ods.ODS_QL_JC_SSJC", "doris bridge: back ends", "doris bridge: clock", "journal: lock",
	} {
		if !slices.Contains(good, name) {
			t.Errorf("%s is not good:\n%s", name, dump(r))
		}
	}
	if _, err := os.Stat(w.said.DataDir); !os.IsNotExist(err) {
		t.Errorf("data_dir was made: %v", err)
	}
}

// One system that is down is said so, and the others are examined all the same.
func TestSystemsThatAreDown(t *testing.T) {
	for _, c := range []struct {
		name, system string
		down         func(*world)
		hint         string
	}{
		{"hub", "hub bridge", func(w *world) { w.hub.Close(); w.said.Hub = nowhere }, "nothing listens"},
		{"city", "city bridge/nanjing", func(w *world) { w.city.Close(); w.said.City = nowhere }, "nothing listens"},
		{"Doris", "doris bridge", func(w *world) { w.must(w.doris.Kill()); w.said.FE, w.said.MySQL = "http://"+nowhere, nowhere }, "front ends"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).start()
			c.down(w)
			r := w.examine()
			if bad := lines(r, doctor.Bad); len(bad) > 0 {
				t.Errorf("%q\n%s", bad, dump(r))
			}
			told := false
			for _, check := range r.Checks {
				switch {
				case check.Verdict == doctor.Unknown && check.System != c.system:
					t.Errorf("%s is asked and silent: %+v", check.System, check)
				case check.System == c.system && check.Name == "reachable" && check.Verdict == doctor.Unknown:
					told = strings.Contains(check.Do, c.hint) && check.Found != ""
				}
			}
			if !told {
				t.Errorf("no word of it, with %q:\n%s", c.hint, dump(r))
			}
			if n := r.Count(doctor.Good); n < 15 {
				t.Errorf("the others have %d good checks:\n%s", n, dump(r))
			}
		})
	}
}
