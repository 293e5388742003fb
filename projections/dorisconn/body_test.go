package dorisconn_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// pipes is a network in memory: hosts by their names, each with what a connection to it
// runs into.
type pipes map[string]func(net.Conn)

func (p pipes) dial(_ context.Context, _, address string) (net.Conn, error) {
	serve, ok := p[address]
	if !ok {
		return nil, fmt.Errorf("nobody at %s", address)
	}
	ours, theirs := net.Pipe()
	go serve(theirs)
	return ours, nil
}

// after answers a request once its head is read, some time later, and then takes what
// still comes until the other side hangs up.
func after(d time.Duration, answer string, rest chan<- int64) func(net.Conn) {
	return func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		// Nothing answers any more once the other side has hung up.
		t := time.AfterFunc(d, func() { _, _ = io.WriteString(c, answer) })
		defer t.Stop()
		n, _ := io.Copy(io.Discard, in)
		rest <- n
	}
}

// TestSlowFrontEnd: however long a front end takes, and even if it keeps the connection,
// no byte of a body goes to it (doris-wire.md §1.9).
func TestSlowFrontEnd(t *testing.T) {
	for name, d := range map[string]time.Duration{"at once": 0, "longer than Go waits": 2 * time.Second, "as long as it may": 29 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rest := make(chan int64, 1)
				net := pipes{
					"fe:8030": after(d, "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://u:p@be:8040/x\r\nContent-Length: 0\r\n\r\n", rest),
				}
				c := open(t, dorisconn.Config{FE: []string{"http://fe:8030"}, Dial: net.dial})
				defer c.Close()
				said := c.Load(t.Context(), aLoad, aBody())
				if !strings.Contains(said.Error(), "nobody at be:8040") || said.Phase != dorisconn.PhaseLoad || said.Host != "be:8040" {
					t.Errorf("%+v: %v", said, said)
				}
				if n := <-rest; n != 0 {
					t.Errorf("%d bytes came after the head", n)
				}
			})
		})
	}
}

// TestSilentFrontEnd: one that says nothing leaves time for the others.
func TestSilentFrontEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rest := make(chan int64, 3)
		refusal := "HTTP/1.1 200 OK\r\nContent-Length: 49\r\n\r\n" + `{"status":"FAILED","msg":"No database selected."}`
		net := pipes{"a:1": after(time.Hour, "", rest), "b:1": after(0, refusal, rest)}
		c := open(t, dorisconn.Config{FE: []string{"http://a:1", "http://b:1"}, Dial: net.dial})
		defer c.Close()
		start := time.Now()
		if said := c.Load(t.Context(), aLoad, aBody()); said.Meaning != dorisconn.Refused || time.Since(start) > 30*time.Second {
			t.Errorf("after %s: %v", time.Since(start), said)
		}
		start = time.Now()
		if said := c.Load(t.Context(), aLoad, aBody()); said.Meaning != dorisconn.Refused || time.Since(start) != 0 {
			t.Errorf("after %s: %v", time.Since(start), said)
		}
	})
}

// TestSilentBackEnd: it is waited for as long as the time-out says, and nobody is asked in
// its place.
func TestSilentBackEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fe, be := make(chan int64, 2), make(chan int64, 2)
		sent := "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://u:p@be:1/x\r\nContent-Length: 0\r\n\r\n"
		net := pipes{"a:1": after(0, sent, fe), "b:1": after(0, sent, fe), "be:1": after(time.Hour, "", be)}
		c := open(t, dorisconn.Config{FE: []string{"http://a:1", "http://b:1"}, Dial: net.dial})
		defer c.Close()
		for _, op := range operations() {
			wait := map[string]time.Duration{"load": 10 * time.Minute, "commit": time.Minute, "abort": time.Minute}[op.name]
			if wait == 0 {
				continue
			}
			start := time.Now()
			err := op.do(t.Context(), c)
			var said *dorisconn.Answer
			if !errors.As(err, &said) || said.Meaning != dorisconn.Unknown || said.Phase == dorisconn.PhaseFE || said.Host != "be:1" || time.Since(start) != wait {
				t.Errorf("%s: after %s: %v", op.name, time.Since(start), err)
			}
			<-be
			synctest.Wait()
			if len(fe) != 1 || len(be) != 0 {
				t.Errorf("%s: %d front ends and %d more back ends were asked", op.name, len(fe), len(be))
			}
			<-fe
		}
	})
}

// ends is a connection that breaks under the first write after its head, when the other
// side has answered already.
type ends struct {
	net.Conn
	says         []string // after the head, and after the break; then it is reset
	head, broken chan struct{}
	writes       int
}

func newEnds(answer string) *ends {
	e := &ends{says: []string{"HTTP/1.1 100 Continue\r\n\r\n"}, head: make(chan struct{}), broken: make(chan struct{})}
	if answer != "" {
		e.says = append(e.says, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer))
	}
	return e
}

func (e *ends) Write(b []byte) (int, error) {
	switch e.writes++; e.writes {
	case 1:
		close(e.head)
		return len(b), nil
	case 2:
		close(e.broken)
	}
	return 0, &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
}

func (e *ends) Read(b []byte) (int, error) {
	<-e.head
	if len(e.says) == 0 || !strings.Contains(e.says[0], " 100 ") {
		<-e.broken
	}
	if len(e.says) == 0 {
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	n := copy(b, e.says[0])
	e.says = e.says[1:]
	return n, nil
}

func (e *ends) Close() error { return nil }

func (e *ends) SetDeadline(time.Time) error { return nil }

// TestAnswerBeforeTheEnd: a back end that refuses a load and hangs up before it has read
// the whole body is heard (doris-wire.md §1.7), and one that only hangs up is no answer.
func TestAnswerBeforeTheEnd(t *testing.T) {
	fe := newHost(t, sendTo("http://be:8040"))
	refusal := fmt.Sprintf(`{"TxnId":7,"Label":%q,"TwoPhaseCommit":"true","Status":"Fail","Message":"[DATA_QUALITY_ERROR]Encountered unqualified data, stop processing"}`, aLoad.Label)
	for _, c := range []struct {
		answer string
		means  dorisconn.Meaning
	}{
		{refusal, dorisconn.BadRows},
		{"", dorisconn.Unknown},
	} {
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "be:8040" {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			return newEnds(c.answer), nil
		}
		cluster := open(t, dorisconn.Config{FE: []string{fe.URL}, Dial: dial})
		for range 20 { // whether the write or the read is noticed first
			said := cluster.Load(deadline(t), aLoad, io.NopCloser(io.LimitReader(zeros{}, 1<<20)))
			if said.Meaning != c.means || (said.Err != nil) != (c.answer == "") {
				t.Fatalf("%+v: %v", said, said)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestBodyBreaksOff: an error of the body is told as it is, and the back end does not see
// a body that ends.
func TestBodyBreaksOff(t *testing.T) {
	ended := make(chan error, 1)
	be := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
		backEnd(w, r)
	})
	fe := newHost(t, sendTo(be.URL))
	broken := errors.New("row 17 is not a row")
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, body)
		_ = w.CloseWithError(broken)
	}()
	said := open(t, dorisconn.Config{FE: []string{fe.URL}}).Load(deadline(t), aLoad, r)
	if !errors.Is(said, broken) || said.Meaning != dorisconn.Unknown {
		t.Errorf("%+v", said)
	}
	if err := <-ended; err == nil {
		t.Error("the back end saw an end of the body")
	}
}
