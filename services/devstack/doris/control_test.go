package doris_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// order sends one order to the control endpoint.
func (s *standIn) order(method, path, body string) answer {
	s.t.Helper()
	return s.call(method, s.ControlURL()+path, strings.NewReader(body))
}

func controlled(t *testing.T, cfg doris.Config) *standIn {
	t.Helper()
	cfg.ControlAddr = "127.0.0.1:0"
	return withTable(t, cfg)
}

// TestControlIsOff: nobody gets a control endpoint who did not ask for one, and nobody one that others reach.
func TestControlIsOff(t *testing.T) {
	if at := open(t, doris.Config{}).ControlURL(); at != "" {
		t.Errorf("on by default, at %s", at)
	}
	for addr, want := range map[string]string{
		"0.0.0.0:0":     "0.0.0.0:0 is not a loopback address; it may listen at 127.0.0.1, ::1 or localhost only",
		":0":            ":0 is not a loopback address",
		"192.168.1.1:0": "192.168.1.1:0 is not a loopback address",
		"example.org:0": "example.org:0 is not a loopback address",
		"127.0.0.1":     "missing port",
	} {
		s, err := doris.Open(t.Context(), doris.Config{Dir: t.TempDir(), ControlAddr: addr})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", addr, err, want)
		}
	}
}

// TestControlFaults: faults are armed, listed with their hits, and disarmed.
func TestControlFaults(t *testing.T) {
	s := controlled(t, doris.Config{})
	if got := s.order("PUT", "/seed", `{"seed":7}`); got.code != http.StatusOK {
		t.Errorf("%+v", got)
	}
	if got := s.order("PUT", "/faults/fail-load", `{"times":2,"probability":1,"text":"[X]said so"}`); got.code != http.StatusOK {
		t.Fatalf("%+v", got)
	}
	if reply := s.load(table, "L", line(1, 1, "x")); reply.Message != "[X]said so" {
		t.Errorf("%+v", reply)
	}
	s.order("PUT", "/faults/hold-publish", `{"delay":"1h"}`)
	var list struct {
		Faults []struct {
			Name, What, Delay, Text string
			Armed                   bool
			Times, Hits             int
			Probability             float64
		}
	}
	s.order("GET", "/faults", "").decode(t, &list)
	if len(list.Faults) != len(doris.AllFaults()) {
		t.Errorf("%d faults", len(list.Faults))
	}
	for _, f := range list.Faults {
		got := fmt.Sprintf("%v %d %v %q %q %d", f.Armed, f.Times, f.Probability, f.Delay, f.Text, f.Hits)
		want := map[string]string{"fail-load": `true 1 1 "" "[X]said so" 1`, "hold-publish": `true 0 0 "1h0m0s" "" 0`}[f.Name]
		if want == "" {
			want = `false 0 0 "" "" 0`
		}
		if got != want || f.What == "" {
			t.Errorf("%s: %s, want %s", f.Name, got, want)
		}
	}
	s.order("DELETE", "/faults/fail-load", "")
	if _, armed := s.Faults().Armed()[doris.FailLoad]; armed || len(s.Faults().Armed()) != 1 {
		t.Errorf("one disarmed: %v", s.Faults().Armed())
	}
	s.order("DELETE", "/faults", "")
	if len(s.Faults().Armed()) != 0 {
		t.Errorf("all disarmed: %v", s.Faults().Armed())
	}
	s.order("PUT", "/faults/be-error", "") // no body: always
	if got := s.put("M", line(1, 1, "x")); got.code != 500 {
		t.Errorf("%+v", got)
	}
}

