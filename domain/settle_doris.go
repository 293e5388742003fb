package domain

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func hexID(id [16]byte) string { return hex.EncodeToString(id[:]) }

// DorisState is what the master FE says about a label (get_load_state) or a
// transaction (SHOW TRANSACTION).
type DorisState string

// The states (doris-wire.md §2.1, §3.4).
const (
	DorisUnknown      DorisState = "UNKNOWN"
	DorisPrepare      DorisState = "PREPARE"
	DorisPrecommitted DorisState = "PRECOMMITTED"
	DorisInCommit     DorisState = "COMMITTED"
	DorisVisible      DorisState = "VISIBLE"
	DorisInAborted    DorisState = "ABORTED"
)

// DorisAction is what the table says.
type DorisAction uint8

// The outcomes of settling.
const (
	DorisAbortLabel DorisAction = 1 // abort by label, then append DorisAborted
	DorisAbort      DorisAction = 2 // append DorisAborted
	DorisCommit     DorisAction = 3 // commit by txn id, then ask again
	DorisWait       DorisAction = 4 // ask again until VISIBLE, and say so
	DorisDone       DorisAction = 5 // append DorisCommitted
	DorisAskRows    DorisAction = 6 // the rows decide
	DorisIncidents  DorisAction = 7 // the machine may not decide
)

// SettleDoris is the table of architecture.md, "Doris projection": prepared says
// whether DorisPrepared stands after the open Begun.
func SettleDoris(prepared bool, state DorisState) DorisAction {
	if !prepared {
		switch state {
		case DorisPrepare, DorisPrecommitted:
			return DorisAbortLabel
		case DorisUnknown, DorisInAborted:
			return DorisAbort
		default:
			return DorisIncidents
		}
	}
	switch state {
	case DorisPrecommitted:
		return DorisCommit
	case DorisInCommit:
		return DorisWait
	case DorisVisible:
		return DorisDone
	case DorisInAborted:
		return DorisAbort
	case DorisUnknown:
		return DorisAskRows
	default:
		return DorisIncidents
	}
}

// Label is the Stream Load label of one intent: pipeline, shard, seq and 12 hex
// digits of the hash of its DorisBegun. A label found in Doris is this intent, of
// this journal. It is at most 128 of [-_A-Za-z0-9:] (doris-wire.md §3.1).
func Label(begun Ref) string {
	return fmt.Sprintf("hefu-%s-%d-%d-%x", begun.Stream.Pipeline, begun.Stream.Shard, begun.Seq, begun.Hash[:6])
}
