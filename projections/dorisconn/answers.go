package dorisconn

// row says what one answer of Doris means. § is doris-wire.md's.
type row struct {
	phase  Phase
	status string // as in the body, whole; failed is anything but Success
	text   string // the message: whole, with … for anything, [N] for the transaction, [L] for the label
	means  Meaning
	source string
	only   only
}

// only narrows a row down.
type only uint8

const (
	always    only = iota
	twoPhase       // for a load with two phases
	onePhase       // for a load without
	withLog        // if an error log is named
	forbidden      // the user is not known: ErrUnauthorized
)

const (
	success = "Success"
	failed  = "any but Success"
)

// answers is the table. The first row that fits counts; what fits none is Unknown. A text
// is compared without "[CODE]", "TStatus: " and "errCode = 2, detailMessage = " before
// it, which come and go with the version (§1.8), unless it begins with [ itself or is one of
// Success, which has none.
//
// What is said of an outcome (Prepared, Committed, Aborted) must also fit the question: a
// number or label in the text is the one asked for, and a load's reply has its label, its
// two_phase_commit and a transaction. Everything else is no proof, even of absence (§1.8):
// whoever writes down an outcome asks for the state of the label before; it only says what
// to do next.
func answers() []row {
	var all []row
	for _, part := range [][]row{loads(), loadsForNow(), loadsForGood(), loadsUnclear(), commits(), aborts(), frontEnds()} {
		all = append(all, part...)
	}
	return all
}

func loads() []row {
	const exists = "Label [L] has already been used, relate to txn [N]…"
	return []row{
		{PhaseLoad, success, "OK", Prepared, "§1.8", twoPhase},
		{PhaseLoad, success, "OK", Committed, "§1.8", onePhase},
		{PhaseLoad, "Publish Timeout", "transaction commit successfully, BUT data will be visible later", Committed, "§1.8, §11.2", onePhase},
		{PhaseLoad, "Label Already Exists: RUNNING", exists, Unknown, "§3.2: PREPARE", always},
		{PhaseLoad, "Label Already Exists: PRECOMMITTED", exists, Unknown, "§3.2", always},
		{PhaseLoad, "Label Already Exists: FINISHED", exists, Unknown, "§3.2: COMMITTED or VISIBLE", always},
		{PhaseLoad, "Fail", "[DATA_QUALITY_ERROR]…", BadRows, "§1.6, §1.7", always},
		{PhaseLoad, "Fail", "too many filtered rows…", BadRows, "older than [DATA_QUALITY_ERROR]: apache/seatunnel #7014", always},
		{PhaseLoad, "Fail", "Encountered unqualified data, stop processing…", BadRows, "§1.7", always},
	}
}

// loadsForNow are refused until something has passed.
func loadsForNow() []row {
	var all []row
	for _, r := range []struct{ text, source string }{
		{"[E-235]…", "§1.8"},
		{"…[E-235]…", "§1.8, from another back end"},
		{"[TOO_MANY_VERSION]…", "§1.8"},
		{"…err=-235…", "apache/doris #8767: forms of 0.x and 1.x"},
		{"…version count: …, exceed limit: …", "§1.8"},
		{"…too many versions…", "§4.4"},
		{"current running txns on db … larger than limit …", "§3.3, §11.1 (3)"},
		{"current committed txns on table … larger than limit …", "§11.2"},
		{"No backend available for load…", "§11.2"},
		{"Failed to commit txn …, cause tablet …", "§11.2: replicas are missing, whatever rows were refused before"},
		{"No backend load available…", "SystemInfoService of 1.x"},
		{"There is no scanNode Backend available…", "SystemInfoService"},
	} {
		all = append(all, row{PhaseLoad, "Fail", r.text, TryAgain, r.source, always})
	}
	return all
}

// loadsForGood are refused until somebody changes the table, a privilege or a header.
func loadsForGood() []row {
	all := []row{{PhaseLoad, "Fail", "Access denied for user…", Unknown, "§11.2: the password was changed meanwhile", forbidden}}
	for _, r := range []struct{ text, source string }{
		{"Access denied; you need …", "§11.2"},
		{"unknown database, database=…", "§11.2"},
		{"Unknown database …", "§11.1 (14)"},
		{"table not found, tableName=…", "§11.2"},
		{"unknown table…", "§2.3"},
		{"Column has no default value, column=…", "§11.3"},
		{"Unknown column …", "§11.3"},
		{"Duplicate column: …", "§11.3"},
		{"Can not found function …", "§11.3"},
		{"Unknown partition …", "§11.3"},
		{"Unknown or incorrect time zone: …", "§11.3"},
		{"There is no sequence column in the table …", "§11.3"},
		{"load by MERGE or DELETE is only supported in unique tables.", "§11.3"},
		{"Only unique key merge on write support partial update", "§11.3"},
		{"…if load_to_single_tablet set to true, the olap table must be with random distribution…", "§11.3"},
		{"unknown data format…", "§1.5"},
		{"compress data of JSON format is not supported.", "§1.5"},
		{"label and group_commit can't be set at the same time…", "§1.5"},
		{"Invalid timeout: …", "§11.2"},
		{"Invalid strict mode format…", "§1.5"},
		{"[INVALID_ARGUMENT]…", "§1.4, §1.5"},
		{"content_length is empty and transfer-encoding!=chunked…", "§1.4"},
		{"please do not set both content_length and transfer-encoding…", "§1.4"},
		{"[E-217]json body size …", "§1.4"},
		{"The size of this batch exceed the max size …", "§1.4, before E-217"},
		{"stream load 2pc is unsupported for mow table…", "§2.2"},
		{"Two phase commit (2PC) for stream load was disabled…", "§2.2"},
		{"Label format error. regex: …", "§3.1, §11.2"},
	} {
		all = append(all, row{PhaseLoad, "Fail", r.text, Refused, r.source, always})
	}
	return all
}

