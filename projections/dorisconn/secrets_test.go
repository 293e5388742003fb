package dorisconn_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// forms are those in which a host knows the password.
func forms() []string {
	return []string{
		password, url.QueryEscape(password), url.PathEscape(password), url.UserPassword(user, password).String(),
		base64.StdEncoding.EncodeToString([]byte(user + ":" + password)),
	}
}

// told is all that a host could send back.
func told() string {
	return "hello " + strings.Join(forms(), " ") + " http://" + url.UserPassword("root", "0ther-s3cret").String() + "@be:8040/x?"
}

// tellers are hosts that send back what they know, where it gets into an error.
func tellers() map[string]http.HandlerFunc {
	quoted := func() string { b, _ := json.Marshal(told()); return string(b) }
	return map[string]http.HandlerFunc{
		"page":    text("<html>" + told()),
		"500":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = io.WriteString(w, told()) },
		"refusal": text(`{"status":"FAILED","msg":` + quoted() + `}`),
		"REST":    text(`{"msg":` + quoted() + `,"code":1,"data":` + quoted() + `}`),
		"ill":     text(`{"msg":` + quoted() + `,"code":500,"data":` + quoted() + `}`),
		"denied":  text(`{"msg":` + quoted() + `,"code":401,"data":` + quoted() + `}`),
		"load":    text(`{"TxnId":1,"Label":"x","Status":` + quoted() + `,"Message":` + quoted() + `,"ExistingJobStatus":` + quoted() + `,"FirstErrorMsg":` + quoted() + `}`),
		"phase":   text(`{"status":` + quoted() + `,"msg":` + quoted() + `}`),
		"nonsense": func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = io.WriteString(c, told()+"\r\n\r\n")
				_ = c.Close()
			}
		},
		"307": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "ftp://"+url.UserPassword(user, password).String()+"@x/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"307 to nobody": sendTo("http://" + url.UserPassword(user, password).String() + "@127.0.0.1:1"),
		"cut":           cut,
	}
}

// TestSecrets: whatever goes wrong, and whatever a host sends back, no error has the
// password or what stands before the @ of an address in it.
func TestSecrets(t *testing.T) {
	var all []string
	note := func(what string, err error) {
		if err == nil {
			t.Errorf("%s: no error", what)
			return
		}
		all = append(all, what+": "+err.Error(), fmt.Sprintf("%s: %+v", what, err))
	}
	for name, answer := range tellers() {
		teller := newHost(t, answer)
		for place, fe := range map[string]*host{"front end": teller, "back end": newHost(t, frontEnd(teller.URL))} {
			c := open(t, dorisconn.Config{FE: []string{strings.Replace(fe.URL, "://", "://"+url.UserPassword(user, password).String()+"@", 1)}})
			for _, op := range operations() {
				if err := op.do(deadline(t), c); err != nil || place == "front end" && !strings.HasPrefix(name, "307 to") {
					note(place+" "+name+" "+op.name, err)
				}
			}
		}
		c := open(t, dorisconn.Config{FE: []string{"http://fe:1"}})
		if _, err := c.ErrorLog(deadline(t), strings.Replace(teller.URL, "://", "://"+url.UserPassword(user, password).String()+"@", 1)+"/api/_load_error_log?file="+url.QueryEscape(password), 10); err != nil {
			note("error log "+name, err)
		}
	}
	h := newSQLHost(t, nil, func(string) (*mysql.Result, error) {
		return nil, &mysql.MyError{Code: 1105, State: "HY000", Message: told()}
	})
	c := sqlCluster(t, h)
	note("ask", c.Ask(deadline(t), func(*sql.Conn) error { return nil }))
	_, err := c.Master(deadline(t))
	note("master", err)
	for i, fe := range []string{"http://" + url.UserPassword(user, password).String() + "@fe: 1", ":" + password, "http://127.0.0.1:1"} {
		c := open(t, dorisconn.Config{
			FE: []string{fe}, MySQL: []string{user + ":" + password + "@tcp(fe)"},
			Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				return nil, fmt.Errorf("nobody at %s", address)
			},
		})
		for _, op := range operations() {
			note(fmt.Sprintf("address %d %s", i, op.name), op.do(deadline(t), c))
		}
		note("address of SQL", c.Ask(deadline(t), func(*sql.Conn) error { return nil }))
	}
	if len(all) < 100 {
		t.Errorf("only %d errors were looked at", len(all))
	}
	for _, e := range all {
		for _, form := range append(forms(), "0ther-s3cret", "s3cret") {
			if strings.Contains(e, form) {
				t.Errorf("%q is in %s", form, e)
			}
		}
		if strings.Contains(e, "\n") {
			t.Errorf("more than a line: %q", e)
		}
	}
}

// TestFiles: user and password come from files, without the line's end, read anew by each
// Open; and what cannot be read is named.
func TestFiles(t *testing.T) {
	fe := newHost(t, text(visible))
	users, words := file(t, "who\r\n"), file(t, " p w \n")
	cfg := dorisconn.Config{FE: []string{fe.URL}, MySQL: []string{"fe:1"}, User: "not me", UserFile: users, PasswordFile: words}
	is := func(wantUser, wantPassword string) {
		t.Helper()
		c, err := dorisconn.Open(cfg)
		must(t, err)
		defer c.Close()
		_, err = c.State(deadline(t), "ods", "L")
		must(t, err)
		if u, p, _ := fe.last().BasicAuth(); u != wantUser || p != wantPassword {
			t.Errorf("%q, %q", u, p)
		}
	}
	is("who", " p w ")
	must(t, os.WriteFile(words, []byte("new"), 0o600))
	is("who", "new")
	cfg.UserFile, cfg.PasswordFile = "", ""
	is("not me", "")
	cfg.User = ""
	is("root", "")
	for _, bad := range []dorisconn.Config{
		{FE: cfg.FE, MySQL: cfg.MySQL, PasswordFile: "/nowhere/password"}, {FE: cfg.FE, MySQL: cfg.MySQL, UserFile: "/nowhere/user"},
	} {
		if _, err := dorisconn.Open(bad); err == nil || !strings.Contains(err.Error(), "/nowhere/") {
			t.Error(err)
		}
	}
	for _, none := range []dorisconn.Config{{FE: cfg.FE}, {MySQL: cfg.MySQL}, {}} {
		if _, err := dorisconn.Open(none); err == nil || !strings.Contains(err.Error(), "no address") {
			t.Error(err)
		}
	}
}
