package doris_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// evicting keeps one finished transaction per database.
func evicting(t *testing.T) *standIn {
	limits := doris.DefaultLimits()
	limits.LabelNum = 1
	return withTable(t, doris.Config{Limits: &limits})
}

func byIDUnknown(t *testing.T) {
	s := evicting(t)
	evicted := s.bring("a", "VISIBLE")
	s.bring("b", "ABORTED") // takes a's place
	open := s.bring("c", "PRECOMMITTED")
	s.exec("CREATE DATABASE ods2")
	for _, id := range []int64{open + 1000, evicted, 0, -1} {
		for _, op := range []string{"commit", "abort"} {
			s.want(s.phase(op, "txn_id", fmt.Sprint(id)), refused("transaction [%d] not found", id))
		}
	}
	var other phaseReply
	s.call("PUT", s.BEURL()+"/api/ods2/_stream_load_2pc", nil, "txn_operation", "commit", "txn_id", fmt.Sprint(open)).decode(t, &other)
	s.want(other, refused("transaction [%d] not found", open))
	if got := s.state("c"); got != "PRECOMMITTED" {
		t.Error(got)
	}
}

func byLabelUnknown(t *testing.T) {
	s := evicting(t)
	s.bring("a", "VISIBLE")
	s.bring("b", "ABORTED")
	for _, label := range []string{"never", "a"} {
		for _, op := range []string{"commit", "abort"} {
			s.want(s.phase(op, "label", label), refused("transaction not found, label=%s", label))
		}
	}
}

func byLabelIn(t *testing.T, op string, states ...string) {
	t.Helper()
	for _, state := range states {
		s := withTable(t, doris.Config{})
		s.bring("L", state)
		s.want(s.phase(op, "label", "L"), refused("running transaction not found, label=L"))
		if got := s.state("L"); got != state {
			t.Errorf("%s has become %s", state, got)
		}
	}
}

func byLabelCommit(t *testing.T) {
	byLabelIn(t, "commit", "PREPARE", "COMMITTED", "VISIBLE", "ABORTED")
}
func byLabelAbort(t *testing.T) { byLabelIn(t, "abort", "COMMITTED", "VISIBLE", "ABORTED") }

func byLabelMixed(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.bring("L", "ABORTED")
	s.bring("L", "PRECOMMITTED")
	s.want(s.phase("commit", "label", "L"), phaseReply{"Success", "label [L] commit successfully."})
	s.until("L", "VISIBLE")
}

func idAndLabel(t *testing.T) {
	s := withTable(t, doris.Config{})
	a := s.bring("a", "PRECOMMITTED")
	s.bring("b", "PRECOMMITTED")
	got := s.phase("commit", "txn_id", fmt.Sprint(a), "label", "b")
	if got.Status != "Success" {
		t.Errorf("%+v", got)
	}
	s.until("a", "VISIBLE")
	if got := s.state("b"); got != "PRECOMMITTED" {
		t.Errorf("the other's: %s", got)
	}
}

func neitherIDNorLabel(t *testing.T) {
	s := withTable(t, doris.Config{})
	s.want(s.phase("commit"), refused("transaction not found, label=null"))
	s.want(s.phase("abort"), refused("transaction not found, label=null"))
}

func unknownOperation(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "PRECOMMITTED")
	got := s.phase("foo", "txn_id", fmt.Sprint(id))
	if !strings.HasSuffix(got.Msg, "transaction operation should be 'commit' or 'abort'") || got.Status == "Success" {
		t.Errorf("%+v", got)
	}
	if got := s.phase("Abort", "txn_id", fmt.Sprint(id)); got.Status != "Success" {
		t.Errorf("an operation in another case: %+v", got)
	}
	if got := s.phase("COMMIT", "txn_id", fmt.Sprint(s.bring("M", "PRECOMMITTED"))); got.Status != "Success" {
		t.Errorf("an operation in another case: %+v", got)
	}
}

