package doctor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// judge judges a Doris cluster, its table and what it keeps in mind of loads.
func (f *dorisFacts) judge(s *system, at time.Time) {
	for _, front := range f.fronts {
		f.judgeFront(s, &front)
	}
	if f.err != nil {
		s.unreachable(strings.Join(f.config.MySQL, ", "), f.err, "is it up, and do fe and mysql name its front ends?")
		return
	}
	f.judgeFrontEnds(s)
	f.judgeBackEnds(s)
	f.judgeReached(s)
	f.judgeTable(s)
	f.judgeLabels(s)
	f.judgeVersions(s)
	f.judgeOrphans(s, at)
	f.judgeClock(s)
}

// judgeFront judges one configured address. One of several that is silent is passed over
// by Hefu, one that refuses the login is not.
func (f *dorisFacts) judgeFront(s *system, front *frontFacts) {
	c := Check{
		Name: "front end " + front.address, Verdict: Good, Found: "answers", Setting: "doris.fe, doris.mysql",
		Why: "loads begin at a front end; those that are left must carry it",
	}
	answers := slices.ContainsFunc(f.fronts, func(o frontFacts) bool {
		return o.err == nil && strings.Contains(o.address, "://") == strings.Contains(front.address, "://")
	})
	switch {
	case errors.Is(front.err, dorisconn.ErrUnauthorized):
		c.Verdict, c.Found, c.Needed = Bad, oneLine(front.err.Error()), "a login"
		c.Do = "compare doris.user and doris.password_file with SHOW ALL GRANTS"
	case front.err != nil && answers:
		c.Verdict, c.Found, c.Do = Note, oneLine(front.err.Error()), "start it, or take it out of the configuration"
	case front.err != nil:
		c.Verdict, c.Found, c.Do = Unknown, oneLine(front.err.Error()), "is it up, and can this host reach it?"
	}
	s.add(c)
}

// notAsked is the check over a question that Doris refused or did not answer.
func (c Check) notAsked(err error, needs string) Check {
	c.Verdict, c.Found, c.Do = Unknown, oneLine(err.Error()), "ask again; if it stays, see the log of the front end"
	if refused(err) {
		c.Verdict, c.Do = Unchecked, "needs "+needs+"; or ask it by hand as an administrator"
	}
	return c
}

func (f *dorisFacts) judgeFrontEnds(s *system) {
	c := Check{Name: "front ends", Needed: "all alive, one of them master", Setting: "SHOW FRONTENDS", Why: "without a master no load is committed"}
	if f.frontErr != nil {
		s.add(c.notAsked(f.frontErr, "the privilege NODE or ADMIN"))
		return
	}
	master, dead := 0, []string{}
	for _, r := range f.cluster {
		if strings.EqualFold(r["ismaster"], "true") {
			master++
		}
		if !strings.EqualFold(r["alive"], "true") {
			dead = append(dead, r["host"]+":"+r["queryport"])
		}
	}
	c.Found = fmt.Sprintf("%d, %d alive", len(f.cluster), len(f.cluster)-len(dead))
	switch {
	case master != 1:
		c.Verdict, c.Found, c.Do = Bad, c.Found+fmt.Sprintf(", %d masters", master), "start front ends until a majority is up"
	case len(dead) > 0:
		c.Verdict, c.Found, c.Do = Note, c.Found+"; not alive: "+some(dead), "start them"
	default:
		c.Verdict = Good
	}
	s.add(c)
}

// Shares of a disk at which Doris places nothing more there, and at which it refuses loads
// (storage_high_watermark_usage_percent, storage_flood_stage_usage_percent).
const (
	diskHigh  = 85.0
	diskFlood = 95.0
)

func (f *dorisFacts) judgeBackEnds(s *system) {
	c := Check{Name: "back ends", Needed: "all alive", Setting: "SHOW BACKENDS", Why: "rows lie on back ends; each that is gone is a copy less"}
	if f.backErr != nil {
		s.add(c.notAsked(f.backErr, "the privilege NODE or ADMIN"))
		return
	}
	var dead, full []string
	worst := -1.0
	for _, r := range f.backs {
		name := r["host"] + ":" + r["httpport"]
		if !strings.EqualFold(r["alive"], "true") {
			dead = append(dead, name)
		}
		used, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(r["maxdiskusedpct"], "%")), 64)
		if err != nil {
			continue
		}
		if worst = max(worst, used); used >= diskHigh {
			full = append(full, fmt.Sprintf("%s %.0f %%", name, used))
		}
	}
	c.Found = fmt.Sprintf("%d, %d alive", len(f.backs), len(f.backs)-len(dead))
	switch {
	case len(dead) == len(f.backs):
		c.Verdict, c.Do = Bad, "start them"
	case len(dead) > 0:
		c.Verdict, c.Found, c.Do = Note, c.Found+"; not alive: "+some(dead), "start them"
	default:
		c.Verdict = Good
	}
	s.add(c)
	if worst < 0 {
		return
	}
	d := Check{
		Name: "disks of back ends", Verdict: Good, Found: fmt.Sprintf("the fullest is at %.0f %%", worst), Needed: fmt.Sprintf("below %.0f %%", diskHigh),
		Setting: "storage_high_watermark_usage_percent, storage_flood_stage_usage_percent",
		Why:     "above the first no tablet is placed there, above the second loads are refused", Do: "add disks or back ends, or drop old partitions",
	}
	if len(full) > 0 {
		d.Verdict, d.Found = Note, some(full)
	}
	if worst >= diskFlood {
		d.Verdict = Bad
	}
	s.add(d)
}

