package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// control is a client of the control endpoint of the Doris stand-in.
type control struct {
	at   string
	http http.Client
}

func newControl(at string) *control {
	return &control{at: at, http: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}}
}

// arming is how a fault is armed.
type arming struct {
	Times int    `json:"times,omitempty"`
	Delay string `json:"delay,omitempty"`
}

// order sends one order; body and answer may be nil.
func (c *control) order(ctx context.Context, method, path string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.at+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("control endpoint: %w", err)
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil {
		return fmt.Errorf("control endpoint: %s %s: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("control endpoint: %s %s: %s", method, path, bytes.TrimSpace(text))
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("control endpoint: %s %s: %w", method, path, err)
	}
	return nil
}

// hits is how often each fault was met.
func (c *control) hits(ctx context.Context) (map[string]int, error) {
	var list struct {
		Faults []struct {
			Name string `json:"name"`
			Hits int    `json:"hits"`
		} `json:"faults"`
	}
	if err := c.order(ctx, http.MethodGet, "/faults", nil, &list); err != nil {
		return nil, err
	}
	all := map[string]int{}
	for _, f := range list.Faults {
		all[f.Name] = f.Hits
	}
	return all, nil
}

func (c *control) close() { c.http.CloseIdleConnections() }