func secondPhaseDB(t *testing.T) {
	s := withTable(t, doris.Config{})
	for path, want := range map[string]phaseReply{
		"/api/nodb/_stream_load_2pc": refused("unknown database, database=nodb"),
		"/api//_stream_load_2pc":     refused("No database selected."),
	} {
		var got phaseReply
		s.call("PUT", s.BEURL()+path, nil, "txn_operation", "commit", "txn_id", "1").decode(t, &got)
		s.want(got, want)
	}
}

func cleanLabel(t *testing.T) {
	s := withTable(t, doris.Config{})
	id := s.bring("L", "VISIBLE")
	s.bring("P", "PRECOMMITTED")
	for _, label := range []string{"L", "P", "never"} {
		s.exec("CLEAN LABEL `" + label + "` FROM ods")
	}
	if got := s.state("L") + " " + s.state("P"); got != "UNKNOWN PRECOMMITTED" {
		t.Error(got)
	}
	s.want(s.commit(id), refused("transaction [%d] not found", id))
	s.wantLoad(s.load(table, "L", line(1, 1, "x")), "Success", "OK")
	s = withUsers(t, doris.Config{})
	s.bring("L", "VISIBLE")
	_, err := connect(t, s.Server, "loader", "l", "").ExecContext(t.Context(), "CLEAN LABEL L FROM ods") // LOAD on the table
	s.wantError(err, 1105, "HY000", e2+"Access denied; you need (at least one of) the (Admin_priv,Load_priv) privilege(s) on database ods for this operation")
	if got := s.state("L"); got != "VISIBLE" {
		t.Error(got)
	}
}

func loadStateRefusals(t *testing.T) {
	s := withUsers(t, doris.Config{})
	if got := s.call("GET", s.FEURL()+"/api/ods/get_load_state?label=L", nil, "Authorization", basicAuth("nobody", "n")); !strings.Contains(got.text, `"UNKNOWN"`) {
		t.Errorf("without any privilege: %s", got.text)
	}
	for _, c := range []struct {
		path, body string
		header     []string
	}{
		{"/api/ods/get_load_state", `{"msg":"Bad Request","code":403,"data":"No label selected","count":0}`, nil},
		{
			"/api/nodb/get_load_state?label=L",
			`{"msg":"Error","code":1,"data":"errCode = 7, detailMessage = unknown databases, dbName=nodb","count":0}`, nil,
		},
		{
			"/api/ods/get_load_state?label=L", `{"msg":"Unauthorized","code":401,"data":"Need auth information.","count":0}`,
			[]string{"Authorization", ""},
		},
	} {
		if got := s.call("GET", s.FEURL()+c.path, nil, c.header...); got.code != 200 || strings.TrimSpace(got.text) != c.body {
			t.Errorf("%s: %d %s %v", c.path, got.code, got.text, got.err)
		}
	}
}

func noBackEnd(t *testing.T) {
	s := withTable(t, doris.Config{})
	if err := s.StopBE(0); err != nil {
		t.Fatal(err)
	}
	got := s.call("PUT", s.FEURL()+"/api/ods/t/_stream_load", nil, "Expect", "100-continue")
	want := `{"status":"FAILED","msg":"` + e2 + "No backend available for load, please check the status of your backends., policy: "
	if got.code != 200 || !strings.HasPrefix(got.text, want) || !strings.Contains(got.text, "compute group is AllBackendComputeGroup") {
		t.Errorf("%d %s %v", got.code, got.text, got.err)
	}
	list := s.call("GET", s.FEURL()+"/api/backends?is_alive=true", nil)
	if strings.TrimSpace(list.text) != `{"msg":"success","code":0,"data":{"backends":[]},"count":0}` {
		t.Error(list.text)
	}
}

func otherMethods(t *testing.T) {
	s := withTable(t, doris.Config{})
	for _, method := range []string{"POST", "GET"} {
		want := `{"msg":"Internal Error","code":500,"data":"Request method '` + method + `' is not supported","count":0}`
		if got := s.call(method, s.FEURL()+"/api/ods/t/_stream_load", nil); got.code != 200 || strings.TrimSpace(got.text) != want {
			t.Errorf("%s: %d %s", method, got.code, got.text)
		}
	}
}