// loadsUnclear may be PRECOMMITTED or COMMITTED all the same: a call of the back end to
// the front end was not answered (§1.8).
func loadsUnclear() []row {
	var all []row
	for _, text := range []string{
		"[THRIFT_RPC_ERROR]…", "[RPC_ERROR]…", "[NETWORK_ERROR]…", "[INTERNAL_ERROR]…", "[TIMEOUT]…", "[CANCELLED]…",
		"failed to call frontend service…", "…timeout…", "…time out…", "…timed out…",
	} {
		all = append(all, row{PhaseLoad, "Fail", text, Unknown, "§1.8", always})
	}
	return append(all, row{PhaseLoad, "Fail", "…", BadRows, "§1.8: rows were recorded as bad, in words that are not known", withLog})
}

func commits() []row {
	return []row{
		{PhaseCommit, success, "transaction [N] commit successfully.", Committed, "§2.3", always},
		{PhaseCommit, success, "label [L] transaction [N] commit successfully.", Committed, "§2.3", always},
		{PhaseCommit, failed, "transaction [N] is already committed, not pre-committed.", Committed, "§2.3, §11.2", always},
		{PhaseCommit, failed, "transaction [N] is already visible, not pre-committed.", Committed, "§2.3, §11.2", always},
		{PhaseCommit, failed, "transaction [N] is already COMMITTED, not pre-committed.", Committed, "§2.4", always},
		{PhaseCommit, failed, "transaction [N] is already VISIBLE, not pre-committed.", Committed, "§2.4", always},
		{PhaseCommit, failed, "transaction [N] is already aborted. abort reason: …", Aborted, "§2.3, §11.2", always},
		{PhaseCommit, failed, "transaction [N] is prepare, not pre-committed.", Unknown, "§2.5: somebody is loading still", always},
		{PhaseCommit, failed, "transaction [N] not found", Unknown, "§2.5, §11.1 (2): forgotten, or of another database", always},
		{PhaseCommit, failed, "Access denied for user…", Unknown, "§11.1 (14)", forbidden},
	}
}

func aborts() []row {
	return []row{
		{PhaseAbort, success, "label [L] abort successfully.", Aborted, "§2.3", always},
		{PhaseAbort, success, "transaction [N] abort successfully.", Aborted, "§2.3", always},
		{PhaseAbort, success, "label [L] transaction [N] abort successfully.", Aborted, "§2.3", always},
		{PhaseAbort, failed, "transaction [N] is already aborted, abort reason: …", Aborted, "§2.3, §11.2", always},
		{PhaseAbort, failed, "transaction [N] is already COMMITTED, could not abort.", Committed, "§2.3, §11.2", always},
		{PhaseAbort, failed, "transaction [N] is already VISIBLE, could not abort.", Committed, "§2.3, §11.2", always},
		{PhaseAbort, failed, "transaction [N] not found", Unknown, "§11.2", always},
		{PhaseAbort, failed, "transaction not found, label=[L]", Unknown, "§11.2: never begun, or forgotten", always},
		{PhaseAbort, failed, "running transaction not found, label=[L]", Unknown, "§11.2: any state but PREPARE and PRECOMMITTED", always},
		{PhaseAbort, failed, "Access denied for user…", Unknown, "§11.1 (14)", forbidden},
	}
}

// frontEnds are answers in place of a 307: nothing has begun. Code 401 (§11.2) is not
// here: it is ErrUnauthorized for questions as well, see readFrontEnd.
func frontEnds() []row {
	all := []row{
		{PhaseFE, "FAILED", "Access denied for user…", Unknown, "§11.1 (14)", forbidden},
		{PhaseFE, "FAILED", "No backend available for load…", TryAgain, "§11.2", always},
		{PhaseFE, "FAILED", "No backend load available…", TryAgain, "SystemInfoService of 1.x", always},
		{PhaseFE, "code 500", "…", TryAgain, "§11.2: an exception, with HTTP status 200", always},
		{PhaseFE, "code 503", "…", TryAgain, "§1.2", always},
		{PhaseFE, "code 403", "…", Refused, "§1.2", always},
		{PhaseFE, "code 404", "…", Refused, "§1.2", always},
	}
	for _, r := range []struct{ text, source string }{
		{"Access denied; you need …", "§11.1 (21)"},
		{"There is no 100-continue header", "§1.2"},
		{"No database selected.", "§1.2"},
		{"No table selected.", "§1.2"},
		{"No transaction id or label selected.", "§2.2"},
		{"No transaction id selected.", "LoadAction of 1.x, which knows no labels here"},
		{"No transaction operation('commit' or 'abort') selected.", "§2.2"},
		{"Header `group_commit` can only be …", "§1.2"},
	} {
		all = append(all, row{PhaseFE, "FAILED", r.text, Refused, r.source, always})
	}
	return all
}
