package doris_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/doris"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

func contains(s string, all ...string) bool {
	for _, sub := range all {
		if !strings.Contains(s, sub) {
			return false
		}
	}
	return true
}

// TestRefuses: what only an operator can mend ends the first start with exit code 2.
func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		model  string
		change func(*world)
		says   []string
	}{
		"no table":       {"", func(*world) {}, []string{"table ods.ODS_QL_JC_SSJC is not there", "deploy/doris.sql", "CREATE TABLE `ods`.`ODS_QL_JC_SSJC` (", "GRANT SELECT_PRIV"}},
		"no database":    {unique, func(w *world) { w.cfg.Database = "other" }, []string{"table other.ODS_QL_JC_SSJC is not there"}},
		"wrong password": {unique, func(w *world) { w.cfg.Conn.PasswordFile = passwordFile(w.t, "s3cret wrong") }, []string{"front end 127.0.0.1:", "not accepted"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.model)
			c.change(w)
			err := <-w.start().done
			var refused *projections.Refusal
			if !errors.As(err, &refused) || refused.ExitCode() != 2 || !contains(err.Error(), c.says...) {
				t.Errorf("ended with %v", err)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Error("the error tells the password")
			}
			if name == "wrong password" && strings.Contains(err.Error(), "GRANT") {
				t.Errorf("a privilege is taken for what is missing: %v", err)
			}
			w.keepsSecrets()
		})
	}
	t.Run("front end, other than the SQL port", func(t *testing.T) {
		w := newWorld(t, unique)
		w.cfg.Conn.User, w.cfg.Conn.PasswordFile = "root", passwordFile(t, "s3cret wrong")
		err := <-w.start().done
		var refused *projections.Refusal
		if !errors.As(err, &refused) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("once open it goes on trying", func(t *testing.T) {
		w := newWorld(t, unique)
		w.opened()
		p := w.start()
		p.until(w.Feed())
		good := w.cfg.Conn.PasswordFile
		w.rewrite(good, "s3cret wrong")
		w.wire.arm("load", lost)
		at := w.Feed()
		s := eventually(w, "being refused", func() (projections.Status, bool) {
			s := p.reporter.Status()
			return s, strings.Contains(s.Error, "not accepted")
		})
		if strings.Contains(s.Error, "s3cret") {
			t.Errorf("error: %s", s.Error)
		}
		w.rewrite(good, password)
		p.until(at)
		p.stop()
		w.Tally()
	})
	t.Run("no address", func(t *testing.T) {
		w := newWorld(t, unique)
		w.cfg.Conn.FE = nil
		if _, err := doris.New(w.cfg, w.j, 1, 1, w.Incidents(), nil, nil); err == nil {
			t.Error("taken")
		}
	})
}

// TestDown: a front end that is not there is named in the error, and another one is
// tried; so is a password whose URL is told.
func TestDown(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	addr := gone.Addr().String()
	must(t, gone.Close())
	for name, change := range map[string]func(*world){
		"http": func(w *world) { w.cfg.Conn.FE = []string{"http://loader:s3cret@" + addr} },
		"sql":  func(w *world) { w.cfg.Conn.MySQL = []string{addr} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, unique)
			change(w)
			p := w.start()
			s := p.retries()
			p.stop()
			if !contains(s.Error, addr, "connection refused") || strings.Contains(s.Error, "s3cret") || strings.Contains(s.Error, "loader:") {
				t.Errorf("error: %s", s.Error)
			}
			w.keepsSecrets()
		})
	}
	t.Run("another one is there", func(t *testing.T) {
		w := newWorld(t, unique)
		w.opened()
		w.cfg.Conn.FE = append([]string{"http://" + addr}, w.cfg.Conn.FE...)
		w.cfg.Conn.MySQL = append([]string{addr}, w.cfg.Conn.MySQL...)
		p := w.start()
		p.until(w.Feed())
		p.stop()
		w.Tally()
	})
}

// TestLoadRefused: Doris's words reach the operator.
func TestLoadRefused(t *testing.T) {
	w := newWorld(t, unique)
	w.opened()
	text := "[E-235]tablet has too many versions"
	w.s.Faults().Arm(standin.FailLoad, standin.Arming{Text: text})
	p := w.start()
	at := w.Feed()
	s := p.retries()
	if !contains(s.Error, "load hefu-p-1-", "(5 rows) into ods.ODS_QL_JC_SSJC", "Fail: "+text) {
		t.Errorf("error: %s", s.Error)
	}
	w.s.Faults().Disarm(standin.FailLoad)
	p.until(at)
	p.stop()
	w.Tally()
}
