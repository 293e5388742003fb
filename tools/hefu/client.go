package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/status"
)

// client talks to the running hefu of a configuration over its HTTP API.
type client struct {
	base     string
	patience time.Duration // with one request; 0: 30 s
}

// dial finds the API: where the running process says that it listens, or else where
// the configuration tells it to.
func dial(file string) (*client, *config.Config, error) {
	c, err := config.Load(file)
	if err != nil {
		return nil, nil, err
	}
	address := c.API.Listen
	if b, err := os.ReadFile(filepath.Join(c.DataDir, status.AddressFile)); err == nil {
		address = strings.TrimSpace(string(b))
	}
	return &client{base: "http://" + address}, c, nil
}

// stream does one request whose answer is a JSON object a line, and calls each for them. It
// takes as long as it takes: the context ends it.
func stream[Line any](ctx context.Context, c *client, method, path string, in any, each func(*Line) error) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running hefu (is `hefu run` up?): %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return refusal(method+" "+path, resp, answer)
	}
	for lines := json.NewDecoder(resp.Body); ; {
		var l Line
		err := lines.Decode(&l)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(&l)
		}
		if err != nil {
			return err
		}
	}
}

// answerError is what the API said in place of an answer.
type answerError struct {
	code int // of HTTP
	text string
}

// Error is the status and what it said.
func (e *answerError) Error() string { return e.text }

// call does one request; in and out may be nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.patience, 30*time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running hefu (is `hefu run` up?): %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return refusal(method+" "+path, resp, answer)
	}
	return json.Unmarshal(answer, out)
}

// refusal is what the API said in place of an answer.
func refusal(asked string, resp *http.Response, answer []byte) error {
	var problem struct{ Detail string }
	if json.Unmarshal(answer, &problem) == nil && problem.Detail != "" {
		return &answerError{resp.StatusCode, resp.Status + ": " + problem.Detail}
	}
	return fmt.Errorf("%s: %s: %s", asked, resp.Status, bytes.TrimSpace(answer))
}
