package doris

import (
	"strconv"
	"time"
)

// showConfig answers [ADMIN] SHOW FRONTEND CONFIG [LIKE 'pattern'], which takes the privilege ADMIN, with those settings
// that the stand-in has.
func (c *session) showConfig(p *parser) (*relation, error) {
	if !c.s.accounts.mayAdminister(c.user) {
		return nil, specificRefusal("Access denied; you need (at least one of) the (ADMIN) privilege(s) for this operation")
	}
	l := c.s.cfg.Limits
	seconds := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
	r := newRelation("Key", "Value", "Type", "IsMutable", "MasterOnly", "Comment")
	for _, s := range [][2]string{
		{"abort_txn_after_lost_heartbeat_time_second", seconds(l.LostHeartbeat)},
		{"label_num_threshold", strconv.Itoa(l.LabelNum)},
		{"max_publishing_txn_num_per_table", strconv.Itoa(l.MaxPublishing)},
		{"max_running_txn_num_per_db", strconv.Itoa(l.MaxRunning)},
		{"max_stream_load_timeout_second", seconds(l.MaxPrepareTimeout)},
		{"stream_load_default_precommit_timeout_second", seconds(l.PrecommitTimeout)},
		{"stream_load_default_timeout_second", seconds(l.DefaultTimeout)},
		{"streaming_label_keep_max_second", seconds(l.LabelKeep)},
		{"transaction_clean_interval_second", seconds(l.CleanInterval)},
	} {
		r.add(s[0], s[1], "int", "true", "true", "")
	}
	return r, p.like(r)
}
