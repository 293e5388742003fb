package dorisconn_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/dorisconn"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
)

// cluster is a stand-in of three front ends and two back ends with a table ods.t.
func cluster(t *testing.T) (*standin.Server, dorisconn.Config) {
	t.Helper()
	s, err := standin.Open(deadline(t), standin.Config{Dir: t.TempDir(), User: user, Password: password, FrontEnds: 3, BackEnds: 2})
	must(t, err)
	t.Cleanup(func() { _ = s.Kill() })
	m := mysql.NewConfig()
	m.User, m.Net, m.Addr = "root", "tcp", s.MySQLAddr()
	connector, err := mysql.NewConnector(m)
	must(t, err)
	db := sql.OpenDB(connector)
	defer db.Close()
	for _, ddl := range []string{
		"CREATE DATABASE ods", `CREATE TABLE ods.t (k BIGINT NOT NULL, v VARCHAR(4) NULL) UNIQUE KEY(k) DISTRIBUTED BY HASH(k) BUCKETS 1
			PROPERTIES ("replication_num"="1")`,
	} {
		_, err := db.ExecContext(deadline(t), ddl)
		must(t, err)
	}
	return s, dorisconn.Config{FE: s.FEURLs(), MySQL: s.MySQLAddrs(), User: user, PasswordFile: file(t, password)}
}

func load(label string, twoPhase bool) dorisconn.Load {
	return dorisconn.Load{Database: "ods", Table: "t", Label: label, TwoPhase: twoPhase, Columns: "k,v", Timezone: "UTC"}
}

func rows(lines ...string) io.ReadCloser {
	return io.NopCloser(strings.NewReader(strings.Join(lines, "\n") + "\n"))
}

func reaches(t *testing.T, c *dorisconn.Cluster, label string, want domain.DorisState) {
	t.Helper()
	ctx := deadline(t)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := c.State(ctx, "ods", label)
		if err != nil {
			t.Fatal(err)
		}
		if s == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("label %s is %s, want %s", label, s, want)
		}
	}
}

func count(ctx context.Context, t *testing.T, c *dorisconn.Cluster) (n int) {
	t.Helper()
	must(t, c.Ask(ctx, func(conn *sql.Conn) error {
		return conn.QueryRowContext(ctx, "SELECT count(*) FROM ods.t").Scan(&n)
	}))
	return n
}

// TestMeanings: the stand-in's answers mean what its state says.
func TestMeanings(t *testing.T) {
	s, cfg := cluster(t)
	c := open(t, cfg)
	ctx := deadline(t)
	is := func(a *dorisconn.Answer, want dorisconn.Meaning) *dorisconn.Answer {
		t.Helper()
		if a.Meaning != want || a.Err != nil {
			t.Errorf("%s, want %s: %v", a.Meaning, want, a)
		}
		return a
	}
	must(t, c.MayLoad(ctx, "ods", "t"))
	a := is(c.Load(ctx, load("A", true), rows(`{"k":1,"v":"a"}`, `{"k":2,"v":"b"}`)), dorisconn.Prepared)
	if a.Rows != 2 || a.Bytes == 0 || a.Txn == 0 {
		t.Errorf("%+v", a)
	}
	reaches(t, c, "A", domain.DorisPrecommitted)
	if again := is(c.Load(ctx, load("A", true), rows(`{"k":1}`)), dorisconn.Unknown); again.ExistingJobStatus != "PRECOMMITTED" {
		t.Errorf("%+v", again)
	}
	is(c.Commit(ctx, "ods", a.Txn+1), dorisconn.Unknown)
	is(c.Commit(ctx, "nodb", a.Txn), dorisconn.Unknown)
	is(c.Commit(ctx, "ods", a.Txn), dorisconn.Committed)
	reaches(t, c, "A", domain.DorisVisible)
	is(c.Commit(ctx, "ods", a.Txn), dorisconn.Committed)
	is(c.Abort(ctx, "ods", "A"), dorisconn.Unknown)
	is(c.Abort(ctx, "ods", "nobody"), dorisconn.Unknown)

	b := is(c.Load(ctx, load("B", true), rows(`{"k":3}`)), dorisconn.Prepared)
	is(c.Abort(ctx, "ods", "B"), dorisconn.Aborted)
	is(c.Commit(ctx, "ods", b.Txn), dorisconn.Aborted)
	reaches(t, c, "B", domain.DorisInAborted)

	bad := is(c.Load(ctx, load("C", true), rows(`{"k":4}`, `{"k":5,"v":"too long"}`)), dorisconn.BadRows)
	if log, err := c.ErrorLog(ctx, bad.ErrorURL, 1<<20); err != nil || !strings.Contains(string(log), "too long") {
		t.Errorf("error log %q, %v", log, err)
	}
	lenient := load("D", true)
	lenient.MaxFilterRatio = 1
	if d := is(c.Load(ctx, lenient, rows(`{"k":4}`, `{"k":5,"v":"too long"}`)), dorisconn.Prepared); d.Rows != 1 || d.Filtered != 1 {
		t.Errorf("%+v", d)
	}
	elsewhere := load("E", true)
	elsewhere.Table = "notbl"
	is(c.Load(ctx, elsewhere, rows(`{"k":1}`)), dorisconn.Refused)
	is(c.Load(ctx, load("a.b", true), rows(`{"k":1}`)), dorisconn.Refused)
	columns := load("F", true)
	columns.Columns = "v"
	is(c.Load(ctx, columns, rows(`{"v":"a"}`)), dorisconn.Refused)
	is(c.Load(ctx, load("G", false), rows(`{"k":6}`)), dorisconn.Committed)
	reaches(t, c, "G", domain.DorisVisible)
	if n := count(ctx, t, c); n != 3 {
		t.Errorf("%d rows", n)
	}

	for _, f := range []struct {
		fault standin.Fault
		means dorisconn.Meaning
		state domain.DorisState
	}{
		{standin.TooManyVersions, dorisconn.TryAgain, domain.DorisInAborted},
		{standin.FailThoughDone, dorisconn.Unknown, domain.DorisPrecommitted},
	} {
		label := string(f.fault)
		s.Faults().Arm(f.fault, standin.Arming{Times: 1})
		is(c.Load(ctx, load(label, true), rows(`{"k":7}`)), f.means)
		reaches(t, c, label, f.state)
	}
	for _, f := range []standin.Fault{standin.DropPrecommitReply, standin.BEError} {
		s.Faults().Arm(f, standin.Arming{Times: 1})
		if a := c.Load(ctx, load(string(f), true), rows(`{"k":8}`)); a.Meaning != dorisconn.Unknown || a.Err == nil || a.Phase != dorisconn.PhaseLoad {
			t.Errorf("%s: %+v: %v", f, a, a)
		}
	}
	reaches(t, c, string(standin.DropPrecommitReply), domain.DorisPrecommitted)
}

