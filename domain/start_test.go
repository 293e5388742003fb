package domain_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// The log of all tables here: offsets 10 to 49, a transaction open from 40 on.
func asked(committed, from, until int64) domain.Asked {
	return domain.Asked{
		Bounds:    domain.Bounds{LogStart: 10, LastStable: 40, HighWatermark: 50},
		Committed: committed, From: from, Until: until,
	}
}

const open = ", with a transaction open from 40 on"

func TestResolveStart(t *testing.T) {
	type spec = domain.StartSpec
	group := func(missing domain.OnMissingCursor) spec { return spec{At: domain.StartGroupOffsets, Missing: missing} }
	listed := func(offsets map[int32]int64) spec { return spec{At: domain.StartSpecificOffsets, Offsets: offsets} }
	byTime := spec{At: domain.StartTimestamp, Timestamp: 700, Timestamps: map[int32]int64{1: 800}}
	someTimes := spec{At: domain.StartTimestamp, Timestamp: -1, Timestamps: map[int32]int64{1: 800}}
	for _, c := range []struct {
		spec      spec
		partition int32
		asked     domain.Asked
		first     int64
		how       string
		ok        bool
	}{
		{spec{At: domain.StartEarliest}, 0, asked(20, 30, -1), 10, "log start", true},
		{spec{At: domain.StartLatest}, 0, asked(20, 30, -1), 50, "log end" + open, true},

		{group(domain.MissingFail), 0, asked(20, -1, -1), 20, "committed offset", true},
		{group(domain.MissingFail), 0, asked(10, -1, -1), 10, "committed offset", true},
		{group(domain.MissingFail), 0, asked(50, -1, -1), 50, "committed offset", true},
		{group(domain.MissingEarliest), 0, asked(9, -1, -1), 0, "committed offset 9 is below the log start 10", false},
		{group(domain.MissingLatest), 0, asked(51, -1, -1), 0, "committed offset 51 is beyond the log end 50", false},
		{group(domain.MissingEarliest), 0, asked(0, -1, -1), 0, "committed offset 0 is below the log start 10", false},
		{group(domain.MissingEarliest), 0, asked(-1, -1, -1), 10, "no committed offset: log start", true},
		{group(domain.MissingLatest), 0, asked(-1, -1, -1), 50, "no committed offset: log end" + open, true},
		{group(domain.MissingFail), 0, asked(-1, -1, -1), 0, "no committed offset", false},
		{group(""), 0, asked(-1, -1, -1), 0, "no committed offset", false},

		{byTime, 0, asked(20, 30, -1), 30, "first record at or after 700", true},
		{byTime, 1, asked(20, 31, -1), 31, "first record at or after 800", true},
		{byTime, 0, asked(20, -1, -1), 50, "no record at or after 700: log end" + open, true},
		{someTimes, 1, asked(20, 31, -1), 31, "first record at or after 800", true},
		{someTimes, 0, asked(20, -1, -1), 10, "no timestamp for this partition: log start", true},

		{listed(map[int32]int64{0: 42}), 0, asked(20, -1, -1), 42, "specific offset", true},
		{listed(map[int32]int64{0: 10}), 0, asked(-1, -1, -1), 10, "specific offset", true},
		{listed(map[int32]int64{0: 50}), 0, asked(-1, -1, -1), 50, "specific offset", true},
		{listed(map[int32]int64{0: 500}), 0, asked(20, -1, -1), 0, "specific offset 500 is beyond the log end 50", false},
		{listed(map[int32]int64{0: 0}), 0, asked(20, -1, -1), 0, "specific offset 0 is below the log start 10", false},
		{listed(map[int32]int64{0: domain.OffsetLatest}), 0, asked(20, -1, -1), 50, "listed as latest: log end" + open, true},
		{listed(map[int32]int64{0: domain.OffsetEarliest}), 0, asked(20, -1, -1), 10, "listed as earliest: log start", true},
		{listed(map[int32]int64{0: domain.OffsetCommitted}), 0, asked(20, -1, -1), 20, "listed as committed: committed offset", true},
		{listed(map[int32]int64{0: domain.OffsetCommitted}), 0, asked(-1, -1, -1), 10, "listed as committed: no committed offset: log start", true},
		{listed(map[int32]int64{1: 42}), 0, asked(20, -1, -1), 20, "not listed: committed offset", true},
		{listed(map[int32]int64{1: 42}), 0, asked(-1, -1, -1), 10, "not listed: no committed offset: log start", true},
		{listed(map[int32]int64{1: 42}), 0, asked(51, -1, -1), 0, "not listed: committed offset 51 is beyond the log end 50", false},
		{listed(map[int32]int64{1: 42}), 0, asked(9, -1, -1), 0, "not listed: committed offset 9 is below the log start 10", false},
	} {
		first, how, ok := domain.ResolveStart(&c.spec, c.partition, c.asked)
		if first != c.first || how != c.how || ok != c.ok {
			t.Errorf("%+v of %d, %+v: %d %q %v, want %d %q %v", c.spec, c.partition, c.asked, first, how, ok, c.first, c.how, c.ok)
		}
	}
}

