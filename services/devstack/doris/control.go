package doris

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// control is the endpoint over which somebody outside the process arms faults, moves the clock, and stops and starts
// what the cluster is made of. A nil one is off.
type control struct {
	*Server
	node
}

// openControl takes the control endpoint's port. Whoever reaches it can spoil all data: so it listens on loopback only.
func openControl(ctx context.Context, s *Server) (*control, error) {
	addr := s.cfg.ControlAddr
	if addr == "" {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("control endpoint: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("control endpoint: %s is not a loopback address; it may listen at 127.0.0.1, ::1 or localhost only", addr)
	}
	c := &control{Server: s, node: node{addrs: []string{addr}}}
	if err := c.open(ctx, s.cfg.Listen); err != nil {
		return nil, fmt.Errorf("control endpoint: %w", err)
	}
	return c, nil
}

// ControlURL is where the control endpoint answers, as http://host:port; empty when it is off.
func (s *Server) ControlURL() string {
	if s.control == nil {
		return ""
	}
	return "http://" + s.control.addrs[0]
}

func (c *control) start() {
	if c != nil {
		c.life.serve(c.handler(), nil)
	}
}

// end lets a change that has begun come to its end.
func (c *control) end() error {
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return errors.Join(c.life.shutdown(ctx), c.life.end())
}

// order is one thing that the endpoint does. Its answer is printed as JSON.
type order struct {
	pattern string // of net/http's mux
	body    string // what its body may say; empty = none
	what    string
	do      func(*http.Request) (any, error)
}

func (c *control) orders() []order {
	return []order{
		{"GET /faults", "", "all faults, what of them is armed, and how often each hit", c.listFaults},
		{
			"PUT /faults/{name}", `{"times":3,"probability":0.5,"delay":"2s","text":"..."}, all optional`,
			"arms a fault: for so many hits (default: until it is disarmed), each with a probability (default: 1)", c.armFault,
		},
		{"DELETE /faults", "", "disarms all faults", c.disarmFaults},
		{"DELETE /faults/{name}", "", "disarms one", c.disarmFaults},
		{"PUT /seed", `{"seed":7}`, "makes the dice of probabilities fall the same way again", c.seed},
		{"GET /cluster", "", "front ends and back ends, which are up, and who is the master", c.showCluster},
		{"POST /failover", `{"to":1}, default the next front end that is up`, "makes another front end the master", c.failOver},
		{"POST /fe/{number}/{what}", "", "stops or starts a front end: what is stop or start", c.switchNode(c.StopFE, c.StartFE)},
		{"POST /be/{number}/{what}", "", "stops or starts a back end: what is stop or start", c.switchNode(c.StopBE, c.StartBE)},
		{"POST /clock", `{"advance":"1h"}`, "moves the cluster's clock on", c.advance},
		{"POST /forget", `{"database":"ods","label":"x"}`, "forgets a finished label, as 2,000 later transactions would", c.forget},
	}
}

func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	for _, o := range c.orders() {
		mux.HandleFunc(o.pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Origin") != "" { // any page that a browser on this machine shows could send orders
				c.answer(w, nil, &badOrder{http.StatusForbidden, "web pages give no orders"})
				return
			}
			answer, err := o.do(r)
			c.answer(w, answer, err)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && r.Method == http.MethodGet {
			c.answer(w, c.overview(), nil)
			return
		}
		var all []string
		for _, o := range c.orders() {
			all = append(all, o.pattern)
		}
		c.answer(w, nil, &badOrder{http.StatusNotFound, fmt.Sprintf("%s %s is not known; there is %s", r.Method, r.URL.Path, strings.Join(all, ", "))})
	})
	return mux
}

// badOrder is an order that was not understood. Other errors are about one that could not be done.
type badOrder struct {
	code int
	text string
}

func (e *badOrder) Error() string { return e.text }

func misread(format string, args ...any) error {
	return &badOrder{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func (c *control) answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		code := http.StatusConflict
		var bad *badOrder
		if errors.As(err, &bad) {
			code = bad.code
		}
		w.WriteHeader(code)
		v = struct {
			Error string `json:"error"`
		}{err.Error()}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client is gone, or it has its answer
}

const controlBodyMax = 64 << 10

// read takes an order's body apart; allowed says in an error what it may hold. No body leaves v as it is.
func read(r *http.Request, v any, allowed string) error {
	dec := json.NewDecoder(http.MaxBytesReader(nil, r.Body, controlBodyMax))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil && dec.More() {
		err = errors.New("more than one JSON value")
	}
	if err != nil {
		return misread("body: %s; it may be %s", strings.TrimPrefix(err.Error(), "json: "), allowed)
	}
	return nil
}

func (c *control) overview() any {
	type line struct {
		Order string `json:"order"`
		Body  string `json:"body,omitempty"`
		What  string `json:"what"`
	}
	var all []line
	for _, o := range c.orders() {
		all = append(all, line{o.pattern, o.body, o.what})
	}
	return struct {
		Notice string `json:"notice"`
		Orders []line `json:"orders"`
	}{"control endpoint of the " + Banner, all}
}
