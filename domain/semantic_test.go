package domain_test

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

func TestSemanticsPromise(t *testing.T) {
	for s, want := range map[domain.Semantic]string{
		domain.None:        "what is under way at a crash, a stop or a silence counts as loaded, and its rows may be lost",
		domain.AtLeastOnce: "a crash or a silence may double rows and loses none",
		domain.ExactlyOnce: "a crash neither loses nor doubles a row",
		"sometimes":        "unknown semantic sometimes",
	} {
		if got := s.Promise(); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
}

func TestSemanticsPromiseForAHub(t *testing.T) {
	said := map[string]bool{}
	for _, s := range []domain.Semantic{domain.None, domain.AtLeastOnce, domain.ExactlyOnce} {
		p := s.HubPromise()
		if said[p] || p == s.Promise() || s.Exactly() != (s == domain.ExactlyOnce) {
			t.Errorf("%s: %s", s, p)
		}
		said[p] = true
	}
	if got := domain.Semantic("sometimes").HubPromise(); got != "unknown semantic sometimes" {
		t.Error(got)
	}
	if !domain.Semantic("").Exactly() {
		t.Error("an intent without one is exactly-once")
	}
}
