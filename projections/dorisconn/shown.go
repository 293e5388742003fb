package dorisconn

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxShown is the length of a text of somebody else's in an error, in bytes.
const maxShown = 1000

// strange is an error of a client, whose text may hold what a host sent.
type strange struct {
	text string
	err  error
}

func (e *strange) Error() string { return e.text }

func (e *strange) Unwrap() error { return e.err }

// harmless makes an error's text fit to be seen, and leaves the URL out of it.
func (c *Cluster) harmless(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &strange{c.shown([]byte(err.Error())), err}
}

// shown is a text of somebody else's for people: one line of a length that can be read,
// without the password in any form in which a host may send it back, and without the user
// information of an address.
func (c *Cluster) shown(text []byte) string {
	s := strings.ToValidUTF8(string(text), "?")
	for _, secret := range c.secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = withoutUserinfo(w)
	}
	s = strings.Join(words, " ")
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// withoutUserinfo cuts what stands between // and @ out of a word that may be an address.
func withoutUserinfo(word string) string {
	start := strings.Index(word, "//")
	if start < 0 {
		return word
	}
	end := strings.LastIndexByte(word, '@')
	if end < start {
		return word
	}
	return word[:start+2] + word[end+1:]
}

// secretForms are the forms in which a host may send a password back: as a header, plain,
// and escaped for an address. The longest come first, for one may be part of another.
func secretForms(user, password string) []string {
	if password == "" {
		return nil
	}
	forms := []string{
		base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), password,
		url.QueryEscape(password), url.PathEscape(password), strings.TrimPrefix(url.UserPassword("", password).String(), ":"),
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(forms)
}
