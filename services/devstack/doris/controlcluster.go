package doris

import (
	"net/http"
	"strconv"
	"time"
)

type frontEndState struct {
	Number int    `json:"number"`
	HTTP   string `json:"http"`
	MySQL  string `json:"mysql"`
	Up     bool   `json:"up"`
	Master bool   `json:"master"`
}

type backEndState struct {
	Number int    `json:"number"`
	ID     int64  `json:"id"`
	HTTP   string `json:"http"`
	Up     bool   `json:"up"`
}

func (c *control) showCluster(*http.Request) (any, error) {
	var out struct {
		FrontEnds []frontEndState `json:"front_ends"`
		BackEnds  []backEndState  `json:"back_ends"`
		Now       time.Time       `json:"now"`
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.fes {
		out.FrontEnds = append(out.FrontEnds, frontEndState{f.n, f.addrs[0], f.addrs[1], f.up, f.isMaster()})
	}
	for _, b := range c.bes {
		out.BackEnds = append(out.BackEnds, backEndState{b.n, b.id, b.addrs[0], b.up})
	}
	out.Now = c.cfg.Now()
	return out, nil
}

func (c *control) failOver(r *http.Request) (any, error) {
	var body struct {
		To *int `json:"to"`
	}
	if err := read(r, &body, `{"to":1}, or none`); err != nil {
		return nil, err
	}
	if body.To == nil {
		next := c.nextMaster()
		body.To = &next
	}
	if err := c.FailOver(*body.To); err != nil {
		return nil, err
	}
	return c.showCluster(r)
}

// nextMaster is the front end after the master that is up; the master itself when it is the only one.
func (s *Server) nextMaster() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.fes {
		if next := (s.master + 1 + k) % len(s.fes); s.fes[next].up {
			return next
		}
	}
	return max(s.master, 0)
}

// switchNode is the order that stops or starts a node.
func (c *control) switchNode(stop, start func(int) error) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		i, err := strconv.Atoi(r.PathValue("number"))
		if err != nil {
			return nil, misread("%q is no number of a front end or back end; they count from 0", r.PathValue("number"))
		}
		do := map[string]func(int) error{"stop": stop, "start": start}[r.PathValue("what")]
		if do == nil {
			return nil, misread("%q is not known; it may be stop or start", r.PathValue("what"))
		}
		if err := do(i); err != nil {
			return nil, err
		}
		return c.showCluster(r)
	}
}

func (c *control) advance(r *http.Request) (any, error) {
	var body struct {
		Advance string `json:"advance"`
	}
	if err := read(r, &body, `{"advance":"1h"}`); err != nil {
		return nil, err
	}
	d, err := span(body.Advance)
	if err != nil {
		return nil, err
	}
	c.Advance(d)
	return struct {
		Now time.Time `json:"now"`
	}{c.cfg.Now()}, nil
}

func (c *control) forget(r *http.Request) (any, error) {
	var body struct {
		Database string `json:"database"`
		Label    string `json:"label"`
	}
	const allowed = `{"database":"ods","label":"x"}`
	if err := read(r, &body, allowed); err != nil {
		return nil, err
	}
	if body.Database == "" || body.Label == "" {
		return nil, misread("body: it must be %s", allowed)
	}
	if err := c.ForgetLabel(body.Database, body.Label); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	state := "UNKNOWN"
	if schema, ok := c.catalog.dbs[body.Database]; ok {
		if t, ok := c.engine.Newest(schema.ID, body.Label); ok {
			state = t.Status.String() // not finished, so not to be forgotten
		}
	}
	return struct {
		State string `json:"state"`
	}{state}, nil
}