// judgeReached judges whether this host reaches the back ends: the rows go there, not to
// the front ends.
func (f *dorisFacts) judgeReached(s *system) {
	if len(f.reached) == 0 {
		return
	}
	var silent []string
	for _, at := range slices.Sorted(maps.Keys(f.reached)) {
		if err := f.reached[at]; err != nil {
			silent = append(silent, at+" ("+oneLine(err.Error())+")")
		}
	}
	c := Check{
		Name: "way to the back ends", Verdict: Good, Found: fmt.Sprintf("%d of %d are reached from here", len(f.reached)-len(silent), len(f.reached)),
		Needed: "all", Setting: "doris.be_map", Why: "a front end sends each load to a back end; one that this host cannot reach makes that load fail",
		Do: "open the way, or name the address at which it is reached in doris.be_map",
	}
	if len(silent) > 0 {
		c.Verdict, c.Found = when(len(silent) < len(f.reached), Bad), c.Found+"; not reached: "+some(silent)
		if c.Verdict == Good {
			c.Verdict = Note
		}
	}
	s.add(c)
}

func (f *dorisFacts) judgeTable(s *system) {
	c := Check{
		Name: "table " + f.config.Database + "." + f.config.Table, Needed: "the nine columns, the key, SELECT and LOAD", Setting: "deploy/doris.sql",
		Why: "nothing is loaded into a table that cannot hold the rows as they are",
	}
	switch {
	case f.tableErr != nil:
		s.add(c.notAsked(f.tableErr, "SELECT_PRIV"))
		return
	case f.table != "":
		found, do, _ := strings.Cut(f.table, "; nothing is loaded. To change it (deploy/doris.sql has the reasons): ")
		c.Verdict, c.Found, c.Do = Bad, found, do
	default:
		c.Verdict, c.Found = Good, "fits, and its user may read and load"
	}
	s.add(c)
}

func (f *dorisFacts) judgeOrphans(s *system, at time.Time) {
	c := Check{
		Name: "loads without an end", Needed: "none older than a load", Setting: "SHOW TRANSACTION",
		Why: "they keep partitions and transactions of the database busy until they expire",
	}
	if f.orphErr != nil {
		s.add(c.notAsked(f.orphErr, "LOAD_PRIV on the whole database, or ADMIN"))
		return
	}
	c.Verdict, c.Found = Good, "none"
	var old []string
	for _, o := range f.orphans {
		age := at.Add(f.skew).Sub(o.since)
		if !o.since.IsZero() && age <= f.config.Timeouts.Load {
			continue
		}
		text := o.label + " " + o.state
		if !o.since.IsZero() {
			text += " for " + span(age)
		}
		old = append(old, text)
	}
	if n := len(f.orphans); n > 0 {
		c.Found = fmt.Sprintf("%d, none of them old", n)
	}
	if len(old) > 0 {
		c.Verdict, c.Found = Note, some(old)
		c.Do = "let hefu run: it settles its own at start and aborts late ones every five minutes"
	}
	s.add(c)
}

func (f *dorisFacts) judgeClock(s *system) {
	c := Check{
		Name: "clock", Needed: "within 30 s of this host", Setting: "NTP on the front ends and this host",
		Why: "times in logs and the table do not compare, and labels expire at another time than expected",
	}
	if f.skewErr != nil {
		s.add(c.notAsked(f.skewErr, "a login"))
		return
	}
	ahead := f.skew
	c.Found, c.Verdict = "as this host's, to the second", Good
	if ahead.Abs() > time.Second+f.rtt {
		c.Found = fmt.Sprintf("%s ahead of this host", span(ahead))
		if ahead < 0 {
			c.Found = fmt.Sprintf("%s behind this host", span(-ahead))
		}
	}
	if ahead.Abs() > 30*time.Second+f.rtt {
		c.Verdict, c.Do = Note, "compare date -u on both"
	}
	s.add(c)
}
