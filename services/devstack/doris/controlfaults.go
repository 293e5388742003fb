package doris

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// faultState is a fault as the control endpoint shows it.
type faultState struct {
	Name        Fault   `json:"name"`
	What        string  `json:"what"`
	Armed       bool    `json:"armed"`
	Times       int     `json:"times,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	Delay       string  `json:"delay,omitempty"`
	Text        string  `json:"text,omitempty"`
	Hits        int     `json:"hits"`
}

func (c *control) faultStates() []faultState {
	armed := c.faults.Armed()
	var all []faultState
	for _, k := range faultKinds() {
		a, is := armed[k.name]
		f := faultState{Name: k.name, What: k.what, Armed: is, Times: a.Times, Probability: a.Probability, Text: a.Text, Hits: c.faults.Hits(k.name)}
		if a.Delay > 0 {
			f.Delay = a.Delay.String()
		}
		all = append(all, f)
	}
	return all
}

func (c *control) listFaults(*http.Request) (any, error) {
	return struct {
		Faults []faultState `json:"faults"`
	}{c.faultStates()}, nil
}

// named finds the fault of a path.
func named(r *http.Request) (faultKind, error) {
	name := Fault(r.PathValue("name"))
	for _, k := range faultKinds() {
		if k.name == name {
			return k, nil
		}
	}
	all := strings.Trim(fmt.Sprint(AllFaults()), "[]")
	return faultKind{}, &badOrder{http.StatusNotFound, fmt.Sprintf("there is no fault %q; there is %s", name, strings.ReplaceAll(all, " ", ", "))}
}

func (c *control) armFault(r *http.Request) (any, error) {
	k, err := named(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		Times       int     `json:"times"`
		Probability float64 `json:"probability"`
		Delay       string  `json:"delay"`
		Text        string  `json:"text"`
	}
	if err := read(r, &body, `{"times":3,"probability":0.5,"delay":"2s","text":"..."}, all optional`); err != nil {
		return nil, err
	}
	a := Arming{Times: body.Times, Probability: body.Probability, Text: body.Text}
	if body.Delay != "" {
		if a.Delay, err = span(body.Delay); err != nil {
			return nil, err
		}
	}
	switch {
	case a.Times < 0:
		return nil, misread("times %d: 1 or more, or 0 for no end", a.Times)
	case a.Probability < 0 || a.Probability > 1:
		return nil, misread("probability %v: more than 0, at most 1", a.Probability)
	case a.Delay > 0 && !k.delays:
		return nil, misread("%s takes no delay", k.name)
	case a.Delay == 0 && (k.name == DelayReply || k.name == SlowFE):
		return nil, misread("%s needs a delay, such as \"2s\"", k.name)
	case a.Text != "" && !k.speaks:
		return nil, misread("%s takes no text", k.name)
	}
	c.faults.Arm(k.name, a)
	return c.listFaults(r)
}

// span reads a length of time.
func span(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, misread("%q is no length of time; one is 250ms, 2s or 1h30m", text)
	}
	return d, nil
}

func (c *control) disarmFaults(r *http.Request) (any, error) {
	if r.PathValue("name") == "" {
		c.faults.Disarm()
		return c.listFaults(r)
	}
	k, err := named(r)
	if err != nil {
		return nil, err
	}
	c.faults.Disarm(k.name)
	return c.listFaults(r)
}

func (c *control) seed(r *http.Request) (any, error) {
	var body struct {
		Seed *uint64 `json:"seed"`
	}
	const allowed = `{"seed":7}`
	if err := read(r, &body, allowed); err != nil {
		return nil, err
	}
	if body.Seed == nil {
		return nil, misread("body: no seed; it must be %s", allowed)
	}
	c.faults.Seed(*body.Seed)
	return body, nil
}
