package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

func sortSegments(list []Segment) {
	slices.SortFunc(list, func(a, b Segment) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
}

// Attest implements Store. With these settings NATS itself drops nothing: file
// storage, limits retention with no limit set, discard new, no deletes, no purges,
// no TTL, no rollup (proof.md, "Journal integrity"). Whether the server syncs each
// write to disk cannot be read by a client.
func (j *JetStream) Attest(ctx context.Context, pipeline string) error {
	list := j.js.ListStreams(ctx, jetstream.WithStreamListSubject(fmt.Sprintf("hefu.%s.>", pipeline)))
	var drift error
	for info := range list.Info() {
		name := info.Config.Name
		// A name says what its subject is: see SegmentName.
		subject := strings.ReplaceAll(strings.ToLower(name), "_", ".")
		want := jetstream.StreamConfig{
			Name: name, FirstSeq: info.Config.FirstSeq, Subjects: []string{subject},
			Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
			MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, DenyDelete: true, DenyPurge: true,
		}
		if err := attest(want, info.Config); err != nil && drift == nil {
			drift = err
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("attest streams of pipeline %s: %w", pipeline, err)
	}
	return drift
}

func attest(want, have jetstream.StreamConfig) error {
	for _, c := range []struct {
		what       string
		want, have any
	}{
		{"first_seq", want.FirstSeq, have.FirstSeq},
		{"subjects", fmt.Sprint(want.Subjects), fmt.Sprint(have.Subjects)},
		{"storage", want.Storage, have.Storage},
		{"retention", want.Retention, have.Retention},
		{"discard", want.Discard, have.Discard},
		{"max_msgs", want.MaxMsgs, have.MaxMsgs},
		{"max_bytes", want.MaxBytes, have.MaxBytes},
		{"max_age", want.MaxAge, have.MaxAge},
		{"max_msgs_per_subject", want.MaxMsgsPerSubject, have.MaxMsgsPerSubject},
		{"max_msg_size", want.MaxMsgSize, have.MaxMsgSize},
		{"deny_delete", want.DenyDelete, have.DenyDelete || have.Sealed},
		{"deny_purge", want.DenyPurge, have.DenyPurge || have.Sealed},
		{"allow_rollup_hdrs", false, have.AllowRollup},
		{"allow_msg_ttl", false, have.AllowMsgTTL},
		{"no_ack", false, have.NoAck},
		{"persist_mode", jetstream.DefaultPersistMode, have.PersistMode},
		{"allow_direct", false, have.AllowDirect},
		{"allow_msg_counter", false, have.AllowMsgCounter},
		{"allow_msg_schedules", false, have.AllowMsgSchedules},
		{"subject_transform", false, have.SubjectTransform != nil},
		{"mirror", false, have.Mirror != nil},
		{"sources", 0, len(have.Sources)},
	} {
		if c.want != c.have {
			return fmt.Errorf("%w: stream %s: %s is %v and must be %v; nothing is appended until it is put back",
				ErrDrift, have.Name, c.what, c.have, c.want)
		}
	}
	return nil
}
