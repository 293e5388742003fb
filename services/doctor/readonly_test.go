package doctor_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/services/devstack/nats"
	"github.com/hefu-io/hefu/services/doctor"
)

// Nothing that any system is asked changes anything: requests to Kafka, statements and
// requests to Doris, subjects of NATS, all of them seen on the wire.
func TestChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.hubTopics[progressTopic] = nil // which the first start would make
	w.start()
	w.produce(0, 0)
	w.commit(map[int32]int64{0: 0, 1: 0})
	w.said.SourceMore = startAtGroup
	hub, city := watch(w.hub), watch(w.city)
	fe := newTap(t, strings.TrimPrefix(w.doris.FEURL(), "http://"))
	be := newTap(t, strings.TrimPrefix(w.doris.BEURL(), "http://"))
	sql := newTap(t, w.doris.MySQLAddr())
	journal := newTap(t, natsServer(w))
	w.said.FE, w.said.MySQL = "http://"+fe.addr, sql.addr
	w.said.DorisMore = fmt.Sprintf("      be_map: {%q: %q}", strings.TrimPrefix(w.doris.BEURL(), "http://"), be.addr)
	w.said.Journal = fmt.Sprintf("journal: {mode: external, servers: [%q]}", "nats://"+journal.addr)

	r := w.examine()
	if bad := append(lines(r, doctor.Bad), lines(r, doctor.Unknown)...); len(bad) > 0 {
		t.Errorf("%q\n%s", bad, dump(r))
	}
	for _, k := range []*requests{hub, city} {
		k.demandReads(t)
	}
	if hub.saw(kmsg.Metadata) == 0 || city.saw(kmsg.Fetch) == 0 || city.saw(kmsg.OffsetFetch) == 0 {
		t.Error("the watch saw little: is it on the wire?")
	}
	if w.hub.TopicInfo(progressTopic) != nil {
		t.Error("the progress topic was made")
	}
	if heard := be.heard(); len(heard) > 0 {
		t.Errorf("the back end was told %q", heard)
	}
	demandHTTP(t, fe.heard())
	demandSQL(t, sql.heard())
	demandNATS(t, journal.heard())
	if _, err := os.Stat(w.said.DataDir); !os.IsNotExist(err) {
		t.Errorf("data_dir was made: %v", err)
	}
}

func natsServer(w *world) string {
	s, err := nats.Open(w.ctx(), nats.Config{Dir: w.t.TempDir()})
	w.must(err)
	w.t.Cleanup(func() { _ = s.Close() })
	return strings.TrimPrefix(s.URL(), "nats://")
}

// requests counts what a Kafka stand-in is asked.
type requests struct {
	mu   sync.Mutex
	keys map[kmsg.Key]int
	make bool // a topic would have been made by asking
}

func watch(c *kfake.Cluster) *requests {
	r := &requests{keys: map[kmsg.Key]int{}}
	c.Control(func(q kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.keys[kmsg.Key(q.Key())]++
		if m, ok := q.(*kmsg.MetadataRequest); ok && m.AllowAutoTopicCreation {
			r.make = true
		}
		return nil, nil, false
	})
	return r
}

func (r *requests) saw(k kmsg.Key) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[k]
}

func (r *requests) demandReads(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	reads := []kmsg.Key{
		kmsg.ApiVersions, kmsg.Metadata, kmsg.DescribeCluster, kmsg.DescribeACLs, kmsg.DescribeConfigs, kmsg.ListOffsets, kmsg.Fetch,
		kmsg.FindCoordinator, kmsg.OffsetFetch, kmsg.DescribeGroups, kmsg.ListGroups, kmsg.DescribeProducers, kmsg.DescribeTransactions, kmsg.ListTransactions,
	}
	for k, n := range r.keys {
		if !slices.Contains(reads, k) {
			t.Errorf("%d requests %s", n, k.Name())
		}
	}
	if r.make {
		t.Error("asked with AllowAutoTopicCreation")
	}
}

// demandHTTP allows a front end to be asked for a label's state, and whether we may load:
// a request that carries no body, so that nothing is loaded.
func demandHTTP(t *testing.T, heard []byte) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^([A-Z]+) (/\S*) HTTP/1\.1\r?$`)
	found := line.FindAllSubmatch(heard, -1)
	if len(found) < 2 {
		t.Errorf("front end heard %q", heard)
	}
	for _, m := range found {
		method, path := string(m[1]), string(m[2])
		state := method == "GET" && strings.HasPrefix(path, "/api/ods/get_load_state?")
		may := method == "PUT" && path == "/api/ods/ODS_QL_JC_SSJC/_stream_load"
		if !state && !may {
			t.Errorf("front end was asked %s %s", method, path)
		}
	}
	for rest := range bytes.SplitSeq(heard, []byte("\r\n\r\n")) {
		if len(rest) > 0 && !line.Match(rest) {
			t.Errorf("front end was sent a body: %q", rest)
		}
	}
}

// demandSQL allows questions and settings of the session.
func demandSQL(t *testing.T, heard []byte) {
	t.Helper()
	found := regexp.MustCompile(`(?s)\x00\x03([A-Z][ -~]+)`).FindAllSubmatch(heard, -1)
	if len(found) < 5 {
		t.Errorf("front end heard %d statements in %q", len(found), heard)
	}
	for _, m := range found {
		verb, rest, _ := strings.Cut(string(m[1]), " ")
		switch {
		case verb == "SHOW", verb == "ADMIN" && strings.HasPrefix(rest, "SHOW "), verb == "SELECT" && !strings.Contains(rest, "INTO"):
		case verb == "SET" && !strings.HasPrefix(rest, "GLOBAL"):
		default:
			t.Errorf("statement %q", m[1])
		}
	}
}

// demandNATS allows JetStream to be asked about the account and its streams.
func demandNATS(t *testing.T, heard []byte) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^H?PUB (\S+) `).FindAllSubmatch(heard, -1)
	if len(found) < 2 {
		t.Errorf("server heard %q", heard)
	}
	for _, m := range found {
		if !regexp.MustCompile(`^\$JS\.API\.(INFO|STREAM\.(LIST|NAMES|INFO\..*))$`).Match(m[1]) {
			t.Errorf("server was told %s", m[1])
		}
	}
}

// tap passes connections on and keeps what clients send.
type tap struct {
	addr string
	end  func() // waits for what is on its way
	mu   sync.Mutex
	sent bytes.Buffer
}

func newTap(t *testing.T, to string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tp := &tap{addr: l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			all.Go(func() { _, _ = io.Copy(out, io.TeeReader(in, tp)); out.Close() })
			all.Go(func() { _, _ = io.Copy(in, out); in.Close() })
		}
	})
	tp.end = func() { l.Close(); all.Wait() }
	t.Cleanup(tp.end)
	return tp
}

// Write keeps what was sent, of all connections one after the other.
func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent.Write(b)
}

// heard is everything that clients sent, who have hung up.
func (t *tap) heard() []byte {
	t.end()
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.sent.Bytes())
}
