package doctor

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// setting reads a number of the front end's settings.
func (f *dorisFacts) setting(key string) (int64, bool) {
	n, err := strconv.ParseInt(f.settings[key], 10, 64)
	return n, err == nil
}

// judgeLabels judges how long Doris remembers what it did. A label that is forgotten is
// no loss: the rows are counted then; but each count scans the table.
func (f *dorisFacts) judgeLabels(s *system) {
	if f.setErr != nil {
		s.add(Check{
			Name: "label retention", Needed: "12 h 0 min", Setting: "streaming_label_keep_max_second, label_num_threshold, stream_load_default_precommit_timeout_second",
			Why: "how long Doris remembers a load decides how an outage is settled",
		}.notAsked(f.setErr, "the privilege ADMIN (ADMIN SHOW FRONTEND CONFIG)"))
		return
	}
	f.judgeSeconds(s, "label retention", "streaming_label_keep_max_second", 12*time.Hour,
		"a label that is forgotten proves nothing: after an outage of this length the rows of the open load are counted instead")
	if domain.Semantic(f.config.Semantic) == domain.ExactlyOnce {
		f.judgeSeconds(s, "precommit timeout", "stream_load_default_precommit_timeout_second", 10*time.Minute,
			"a load whose second phase comes later than this is aborted by Doris and loaded again")
	}
	f.judgeLabelCount(s)
	if n, ok := f.setting("max_running_txn_num_per_db"); ok {
		s.add(Check{
			Name: "running transactions", Verdict: when(n >= 100, Note), Found: count(n), Needed: "100", Setting: "max_running_txn_num_per_db of new databases; ALTER DATABASE … SET TRANSACTION QUOTA of this one",
			Why: "loads of all jobs of the database share it; beyond it they are refused", Do: "ALTER DATABASE " + f.config.Database + " SET TRANSACTION QUOTA 1000;",
		})
	}
}

func (f *dorisFacts) judgeSeconds(s *system, name, key string, least time.Duration, why string) {
	n, ok := f.setting(key)
	if !ok {
		s.add(Check{Name: name, Verdict: Unchecked, Found: "this version has no such setting", Setting: key, Why: why})
		return
	}
	d := time.Duration(n) * time.Second
	s.add(Check{
		Name: name, Verdict: when(d >= least, Note), Found: span(d), Needed: "at least " + span(least), Setting: key, Why: why,
		Do: fmt.Sprintf(`ADMIN SET ALL FRONTENDS CONFIG ("%s" = "%d"); and in fe.conf`, key, int64(least.Seconds())),
	})
}

// judgeLabelCount judges the queue of finished transactions: aborted ones push committed
// ones out of it, and loads of other jobs do so too.
func (f *dorisFacts) judgeLabelCount(s *system) {
	const key = "label_num_threshold"
	n, ok := f.setting(key)
	if !ok {
		return
	}
	c := Check{
		Name: "labels kept", Verdict: Good, Found: "no limit", Needed: "an hour of loads", Setting: key + ", doris.batch.interval",
		Why: "all loads of the database share this queue, aborted ones too; a label that is pushed out is forgotten",
		Do:  fmt.Sprintf(`ADMIN SET ALL FRONTENDS CONFIG ("%s" = "20000"); or a longer doris.batch.interval`, key),
	}
	if n > 0 {
		every := max(f.config.Batch.Interval, 100*time.Millisecond)
		lives := time.Duration(n) * every
		c.Found = fmt.Sprintf("%s: %s of loads, one in %s", count(n), span(lives), span(every))
		c.Verdict = when(lives >= time.Hour, Note)
	}
	s.add(c)
}

// judgeVersions judges how near the tablets are to refusing loads.
func (f *dorisFacts) judgeVersions(s *system) {
	c := Check{
		Name: "tablet versions", Setting: "max_tablet_version_num, doris.batch.interval",
		Why: "each load makes a version of each tablet; at the limit loads are refused (-235) until compaction has caught up",
		Do:  "a longer doris.batch.interval, fewer buckets; see SHOW TABLETS and the compaction score",
	}
	if f.versErr != nil {
		s.add(c.notAsked(f.versErr, "the privilege ADMIN"))
		return
	}
	limit, told := f.setting("max_tablet_version_num")
	if !told || limit <= 0 {
		limit = 2000
	}
	c.Needed = fmt.Sprintf("below half of %s", count(limit))
	if !told {
		c.Needed += " (the default; its back ends do not tell)"
	}
	c.Found = fmt.Sprintf("at most %s, of %s", count(f.versions), counted(f.tablets, "tablet"))
	switch share := float64(f.versions) / float64(limit); {
	case share >= 0.8:
		c.Verdict = Bad
	case share >= 0.5:
		c.Verdict = Note
	default:
		c.Verdict = Good
	}
	s.add(c)
}
