package kafkaconn_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
	"github.com/hefu-io/hefu/services/devstack/realkdc"
)

// until asks the broker, five times a second, until stop says so of the answer.
func until(t *testing.T, cl *kgo.Client, stop func(error) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		// A question of its own: a ping may be answered by any broker that is known.
		_, err := kafkaconn.Offsets(ctx, cl, "rows")
		if stop(err) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("it does not come; the last answer: %v", err)
		case <-tick.C:
		}
	}
}

// A client outlives its tickets, on connections that have to log in anew every
// two seconds, and a KDC that is away for longer than a ticket lives.
func TestKerberosRenews(t *testing.T) {
	needKerberos(t)
	r := newRealm(t, realkdc.Config{Life: 12 * time.Second}, realkafka.Security{}, 0)
	c := r.keytab(t, "hefu")
	issued := func() int {
		log, err := r.kdc.Log()
		must(t, err)
		return bytes.Count(log, []byte("hefu@HADOOP.COM for "+brokersPrincipal))
	}
	cl := dial(t, c, kgo.RequestRetries(0))
	must(t, kafkaconn.EnsureTopic(deadline(t), cl, "rows", 1, nil))
	until(t, cl, func(err error) bool { return err == nil }) // a broker takes a moment to lead a new topic
	first := issued()
	until(t, cl, func(err error) bool {
		if err != nil {
			t.Fatalf("with a KDC that is there: %v", err)
		}
		return issued() >= first+2
	})

	must(t, r.kdc.Stop())
	var said error
	until(t, cl, func(err error) bool { said = err; return err != nil })
	if text := said.Error(); !strings.Contains(text, "kerberos login of hefu@HADOOP.COM") || !strings.Contains(text, "connection refused") {
		t.Errorf("without a KDC: %v", said)
	}
	if hint := kafkaconn.Explain(said); !strings.Contains(hint, "nothing listens at the KDC's address") {
		t.Errorf("explained as %q", hint)
	}
	must(t, r.kdc.Resume(t.Context()))
	until(t, cl, func(err error) bool { return err == nil })
}

// Clocks that are ten minutes apart: the KDC's says what it is, the broker's
// does not.
func TestKerberosClocks(t *testing.T) {
	needKerberos(t)
	t.Run("KDC", func(t *testing.T) {
		k := startKDC(t, realkdc.Config{ClockOffset: 10 * time.Minute})
		file, err := k.AddKeytab(t.Context(), "hefu")
		must(t, err)
		text := refusal(t, kafkaconn.Config{Brokers: []string{"127.0.0.1:1"}, SASL: &kafkaconn.SASL{
			Mechanism: kafkaconn.GSSAPI, Principal: "hefu", KeytabFile: file, Krb5Conf: k.Conf(), DomainName: "hadoop.hadoop.com",
		}})
		t.Log(text)
		for _, want := range []string{"kerberos login of hefu@HADOOP.COM", "(37) KRB_AP_ERR_SKEW", "→ the clocks of this host and of the KDC differ"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in it", want)
			}
		}
	})
	t.Run("broker", func(t *testing.T) {
		startKDC(t, realkdc.Config{ClockOffset: time.Minute}) // skips where there is no libfaketime
		r := newRealm(t, realkdc.Config{}, realkafka.Security{}, 10*time.Minute)
		text := refusal(t, r.keytab(t, "hefu"))
		t.Log(text)
		for _, want := range []string{"SASL_AUTHENTICATION_FAILED", "mechanism GSSAPI", "→ the broker refused a ticket that the KDC gave us. Most often its clock differs from the KDC's by more than five minutes"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in it", want)
			}
		}
	})
}
