package dorisconn

import (
	"encoding/json"
	"strings"
)

const (
	testLabel = "hefu-nanjing-3-17-0123456789ab"
	testTxn   = 4711
)

var (
	two    = question{phase: PhaseLoad, label: testLabel, twoPhase: true}
	one    = question{phase: PhaseLoad, label: testLabel}
	commit = question{phase: PhaseCommit, txn: testTxn}
	abort  = question{phase: PhaseAbort, label: testLabel}
	front  = question{phase: PhaseFE}
)

// golden is a body as Doris prints it, and what it means.
type golden struct {
	q    question
	body string
	want Meaning
}

// loaded is a reply to a load in the form of today (doris-wire.md §1.8): pretty-printed,
// fields in this order, a line end after it.
func loaded(twoPhase, status, message, more string) string {
	m, _ := json.Marshal(message) // a string
	return `{
    "TxnId": 4711,
    "Label": "` + testLabel + `",
    "Comment": "",
    "TwoPhaseCommit": "` + twoPhase + `",
    "Status": "` + status + `",
    "Message": ` + string(m) + `,
    "NumberTotalRows": 5,
    "NumberLoadedRows": 5,
    "NumberFilteredRows": 0,
    "NumberUnselectedRows": 0,
    "LoadBytes": 1669,
    "LoadTimeMs": 58,
    "BeginTxnTimeMs": 0,
    "StreamLoadPutTimeMs": 10,
    "ReadDataTimeMs": 0,
    "WriteDataTimeMs": 47,
    "ReceiveDataTimeMs": 1,
    "CommitAndPublishTimeMs": 0` + more + `
}
`
}

// exists is a reply to a label that is taken; it has no transaction of its own.
func exists(job, message string) string {
	body := loaded("true", "Label Already Exists", message, "")
	body = strings.Replace(body, `"TxnId": 4711`, `"TxnId": -1`, 1)
	return strings.Replace(body, `"Message"`, `"ExistingJobStatus": "`+job+`",
    "Message"`, 1)
}

func finished(status, message string) string {
	m, _ := json.Marshal(message) // a string
	return `{
    "status": "` + status + `",
    "msg": ` + string(m) + `
}
`
}

const (
	theLog = `,
    "ErrorURL": "http://10.0.0.1:8040/api/_load_error_log?file=__shard_4/error_log_insert_stmt_c6461270125a615b",
    "FirstErrorMsg": "Reason: column_name[record], the length of input is too long. src line [1,2];"`
	// The long form that a back end with enable_stream_load_record prints.
	record = `{"cluster":"default","TxnId":4711,"Db":"ods","Table":"t","User":"loader","ClientIp":"10.0.0.9","Label":"` + testLabel +
		`","Comment":"","TwoPhaseCommit":"true","Status":"Success","Message":"OK","Comment":"","NumberTotalRows":5,"NumberLoadedRows":5,` +
		`"NumberFilteredRows":0,"NumberUnselectedRows":0,"LoadBytes":9223372036854775807,"StartTime":"2026-01-05 10:00:00.000","FinishTime":"2026-01-05 10:00:00.058"}`
	fe = "TStatus: errCode = 2, detailMessage = "
	// A message as some versions print it, with the place in the code below it.
	traced = "[INTERNAL_ERROR]too many filtered rows\n\n\t0#  std::_Function_handler<void (doris::RuntimeState*, doris::Status*)>"
)

func goldens() []golden {
	all := []golden{
		{two, loaded("true", "Success", "OK", ""), Prepared},
		{two, record, Prepared},
		{one, loaded("false", "Success", "OK", ""), Committed},
		{one, loaded("false", "Publish Timeout", "[PUBLISH_TIMEOUT]"+fe+"transaction commit successfully, BUT data will be visible later", ""), Committed},
		{one, loaded("false", "Publish Timeout", "transaction commit successfully, BUT data will be visible later", ""), Committed},
		{two, exists("RUNNING", "[LABEL_ALREADY_EXISTS]"+fe+"Label ["+testLabel+"] has already been used, relate to txn [12]"), Unknown},
		{two, exists("PRECOMMITTED", "[LABEL_ALREADY_EXISTS]"+fe+"Label ["+testLabel+"] has already been used, relate to txn [12], status [PRECOMMITTED]."), Unknown},
		{two, exists("FINISHED", fe+"Label ["+testLabel+"] has already been used, relate to txn [12], status [VISIBLE]."), Unknown},
		{two, loaded("true", "Fail", "an error in words that nobody knows", theLog), BadRows},
		{two, loaded("true", "Fail", "[THRIFT_RPC_ERROR]failed to call frontend service", theLog), Unknown},
	}
	for means, messages := range goldenFails() {
		for _, m := range messages {
			all = append(all, golden{two, loaded("true", "Fail", m, ""), means}, golden{one, loaded("false", "Fail", m, ""), means})
		}
	}
	return append(append(all, goldenFinishes()...), goldenFrontEnds()...)
}

