package services_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"sort"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
)

// reader is a read_committed reader of a topic. Of each row it keeps the offset and the hash of
// all rows of the partition up to it.
type reader struct {
	t     *testing.T
	cl    *kgo.Client
	topic string
	parts map[int32]*readPart
}

type readPart struct {
	next int64 // the offset after the last record that came, markers counted in
	at   []int64
	sums []domain.Hash
}

func newReader(t *testing.T, brokers []string, topic string) *reader {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond))
	must(t, err)
	t.Cleanup(cl.Close)
	return &reader{t: t, cl: cl, topic: topic, parts: map[int32]*readPart{}}
}

// stable is how far a read_committed reader can read just now.
func (r *reader) stable() map[int32]int64 {
	r.t.Helper()
	list, err := kadm.NewClient(r.cl).ListCommittedOffsets(r.t.Context(), r.topic)
	must(r.t, err)
	must(r.t, list.Error())
	out := map[int32]int64{}
	list.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out
}

// reads on until it has come to some offsets. A marker at the end comes as a record, too: what
// lies before it is then decided and read, or will never come.
func (r *reader) reads(to map[int32]int64) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	for p, end := range to {
		if r.parts[p] == nil {
			r.parts[p] = &readPart{}
		}
		for r.parts[p].next < end {
			f := r.cl.PollFetches(ctx)
			must(r.t, f.Err())
			f.EachRecord(r.take)
		}
	}
}

func (r *reader) take(one *kgo.Record) {
	p := r.parts[one.Partition]
	if p == nil {
		p = &readPart{}
		r.parts[one.Partition] = p
	}
	p.next = one.Offset + 1
	if one.Attrs.IsControl() {
		return
	}
	h := sha256.New()
	if n := len(p.sums); n > 0 {
		h.Write(p.sums[n-1][:])
	}
	var n [8]byte
	for _, part := range [][]byte{one.Key, one.Value} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
	binary.BigEndian.PutUint64(n[:], uint64(one.Timestamp.UnixMilli()))
	h.Write(n[:])
	p.at, p.sums = append(p.at, one.Offset), append(p.sums, domain.Hash(h.Sum(nil)))
}

// prefix is the rows of a partition up to one of them.
type prefix struct {
	rows int
	sum  domain.Hash
}

// before is what was read before some offsets.
func (r *reader) before(to map[int32]int64) map[int32]prefix {
	out := map[int32]prefix{}
	for p, end := range to {
		part := r.parts[p]
		if n := sort.Search(len(part.at), func(i int) bool { return part.at[i] >= end }); n > 0 {
			out[p] = prefix{n, part.sums[n-1]}
		}
	}
	return out
}

// everything is all rows of a topic at which nobody writes any more.
func (r *reader) everything() map[int32]prefix {
	r.t.Helper()
	to := r.stable()
	r.reads(to)
	return r.before(to)
}

// moment is what a reader saw at a time.
type moment struct {
	at    domain.Micros
	topic map[int32]prefix            // of a reader of the hub topic
	table map[domain.RowKey][9]string // of a reader of the table
}

// looksAtTopic takes a moment at which nothing moved for a reader of the topic: how far it could
// read is asked before and after it, and is the same. That bound says what can be read, since no
// row before it comes or goes any more; the rows themselves are read right then.
func (a *asofWorld) looksAtTopic(r *reader) moment {
	a.t.Helper()
	for {
		before := r.stable()
		at := now()
		if after := r.stable(); maps.Equal(before, after) {
			r.reads(before)
			return moment{at: at, topic: r.before(before)}
		}
	}
}

// looksAtTable takes a moment at which nothing moved for a reader of the table: rows are never
// taken out of it here, so as many after the moment as before it are the same ones.
func (a *asofWorld) looksAtTable() moment {
	a.t.Helper()
	for {
		before := a.table("ods.ODS_QL_JC_SSJC")
		at := now()
		var after int
		must(a.t, a.db.QueryRowContext(a.t.Context(), "SELECT count(*) FROM ods.ODS_QL_JC_SSJC").Scan(&after))
		if after == len(before) {
			return moment{at: at, table: before}
		}
	}
}

// table is the rows of a table by their keys.
func (a *asofWorld) table(name string) map[domain.RowKey][9]string {
	a.t.Helper()
	out := map[domain.RowKey][9]string{}
	for _, c := range a.rowsOf(name) {
		out[keyOf(c)] = c
	}
	return out
}

func now() domain.Micros { return domain.Micros(time.Now().UnixMicro()) }