// TestBackEndsGone: none to load into is a matter of time.
func TestBackEndsGone(t *testing.T) {
	s, cfg := cluster(t)
	c := open(t, cfg)
	must(t, s.StopBE(0))
	must(t, s.StopBE(1))
	a := c.Load(deadline(t), load("L", true), rows(`{"k":1}`))
	if a.Meaning != dorisconn.TryAgain || a.Phase != dorisconn.PhaseFE {
		t.Errorf("%+v: %v", a, a)
	}
}

// TestFrontEndsComeAndGo: loads, second phases and questions go on while one front end
// after the other is away, and the master moves.
func TestFrontEndsComeAndGo(t *testing.T) {
	s, cfg := cluster(t)
	c := open(t, cfg)
	ctx := deadline(t)
	seen := map[string]bool{}
	for round := range 4 {
		gone := round % 3
		must(t, s.StopFE(gone))
		label := fmt.Sprintf("round-%d", round)
		a := c.Load(ctx, load(label, true), rows(fmt.Sprintf(`{"k":%d}`, round)))
		if a.Meaning != dorisconn.Prepared {
			t.Fatalf("without front end %d: %v", gone, a)
		}
		must(t, c.MayLoad(ctx, "ods", "t"))
		if a := c.Commit(ctx, "ods", a.Txn); a.Meaning != dorisconn.Committed {
			t.Fatalf("without front end %d: %v", gone, a)
		}
		reaches(t, c, label, domain.DorisVisible)
		if n := count(ctx, t, c); n != round+1 {
			t.Errorf("without front end %d: %d rows, want %d", gone, n, round+1)
		}
		master, err := c.Master(ctx)
		if err != nil || master == strings.TrimPrefix(s.FEURLs()[gone], "http://") {
			t.Errorf("without front end %d the master is %s, %v", gone, master, err)
		}
		seen[master] = true
		must(t, s.StartFE(gone))
	}
	if len(seen) < 2 {
		t.Errorf("masters %v", seen)
	}
}

// TestStaleFollower: what is asked of a follower that lags is as new as the master's.
func TestStaleFollower(t *testing.T) {
	s, cfg := cluster(t)
	s.Faults().Arm(standin.StaleFollower, standin.Arming{})
	cfg.MySQL = s.MySQLAddrs()[1:]
	c := open(t, cfg)
	ctx := deadline(t)
	if a := c.Load(ctx, load("L", false), rows(`{"k":1}`)); a.Meaning != dorisconn.Committed {
		t.Fatal(a)
	}
	reaches(t, c, "L", domain.DorisVisible)
	if n := count(ctx, t, c); n != 1 {
		t.Errorf("%d rows", n)
	}
	if n := s.Faults().Hits(standin.StaleFollower); n != 0 {
		t.Errorf("read %d times at a follower that lags", n)
	}
}

// TestStrangers: whom the cluster does not know, it does not know anywhere.
func TestStrangers(t *testing.T) {
	_, cfg := cluster(t)
	cfg.PasswordFile = file(t, "s3cret wrong")
	c := open(t, cfg)
	for _, op := range operations() {
		if err := op.do(deadline(t), c); !errors.Is(err, dorisconn.ErrUnauthorized) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	if err := c.Ask(deadline(t), func(*sql.Conn) error { return nil }); !errors.Is(err, dorisconn.ErrUnauthorized) {
		t.Errorf("ask: %v", err)
	}
}