// goldenFails are messages of a load that failed.
func goldenFails() map[Meaning][]string {
	return map[Meaning][]string{
		BadRows: {
			"[DATA_QUALITY_ERROR]Encountered unqualified data, stop processing", "[DATA_QUALITY_ERROR]too many filtered rows",
			"[DATA_QUALITY_ERROR]Multiple JSON objects in a single line", traced, "too many filtered rows",
			"Encountered unqualified data, stop processing", "[INTERNAL_ERROR]Encountered unqualified data, stop processing",
			"[DATA_QUALITY_ERROR]Reason: timeout is not a number. src line [timeout]",
		},
		TryAgain: {
			"[E-235]words of tomorrow", "[INTERNAL_ERROR]tablet error: [E-235]words of tomorrow, host: 10.0.0.2",
			"[E-235]failed to init rowset builder. version count: 4003, exceed limit: 4000, tablet: 10012. Please reduce the frequency of loading data or adjust the max_tablet_version_num",
			"[INTERNAL_ERROR]tablet error: [E-235]failed to init rowset builder. version count: 2001, exceed limit: 2000, tablet: 10012, host: 10.0.0.2",
			"[TOO_MANY_VERSION]tablet 10012", "tablet writer write failed, tablet_id=26820, txn_id=3, err=-235, host: 10.0.0.2",
			"failed to init rowset builder. version count: 501, exceed limit: 500, tablet: 10012.1.a", "tablet has too many versions: 10012",
			"[ANALYSIS_ERROR]" + fe + "current running txns on db 1795444316280 is 8, larger than limit 1",
			"[ANALYSIS_ERROR]" + fe + "current committed txns on table 10005 is 501, larger than limit 500",
			"[ANALYSIS_ERROR]" + fe + "No backend available for load, please check the status of your backends.",
			"[ANALYSIS_ERROR]" + fe + "Failed to commit txn 38, cause tablet 10012 succ replica num 0 < load required replica num 1. table 10005, partition: [ id=10004, commit version 11, visible version 11 ], this tablet detail: ; . Please try again later.",
			"errCode = 2, detailMessage = No backend load available.", fe + "There is no scanNode Backend available.[10003: not alive]",
		},
		Refused: {
			"[ANALYSIS_ERROR]" + fe + "Access denied; you need (at least one of) the (priv predicate: OR, Admin_priv,Load_priv) privilege(s) for this operation",
			"[NOT_FOUND]TStatus: errCode = 7, detailMessage = unknown database, database=nodb", fe + "Unknown database 'nodb'",
			"[NOT_FOUND]TStatus: errCode = 7, detailMessage = table not found, tableName=notbl", "errCode = 7, detailMessage = unknown table, table=t",
			"[ANALYSIS_ERROR]" + fe + "Column has no default value, column=row_hash",
			"[ANALYSIS_ERROR]" + fe + "Unknown column 'nope' in 'table list' in FILTER clause(line 1, pos 7)",
			"[ANALYSIS_ERROR]" + fe + "Unknown column 'timeout' in 't'",
			"[ANALYSIS_ERROR]" + fe + "Duplicate column: record", fe + "Can not found function 'nofunc'",
			fe + "Unknown partition 'p1' in table 'ods_ql_jc_ssjc'", fe + "Unknown or incorrect time zone: 'Mars/Phobos'",
			fe + "There is no sequence column in the table ods_ql_jc_ssjc", fe + "load by MERGE or DELETE is only supported in unique tables.",
			fe + "Only unique key merge on write support partial update",
			"[INTERNAL_ERROR]" + fe + "if load_to_single_tablet set to true, the olap table must be with random distribution",
			"[INTERNAL_ERROR]unknown data format, format: avro", "[INTERNAL_ERROR]compress data of JSON format is not supported.",
			"[INTERNAL_ERROR]label and group_commit can't be set at the same time",
			fe + "Invalid timeout: 0. Timeout should be higher than Config.min_load_timeout_second: 1",
			"[INTERNAL_ERROR]Invalid strict mode format. Must be bool type", "[INVALID_ARGUMENT]Invalid merge type other",
			"[INTERNAL_ERROR]content_length is empty and transfer-encoding!=chunked, please set content_length or transfer-encoding=chunked",
			"[INTERNAL_ERROR]please do not set both content_length and transfer-encoding",
			"[E-217]json body size 108.15 MiB exceeds the limit of 100 MiB set by BE config `streaming_load_json_max_mb`. Increase it if you are sure this load is reasonable",
			"[INTERNAL_ERROR]The size of this batch exceed the max size [104857600]  of json type data  data [ 113410048 ]",
			"[ANALYSIS_ERROR]" + fe + "stream load 2pc is unsupported for mow table", "[INTERNAL_ERROR]Two phase commit (2PC) for stream load was disabled",
			fe + `Label format error. regex: ^[\-_A-Za-z0-9:\p{L}]{1,128}$, label: a.b`,
		},
		Unknown: {
			"[THRIFT_RPC_ERROR]failed to call frontend service, FE address=10.0.0.3:9020, reason: THRIFT_EAGAIN (timed out)", "[RPC_ERROR]failed to send brpc",
			"[NETWORK_ERROR]receive body don't equal with body bytes", "[INTERNAL_ERROR]cancelled", "[TIMEOUT]rpc", "[CANCELLED]by somebody",
			"failed to call frontend service", "wait close timeout", "write time out", "query timed out",
			"[ANALYSIS_ERROR]TStatus: Access denied for user 'u1@127.0.0.1' (using password: YES)",
		},
	}
}