func TestResolveStop(t *testing.T) {
	type spec = domain.StopSpec
	listed := func(offset int64) spec {
		return spec{At: domain.StopSpecificOffsets, Offsets: map[int32]int64{0: offset}}
	}
	for _, c := range []struct {
		spec      spec
		partition int32
		asked     domain.Asked
		stop      int64
		how       string
		ok        bool
	}{
		{spec{}, 0, asked(20, -1, -1), 0, "", true},
		{spec{At: domain.StopLatest}, 0, asked(20, -1, -1), 50, "log end" + open, true},
		{spec{At: domain.StopGroupOffsets}, 0, asked(20, -1, -1), 20, "committed offset", true},
		{spec{At: domain.StopGroupOffsets}, 0, asked(9, -1, -1), 9, "committed offset", true},
		{spec{At: domain.StopGroupOffsets}, 0, asked(50, -1, -1), 50, "committed offset", true},
		{spec{At: domain.StopGroupOffsets}, 0, asked(51, -1, -1), 0, "committed offset 51 is beyond the log end 50", false},
		{spec{At: domain.StopGroupOffsets}, 0, asked(-1, -1, -1), 0, "no committed offset to end at", false},
		{spec{At: domain.StopTimestamp, Timestamp: 700}, 0, asked(-1, 30, 45), 45, "first record at or after 700", true},
		{spec{At: domain.StopTimestamp, Timestamp: 700}, 0, asked(-1, 30, -1), 50, "no record at or after 700: log end" + open, true},
		{listed(42), 0, asked(20, -1, -1), 42, "specific offset", true},
		{listed(0), 0, asked(20, -1, -1), 0, "specific offset", true},
		{listed(500), 0, asked(20, -1, -1), 500, "specific offset", true},
		{listed(domain.OffsetLatest), 0, asked(20, -1, -1), 50, "listed as latest: log end" + open, true},
		{listed(domain.OffsetEarliest), 0, asked(20, -1, -1), 10, "listed as earliest: log start", true},
		{listed(domain.OffsetCommitted), 0, asked(20, -1, -1), 20, "listed as committed: committed offset", true},
		{listed(domain.OffsetCommitted), 0, asked(-1, -1, -1), 0, "no committed offset to end at", false},
		{listed(42), 1, asked(20, -1, -1), 33, "not listed: not read", true},
	} {
		stop, how, ok := domain.ResolveStop(&c.spec, c.partition, 33, c.asked)
		if stop != c.stop || how != c.how || ok != c.ok {
			t.Errorf("%+v of %d, %+v: %d %q %v, want %d %q %v", c.spec, c.partition, c.asked, stop, how, ok, c.stop, c.how, c.ok)
		}
	}
}

// Without an open transaction the two ends of the log are one.
func TestResolveLatestOfAQuietLog(t *testing.T) {
	quiet := domain.Asked{Bounds: domain.Bounds{LogStart: 0, LastStable: 7, HighWatermark: 7}, Committed: -1}
	if first, how, ok := domain.ResolveStart(&domain.StartSpec{At: domain.StartLatest}, 0, quiet); first != 7 || how != "log end" || !ok {
		t.Error(first, how, ok)
	}
	if stop, how, ok := domain.ResolveStop(&domain.StopSpec{At: domain.StopLatest}, 0, 0, quiet); stop != 7 || how != "log end" || !ok {
		t.Error(stop, how, ok)
	}
}

// Which questions a spec needs the answers to.
func TestSpecsAsk(t *testing.T) {
	for at, want := range map[domain.StartAt]bool{
		domain.StartEarliest: false, domain.StartLatest: false, domain.StartTimestamp: false,
		domain.StartGroupOffsets: true, domain.StartSpecificOffsets: true,
	} {
		s := domain.StartSpec{At: at, Timestamp: 5}
		if ms, byTime := s.Time(0); byTime != (at == domain.StartTimestamp) || byTime && ms != 5 {
			t.Errorf("start %s asks for the time %d: %t", at, ms, byTime)
		}
		if got := s.AsksGroup(); got != want {
			t.Errorf("start %s asks the group: %t, want %t", at, got, want)
		}
	}
	for at, want := range map[domain.StopAt]bool{
		domain.Unbounded: false, domain.StopLatest: false, domain.StopTimestamp: false,
		domain.StopGroupOffsets: true, domain.StopSpecificOffsets: true,
	} {
		s := domain.StopSpec{At: at, Timestamp: 5}
		if ms, byTime := s.Time(); byTime != (at == domain.StopTimestamp) || byTime && ms != 5 {
			t.Errorf("stop %s asks for the time %d: %t", at, ms, byTime)
		}
		if got := s.AsksGroup(); got != want {
			t.Errorf("stop %s asks the group: %t, want %t", at, got, want)
		}
	}
}