// TestControlCluster: everything that can be done to a cluster.
func TestControlCluster(t *testing.T) {
	s := controlled(t, doris.Config{FrontEnds: 2, BackEnds: 2})
	type end struct {
		Number     int
		HTTP       string
		Up, Master bool
	}
	var c struct {
		Front []end `json:"front_ends"`
		Back  []end `json:"back_ends"`
	}
	shown := func(a answer, want string) {
		t.Helper()
		c.Front, c.Back = nil, nil
		if a.decode(t, &c); a.code != http.StatusOK {
			t.Errorf("%+v", a)
		}
		got := ""
		for _, e := range append(c.Front, c.Back...) {
			got += map[bool]string{true: "up", false: "down"}[e.Up] + map[bool]string{true: "* ", false: " "}[e.Master]
		}
		if got != want {
			t.Errorf("cluster: %s, want %s", got, want)
		}
	}
	shown(s.order("GET", "/cluster", ""), "up* up up up ")
	if got := "http://" + c.Front[1].HTTP; got != s.FEURLs()[1] {
		t.Errorf("%s, want %s", got, s.FEURLs()[1])
	}
	shown(s.order("POST", "/failover", ""), "up up* up up ")
	shown(s.order("POST", "/failover", `{"to":0}`), "up* up up up ")
	shown(s.order("POST", "/fe/0/stop", ""), "down up* up up ")
	shown(s.order("POST", "/be/1/stop", ""), "down up* up down ")
	refuses(t, s.BEURLs()[1])
	shown(s.order("POST", "/be/1/start", ""), "down up* up up ")
	shown(s.order("POST", "/fe/0/start", ""), "up up* up up ")
	shown(s.order("POST", "/failover", `{"to":0}`), "up* up up up ")

	s.load(table, "L", line(1, 1, "x"))
	if got := s.order("POST", "/forget", `{"database":"ods","label":"L"}`); !strings.Contains(got.text, `"state": "PRECOMMITTED"`) {
		t.Errorf("an unfinished one: %+v", got)
	}
	before := time.Now().Add(59 * time.Minute)
	var now struct{ Now time.Time }
	if s.order("POST", "/clock", `{"advance":"61m"}`).decode(t, &now); now.Now.Before(before) {
		t.Errorf("the clock says %v", now.Now)
	}
	if got := s.state("L"); got != "ABORTED" {
		t.Errorf("after an hour: %s", got)
	}
	if got := s.order("POST", "/forget", `{"database":"ods","label":"L"}`); !strings.Contains(got.text, `"state": "UNKNOWN"`) || s.state("L") != "UNKNOWN" {
		t.Errorf("%+v", got)
	}
}

// TestControlRefuses: errors say what is allowed, and nothing is done by half.
func TestControlRefuses(t *testing.T) {
	s := controlled(t, doris.Config{})
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"PUT", "/faults/none", "", 404, `there is no fault \"none\"; there is drop-precommit-reply, `},
		{"DELETE", "/faults/none", "", 404, "there is no fault"},
		{"PUT", "/faults/be-error", `{"tims":3}`, 400, `unknown field \"tims\"; it may be {\"times\":3`},
		{"PUT", "/faults/be-error", `{"times":3}{}`, 400, "more than one JSON value"},
		{"PUT", "/faults/be-error", `{"times":-1}`, 400, "times -1: 1 or more"},
		{"PUT", "/faults/be-error", `{"times":"many"}`, 400, "it may be"},
		{"PUT", "/faults/be-error", `{"probability":1.5}`, 400, "probability 1.5: more than 0, at most 1"},
		{"PUT", "/faults/be-error", `{"delay":"1s"}`, 400, "be-error takes no delay"},
		{"PUT", "/faults/be-error", `{"text":"x"}`, 400, "be-error takes no text"},
		{"PUT", "/faults/slow-fe", "", 400, "slow-fe needs a delay"},
		{"PUT", "/faults/slow-fe", `{"delay":"soon"}`, 400, `\"soon\" is no length of time; one is 250ms`},
		{"PUT", "/faults/be-error", `{"text":"` + strings.Repeat("x", 70<<10) + `"}`, 400, "too large"},
		{"PUT", "/seed", "", 400, "no seed"},
		{"POST", "/clock", `{"advance":"-1h"}`, 400, "no length of time"},
		{"POST", "/clock", "", 400, "no length of time"},
		{"POST", "/failover", "", 409, "fail over to front end 0: it is the master already"},
		{"POST", "/failover", `{"to":5}`, 409, "there is no front end 5, they count from 0 to 0"},
		{"POST", "/fe/0/start", "", 409, "start front end 0: it is running already"},
		{"POST", "/be/7/stop", "", 409, "stop back end 7: there is no back end 7"},
		{"POST", "/be/x/stop", "", 400, "is no number of a front end or back end"},
		{"POST", "/be/0/kill", "", 400, "it may be stop or start"},
		{"POST", "/forget", `{"database":"ods"}`, 400, "it must be"},
		{"POST", "/forget", `{"database":"nodb","label":"L"}`, 409, "unknown database"},
		{"GET", "/clock", "", 404, "GET /clock is not known; there is GET /faults, PUT /faults/{name}, "},
		{"GET", "/nothing", "", 404, "GET /nothing is not known"},
	} {
		t.Run(c.method+c.path+c.body[:min(20, len(c.body))], func(t *testing.T) {
			if got := s.order(c.method, c.path, c.body); got.code != c.code || !strings.Contains(got.text, c.want) {
				t.Errorf("%d %s, want %d %s", got.code, got.text, c.code, c.want)
			}
		})
	}
	if got := s.call("PUT", s.ControlURL()+"/faults/be-error", nil, "Origin", "https://example.org"); got.code != http.StatusForbidden {
		t.Errorf("from a web page: %+v", got)
	}
	if len(s.Faults().Armed()) != 0 {
		t.Errorf("armed all the same: %v", s.Faults().Armed())
	}
	if got := s.order("GET", "/", ""); !strings.Contains(got.text, "not Doris") || !strings.Contains(got.text, "POST /failover") {
		t.Errorf("%+v", got)
	}
}
