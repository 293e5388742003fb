package dorisconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// eachFrontEnd lets ask try the front ends, the best one first, until one answers. That
// is safe for everything: a front end begins nothing and is sent no body. The error names
// everyone who was tried. ErrUnauthorized and a body that was wanted end it at once: all
// of them share the users, and who wants a body is no front end and may have begun.
func (c *Cluster) eachFrontEnd(ctx context.Context, ask func(ctx context.Context, base string) error) error {
	var all error
	for _, base := range c.fe.order() {
		err := c.attempt(ctx, base, ask)
		switch {
		case err == nil:
			c.fe.answered(base)
			return nil
		case errors.Is(err, ErrUnauthorized), errors.Is(err, errBodyWanted):
			return also(all, err)
		}
		all = also(all, err)
		if ctx.Err() != nil {
			return all // whose time is over, the front end's or the caller's, is not known
		}
		c.fe.failed(base)
	}
	return all
}

// attempt bounds one front end's share of the time, so that one that is silent leaves
// some for the others and for the back end.
func (c *Cluster) attempt(ctx context.Context, base string, ask func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask/time.Duration(len(c.cfg.FE)+1))
	defer cancel()
	return ask(ctx, base)
}

// also is an error that says one more thing, in the same line.
func also(all, err error) error {
	if all == nil {
		return err
	}
	return fmt.Errorf("%w; %w", all, err)
}

// illError is an answer of a front end that says that it, not the request, is wrong.
type illError struct {
	host string
	w    words
}

func (e *illError) Error() string { return fmt.Sprintf("%s: %s: %s", e.host, e.w.status, e.w.text) }

// toBackEnd sends a request to a front end and gives its redirection, or what it
// answered instead.
func (c *Cluster) toBackEnd(ctx context.Context, path string, header http.Header, body io.Reader) (r reply, err error) {
	err = c.eachFrontEnd(ctx, func(ctx context.Context, base string) error {
		var err error
		if r, err = c.hop(ctx, http.MethodPut, base+path, header, body); err != nil || r.location != nil {
			return err
		}
		_, err = c.readFrontEnd(r)
		return err
	})
	return r, err
}

// unfinished is the answer to what came no further than a front end, or to a connection
// that broke. Without an answer it is Unknown, even where nothing can have begun. Who
// wanted the body, or speaks as a back end, is not counted as a front end: it may have
// begun.
func (c *Cluster) unfinished(q question, r reply, front bool, err error) *Answer {
	a := &Answer{Phase: q.phase, Host: r.host, Err: err}
	if !front || errors.Is(err, errBodyWanted) {
		return a
	}
	var w words
	var ill *illError
	switch {
	case errors.As(err, &ill):
		w = ill.w
	case err == nil:
		if w, a.Err = c.readFrontEnd(r); a.Err == nil && w.status == "" {
			a.Text = w.text
			return a
		}
	}
	a.Phase = PhaseFE
	return c.judge(a, question{phase: PhaseFE}, w)
}

// readFrontEnd reads what a front end answers in place of a 307, in either of its forms
// (doris-wire.md §1.2). Errors: ErrUnauthorized; *illError; and what no front end says,
// which a proxy before one may. What a back end says is no error and has no words: its
// address is among the front ends, and it may have begun.
func (c *Cluster) readFrontEnd(r reply) (words, error) {
	var w words
	var form struct {
		back string
		code *int
		data json.RawMessage
	}
	err := fields(r.raw, map[string]any{
		"Status": &form.back, "status": &w.status, "msg": &w.text, "code": &form.code, "data": &form.data,
	})
	switch {
	case err == nil && form.back != "":
		return words{text: c.shown(r.raw)}, nil
	case err == nil && form.code != nil:
		w.status = "code " + strconv.Itoa(*form.code)
		var said string
		if json.Unmarshal(form.data, &said) == nil && said != "" {
			w.text += ": " + said
		}
	case err != nil || w.status == "":
		return words{}, fmt.Errorf("%s: no answer of a front end: %s", r.host, c.shown(r.raw))
	}
	w.text = c.shown([]byte(w.text))
	switch {
	case form.code != nil && *form.code == http.StatusUnauthorized:
		return w, fmt.Errorf("%s: %w: %s", r.host, ErrUnauthorized, w.text)
	case form.code != nil && *form.code >= http.StatusInternalServerError:
		return w, &illError{r.host, w}
	}
	return w, nil
}
