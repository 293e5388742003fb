package doris

import (
	"fmt"
	"strings"
)

// Refusal is a transaction or load request that the front end turned down. Nothing changed.
type Refusal struct {
	Code     string // thrift status: ANALYSIS_ERROR, NOT_FOUND, LABEL_ALREADY_EXISTS, ...
	ErrCode  int    // 2 almost always, 7 for things that do not exist
	Detail   string
	TxnID    int64  // of the transaction that holds the label; only with LABEL_ALREADY_EXISTS
	Existing string // ExistingJobStatus; only with LABEL_ALREADY_EXISTS
}

// Error is the text as the front end prints it.
func (r *Refusal) Error() string {
	return fmt.Sprintf("errCode = %d, detailMessage = %s", r.ErrCode, r.Detail)
}

const (
	codeAnalysis    = "ANALYSIS_ERROR"
	codeNotFound    = "NOT_FOUND"
	codeLabelExists = "LABEL_ALREADY_EXISTS"
	codeInternal    = "INTERNAL_ERROR"
)

// Reasons an aborted transaction may carry.
const (
	reasonUser    = "User Abort"
	reasonTimeout = "timeout by txn manager"
)

func refuse(format string, args ...any) *Refusal {
	return &Refusal{Code: codeAnalysis, ErrCode: 2, Detail: fmt.Sprintf(format, args...)}
}

func refuseMissing(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, ErrCode: 7, Detail: fmt.Sprintf(format, args...)}
}

func refuseLabel(t *Txn) *Refusal {
	return &Refusal{
		Code: codeLabelExists, ErrCode: 2, TxnID: t.ID, Existing: t.Status.jobStatus(),
		Detail: fmt.Sprintf("Label [%s] has already been used, relate to txn [%d], status [%s].", t.Label, t.ID, t.Status),
	}
}

// refuseCommit words the refusal of a 2PC commit: lower case state, and a full stop before the reason.
func refuseCommit(t *Txn) *Refusal {
	switch t.Status {
	case Prepare:
		return refuse("transaction [%d] is prepare, not pre-committed.", t.ID)
	case Aborted:
		return refuse("transaction [%d] is already aborted. abort reason: %s", t.ID, t.Reason)
	default:
		return refuse("transaction [%d] is already %s, not pre-committed.", t.ID, strings.ToLower(t.Status.String()))
	}
}

// refuseAbort words the refusal of a 2PC abort: upper case state, and a comma before the reason.
func refuseAbort(t *Txn) *Refusal {
	if t.Status == Aborted {
		return refuse("transaction [%d] is already aborted, abort reason: %s", t.ID, t.Reason)
	}
	return refuse("transaction [%d] is already %s, could not abort.", t.ID, t.Status)
}
