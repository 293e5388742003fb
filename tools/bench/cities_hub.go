package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// cityReader reads the hub and keeps, for each city, which rows came and how old they were.
type cityReader struct {
	cl *kgo.Client

	mu      sync.Mutex
	seen    map[string][]uint8 // by city: how often each number came
	rows    map[string]int64
	took    map[string][]time.Duration // since it was asked last
	strange int64                      // rows that are none of ours
}

func newCityReader(addr, hub string) (*cityReader, error) {
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(addr), kgo.DisableClientMetrics(), kgo.ConsumeTopics(hub), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(500*time.Millisecond))
	return &cityReader{cl: cl, seen: map[string][]uint8{}, rows: map[string]int64{}, took: map[string][]time.Duration{}}, err
}

func (r *cityReader) run(ctx context.Context) {
	defer r.cl.Close()
	for ctx.Err() == nil {
		fetches := r.cl.PollFetches(ctx)
		now := time.Now()
		r.mu.Lock()
		fetches.EachRecord(func(rec *kgo.Record) { r.row(rec.Value, now) })
		r.mu.Unlock()
	}
}

func (r *cityReader) row(value []byte, now time.Time) {
	_, rest, _ := bytes.Cut(value, []byte(`"sscsdm":"`))
	code, _, _ := bytes.Cut(rest, []byte(`"`))
	_, record, _ := bytes.Cut(value, []byte(`"record":"`))
	parts := bytes.SplitN(record, []byte(","), 3)
	made, ok := madeAt(value)
	if len(parts) < 3 || !ok {
		r.strange++
		return
	}
	number, err := strconv.Atoi(string(parts[1]))
	if err != nil {
		r.strange++
		return
	}
	city := string(code)
	for len(r.seen[city]) <= number {
		r.seen[city] = append(r.seen[city], make([]uint8, 1024)...)
	}
	r.seen[city][number]++
	r.rows[city]++
	r.took[city] = append(r.took[city], now.Sub(made))
}

// others gives the ages of the rows of all cities but one since it was asked last.
func (r *cityReader) others(but string) []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []time.Duration
	for city, took := range r.took {
		if city != but {
			all = append(all, took...)
		}
		delete(r.took, city)
	}
	slices.Sort(all)
	return all
}

// count is how many rows of a city came.
func (r *cityReader) count(city string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows[city]
}

// complete compares what came of a city with what was sent: each number once.
func (r *cityReader) complete(city string, sent int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	missing, doubled := int64(0), int64(0)
	for number := range r.seen[city] {
		n := int64(r.seen[city][number])
		switch {
		case int64(number) < sent && n == 0:
			missing++
		case int64(number) < sent:
			doubled += n - 1
		default:
			doubled += n
		}
	}
	if missing+doubled+r.strange > 0 || int64(len(r.seen[city])) < sent {
		return fmt.Errorf("city %s: %d rows sent, %d came: %d missing, %d too many, %d strange", city, sent, r.rows[city], missing, doubled, r.strange)
	}
	return nil
}
