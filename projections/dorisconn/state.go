package dorisconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// maxForwards is how often a question may be sent on: a follower knows the master, and
// the master may just have changed.
const maxForwards = 2

// State asks for the state of a label's newest transaction; a follower sends the
// question to the master (doris-wire.md §3.4). Errors: ErrUnauthorized.
func (c *Cluster) State(ctx context.Context, database, label string) (domain.DorisState, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask)
	defer cancel()
	path := "/api/" + url.PathEscape(database) + "/get_load_state?label=" + url.QueryEscape(label)
	var state domain.DorisState
	err := c.eachFrontEnd(ctx, func(ctx context.Context, base string) error {
		r, err := c.atMaster(ctx, base+path)
		if err != nil {
			return err
		}
		state, err = c.decodeState(r)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask for the state of label %s: %w", label, err)
	}
	return state, nil
}

// atMaster asks a front end and goes where it sends us, with our own password.
func (c *Cluster) atMaster(ctx context.Context, to string) (reply, error) {
	for range maxForwards + 1 {
		r, err := c.hop(ctx, http.MethodGet, to, http.Header{}, nil)
		if err != nil || r.location == nil {
			return r, err
		}
		to = r.location.String()
	}
	return reply{}, errors.New("sent from front end to front end")
}

// decodeState reads an answer of get_load_state. Any word is passed on: what a state that
// nobody knows means is not decided here.
func (c *Cluster) decodeState(r reply) (domain.DorisState, error) {
	w, err := c.readFrontEnd(r)
	if err != nil {
		return "", err
	}
	var state string
	err = fields(r.raw, map[string]any{"data": &state})
	word := state != "" && strings.Trim(state, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
	if w.status != "code 0" || err != nil || !word {
		return "", fmt.Errorf("%s: %s", r.host, c.shown(r.raw))
	}
	return domain.DorisState(state), nil
}