func goldenFinishes() []golden {
	return []golden{
		{commit, finished("Success", "transaction [4711] commit successfully."), Committed},
		{commit, `{"status":"Success","msg":"label [x] transaction [4711] commit successfully."}`, Committed},
		{commit, finished("ANALYSIS_ERROR", fe+"transaction [4711] is already committed, not pre-committed."), Committed},
		{commit, finished("ANALYSIS_ERROR", fe+"transaction [4711] is already visible, not pre-committed."), Committed},
		{commit, finished("Fail", "errCode = 2, detailMessage = transaction [4711] is already COMMITTED, not pre-committed."), Committed},
		{commit, finished("Internal error", "errCode = 2, detailMessage = transaction [4711] is already VISIBLE, not pre-committed."), Committed},
		{commit, finished("ANALYSIS_ERROR", fe+"transaction [4711] is already aborted. abort reason: timeout by txn manager"), Aborted},
		{commit, finished("ANALYSIS_ERROR", fe+"transaction [4711] is prepare, not pre-committed."), Unknown},
		{commit, finished("ANALYSIS_ERROR", fe+"transaction [4711] not found"), Unknown},
		{commit, finished("ANALYSIS_ERROR", "TStatus: Access denied for user 'u1@127.0.0.1' (using password: YES)"), Unknown},
		{abort, finished("Success", "label ["+testLabel+"] abort successfully."), Aborted},
		{abort, finished("Success", "transaction [12] abort successfully."), Aborted},
		{abort, finished("Success", "label ["+testLabel+"] transaction [12] abort successfully."), Aborted},
		{abort, finished("ANALYSIS_ERROR", fe+"transaction [12] is already aborted, abort reason: User Abort"), Aborted},
		{abort, finished("ANALYSIS_ERROR", fe+"transaction [12] is already COMMITTED, could not abort."), Committed},
		{abort, finished("ANALYSIS_ERROR", fe+"transaction [12] is already VISIBLE, could not abort."), Committed},
		{abort, finished("ANALYSIS_ERROR", fe+"transaction [12] not found"), Unknown},
		{abort, finished("ANALYSIS_ERROR", fe+"transaction not found, label="+testLabel), Unknown},
		{abort, finished("ANALYSIS_ERROR", fe+"running transaction not found, label="+testLabel), Unknown},
		{abort, finished("ANALYSIS_ERROR", "TStatus: Access denied for user 'u1@127.0.0.1' (using password: YES)"), Unknown},
	}
}

func goldenFrontEnds() []golden {
	return []golden{
		{front, `{"status":"FAILED","msg":"Access denied for user 'u1@127.0.0.1' (using password: YES)"}`, Unknown},
		{front, `{"msg":"Unauthorized","code":401,"data":"Need auth information.","count":0}`, Unknown},
		{front, `{"status":"FAILED","msg":"errCode = 2, detailMessage = No backend available for load, please check the status of your backends., policy: ..., compute group is AllBackendComputeGroup"}`, TryAgain},
		{front, `{"status":"FAILED","msg":"errCode = 2, detailMessage = No backend load available., policy: ..."}`, TryAgain},
		{front, `{"msg":"Internal Error","code":500,"data":"Request method 'POST' is not supported","count":0}`, TryAgain},
		{front, `{"msg":"Service Unavailable","code":503,"data":null,"count":0}`, TryAgain},
		{front, `{"msg":"Bad Request","code":403,"data":"No label selected","count":0}`, Refused},
		{front, `{"msg":"Not Found","code":404,"data":"x","count":0}`, Refused},
		{front, `{"status":"FAILED","msg":"Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}`, Refused},
		{front, `{"status":"FAILED","msg":"errCode = 2, detailMessage = Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}`, Refused},
		{front, `{"status":"FAILED","msg":"There is no 100-continue header"}`, Refused},
		{front, `{"status":"FAILED","msg":"No database selected."}`, Refused},
		{front, `{"status":"FAILED","msg":"No table selected."}`, Refused},
		{front, `{"status":"FAILED","msg":"No transaction id or label selected."}`, Refused},
		{front, `{"status":"FAILED","msg":"No transaction id selected."}`, Refused},
		{front, `{"status":"FAILED","msg":"No transaction operation('commit' or 'abort') selected."}`, Refused},
		{front, "{\"status\":\"FAILED\",\"msg\":\"Header `group_commit` can only be `sync_mode`, `async_mode` or `off_mode`.\"}", Refused},
	}
}
