package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// rule is one line of the table that a Config is held against: whether a key's value is good and, if not, what is wrong
// with it and what is allowed.
type rule struct {
	key     string
	good    bool
	problem string
	allowed string
}

// Validate holds every key against its bounds and returns the first that breaks one, as *Error, or nil. It opens nothing:
// whether a server is there and a file can be read is for whoever connects.
func (c *Config) Validate() error {
	for _, r := range c.rules() {
		if !r.good {
			return &Error{Key: r.key, Problem: r.problem, Allowed: r.allowed}
		}
	}
	return nil
}

// need is a rule over a text that has to be there.
func need(key, value string, good bool, allowed string) rule {
	problem := fmt.Sprintf("is %q", value)
	if value == "" {
		problem = "is missing"
	}
	return rule{key, value != "" && good, problem, allowed}
}

// oneOf is a rule over a text that is one of a few words.
func oneOf(key, value string, words ...string) rule {
	return need(key, value, slices.Contains(words, value), strings.Join(words, ", "))
}

// between is a rule over a number, a size or a time with both bounds, and the reason for them.
func between[T cmp.Ordered](key string, value, low, high T, why string) rule {
	return rule{
		key, low <= value && value <= high, fmt.Sprintf("is %v", value),
		fmt.Sprintf("%v to %v (%s)", low, high, why),
	}
}

// only is a rule over a key that means something in one setting only.
func only(key string, given, meant bool, setting string) rule {
	return rule{key, meant || !given, "has no meaning here", "only with " + setting}
}

// each is one rule for a list that must not be empty and one for each of its items.
func each(key string, values []string, item func(key, value string) rule, allowed string) []rule {
	rules := []rule{{key, len(values) > 0, "is missing", "a list: " + allowed}}
	for i, value := range values {
		rules = append(rules, item(fmt.Sprintf("%s[%d]", key, i), value))
	}
	return rules
}

// unique is a rule over each of several values that must differ; where names their keys.
func unique(where func(i int) string, values []string, why string) []rule {
	rules := make([]rule, len(values))
	for i, value := range values {
		first := slices.Index(values, value)
		rules[i] = rule{where(i), first == i, fmt.Sprintf("is %q, as %s is", value, where(first)), "one that no other has (" + why + ")"}
	}
	return rules
}

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// madeOf says whether text has 1 to most characters, all of them in set.
func madeOf(text string, most int, set string) bool {
	return text != "" && len(text) <= most && strings.Trim(text, set) == ""
}

// hostPort is a rule over host:port.
func hostPort(key, value string) rule {
	return need(key, value, isHostPort(value, 1), "host:port")
}

func isHostPort(text string, lowest int) bool {
	host, port, err := net.SplitHostPort(text)
	n, notNumber := strconv.Atoi(port)
	return err == nil && notNumber == nil && lowest <= n && n <= 65535 && host != "" && !strings.ContainsAny(host, " \t/@,*")
}

// server is a rule over scheme://host:port. A value with a user in it is not repeated in the error, nor accepted: the
// password would be in a file that everybody reads.
func server(key, value, allowed string, schemes ...string) rule {
	u, err := url.Parse(value)
	if strings.Contains(value, "@") {
		return rule{key, false, "has a user in it", allowed + "; user and password have keys of their own"}
	}
	good := err == nil && slices.Contains(schemes, u.Scheme) && isHostPort(u.Host, 1) && u.Path+u.RawQuery+u.Fragment == ""
	return need(key, value, good, allowed)
}

// loopback is a rule over the address that the API listens on.
func loopback(key, value string) rule {
	host, _, _ := net.SplitHostPort(value)
	local := host == "localhost" || net.ParseIP(host).IsLoopback()
	if isHostPort(value, 0) && !local {
		return rule{
			key, false, fmt.Sprintf("is %q, which other hosts can reach", value),
			"a loopback address, as in 127.0.0.1:8642 (the API has no TLS and no token yet)",
		}
	}
	return need(key, value, isHostPort(value, 0), "a loopback address with its port, as in 127.0.0.1:8642")
}
