package realkdc_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/services/devstack/realkdc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A principal logs in with the keytab that is its newest, and with its password; not while the KDC is stopped.
func TestKDC(t *testing.T) {
	if os.Getenv("HEFU_TEST_KRB5") == "" {
		t.Skip("HEFU_TEST_KRB5 is not set")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	k, err := realkdc.Start(ctx, realkdc.Config{Dir: t.TempDir(), Realm: "CITY.TEST", Life: time.Minute})
	if errors.Is(err, realkdc.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Stop() })

	first, err := k.AddKeytab(ctx, "hefu")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.AddKeytab(ctx, "hefu"); err == nil {
		t.Error("a principal was made twice")
	}
	if err := k.AddPassword(ctx, "people", "secret"); err != nil {
		t.Fatal(err)
	}
	conf, err := config.Load(k.Conf())
	if err != nil {
		t.Fatal(err)
	}
	withKeytab := func(path string) error {
		keys, err := keytab.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		cl := client.NewWithKeytab("hefu", k.Realm(), keys, conf)
		defer cl.Destroy()
		return cl.Login()
	}
	if err := withKeytab(first); err != nil {
		t.Error(err)
	}
	cl := client.NewWithPassword("people", k.Realm(), "secret", conf)
	if err := cl.Login(); err != nil {
		t.Error(err)
	}
	cl.Destroy()
	second, err := k.Keytab(ctx, "hefu")
	if err != nil {
		t.Fatal(err)
	}
	if withKeytab(first) == nil || withKeytab(second) != nil {
		t.Error("the newest keytab is the one that is good")
	}
	if log, err := k.Log(); err != nil || bytes.Count(log, []byte("ISSUE")) != 3 {
		t.Errorf("tickets in the log, %v:\n%s", err, log)
	}
	if err := errors.Join(k.Stop(), k.Stop()); err != nil {
		t.Fatal(err)
	}
	if withKeytab(second) == nil {
		t.Error("a stopped KDC gave a ticket")
	}
	if err := k.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	if err := withKeytab(second); err != nil {
		t.Error(err)
	}
}
