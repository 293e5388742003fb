package domain_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

func TestNames(t *testing.T) {
	parse := map[string]func(string) error{
		"city":     func(s string) error { _, err := domain.ParseCity(s); return err },
		"source":   func(s string) error { _, err := domain.ParseSourceID(s); return err },
		"pipeline": func(s string) error { _, err := domain.ParsePipeline(s); return err },
	}
	for _, c := range []struct {
		what, name string
		good       bool
	}{
		{"city", "320100", true},
		{"city", "A_z-9", true},
		{"city", strings.Repeat("1", 16), true},
		{"city", strings.Repeat("1", 17), false},
		{"city", "", false},
		{"city", "南京", false},
		{"city", "a b", false},
		{"city", `a"`, false},
		{"source", "nanjing-1", true},
		{"source", strings.Repeat("a", 32), true},
		{"source", strings.Repeat("a", 33), false},
		{"source", "", false},
		{"source", "Nanjing", false},
		{"source", "a_b", false},
		{"source", "a.b", false},
		{"source", "a/QL_JC.v2", true},
		{"source", "a/", false},
		{"source", "a/b/c", false},
		{"source", "a/" + strings.Repeat("b", 250), false},
		{"pipeline", "low-altitude-2", true},
		{"pipeline", strings.Repeat("p", 32), true},
		{"pipeline", strings.Repeat("p", 33), false},
		{"pipeline", "", false},
		{"pipeline", "P", false},
		{"pipeline", "a.b", false},
		{"pipeline", "a*", false},
	} {
		err := parse[c.what](c.name)
		if (err == nil) != c.good {
			t.Errorf("%s %q: %v", c.what, c.name, err)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%q", c.name)) {
			t.Errorf("%s %q: %v does not name it", c.what, c.name, err)
		}
	}
}

func TestIDsAreHex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h domain.Hash
		copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "bytes"))
		id, in := domain.JournalID(h[:16]), domain.IncidentID(h[16:])
		if got, err := domain.ParseHash(h.String()); err != nil || got != h {
			t.Fatalf("%s came back as %s, %v", h, got, err)
		}
		if got, err := domain.ParseJournalID(id.String()); err != nil || got != id {
			t.Fatalf("%s came back as %s, %v", id, got, err)
		}
		if got, err := domain.ParseIncidentID(in.String()); err != nil || got != in {
			t.Fatalf("%s came back as %s, %v", in, got, err)
		}
		if h.IsZero() != (h == domain.Hash{}) || in.IsZero() != (in == domain.IncidentID{}) {
			t.Fatalf("%s and %s are zero: %v, %v", h, in, h.IsZero(), in.IsZero())
		}
	})
	hex := strings.Repeat("ab", 40)
	for _, n := range []int{0, 1, 30, 31, 32, 33, 34, 62, 63, 64, 65, 66} {
		_, hash := domain.ParseHash(hex[:n])
		_, id := domain.ParseJournalID(hex[:n])
		_, incident := domain.ParseIncidentID(hex[:n])
		if (hash == nil) != (n == 64) || (id == nil) != (n == 32) || (incident == nil) != (n == 32) {
			t.Errorf("%d digits: %v, %v, %v", n, hash, id, incident)
		}
	}
	if _, err := domain.ParseHash(strings.Repeat("zz", 32)); err == nil {
		t.Error("zz is hex")
	}
	if !(domain.Hash{}).IsZero() || !(domain.IncidentID{}).IsZero() {
		t.Error("zero is not zero")
	}
}

func TestStreamNames(t *testing.T) {
	for name, s := range map[string]domain.Stream{
		"low-alt.0.ingest": {Pipeline: "low-alt", Leg: domain.LegIngest},
		"p.12.hub":         {Pipeline: "p", Shard: 12, Leg: domain.LegHub},
		"p.3.doris":        {Pipeline: "p", Shard: 3, Leg: domain.LegDoris},
		"p.control":        domain.ControlStream("p"),
	} {
		if got, err := domain.ParseStream(name); err != nil || got != s || s.String() != name {
			t.Errorf("%s: %+v, %v; written as %s", name, got, err, s)
		}
	}
	for _, name := range []string{
		"", "p", ".control", "P.control", "p.q.control", "p.0.control", "p.hub", "p..hub", "p.-1.hub", "p.+1.hub", "p.01.hub", "p. 1.hub",
		"p.1.HUB", "p.1.other", "p.1x.hub", "p.1.hub.1", ".1.hub", "p.99999999999999999999.hub", "p.control.1", "p_q.1.hub",
	} {
		if got, err := domain.ParseStream(name); !errors.Is(err, domain.ErrStream) {
			t.Errorf("%q is %+v, %v", name, got, err)
		}
	}
}

func TestMillisRoundDown(t *testing.T) {
	for micros, millis := range map[domain.Micros]int64{0: 0, 1: 0, 999: 0, 1000: 1, -1: -1, -999: -1, -1000: -1, -1001: -2} {
		if got := micros.Millis(); got != millis {
			t.Errorf("%d µs are %d ms, want %d", micros, got, millis)
		}
	}
}

func TestPlaces(t *testing.T) {
	ref := domain.Ref{Stream: domain.Stream{Pipeline: "p", Shard: 1, Leg: domain.LegHub}, Seq: 7}
	if ref.String() != "p.1.hub@7" || ref.IsZero() || !(domain.Ref{Stream: ref.Stream}).IsZero() {
		t.Error(ref.String(), ref.IsZero())
	}
	if c := (domain.Coord{Partition: 3, Offset: 44}); c.String() != "3/44" {
		t.Error(c)
	}
}
