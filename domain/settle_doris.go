package domain

import (
	"encoding/hex"
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
	DorisAssume     DorisAction = 8 // append DorisCommitted without asking
)

// SettleDoris is the table of architecture.md, "Doris projection", with a column for
// each semantic. prepared says whether DorisPrepared stands after the open Begun; it
// never does but with exactly-once.
func SettleDoris(semantic Semantic, prepared bool, state DorisState) DorisAction {
	switch {
	case semantic == None:
		return DorisAssume
	case prepared:
		return settlePrepared(state)
	case semantic == AtLeastOnce && state == DorisInCommit:
		return DorisWait
	case semantic == AtLeastOnce && state == DorisVisible:
		return DorisDone
	}
	switch state {
	case DorisPrepare, DorisPrecommitted:
		return DorisAbortLabel
	case DorisUnknown, DorisInAborted:
		return DorisAbort
	default:
		return DorisIncidents
	}
}

// Settle is SettleDoris for this intent. A probe is settled as an exactly-once load that
// was not prepared, whatever the target promises: nothing ever commits it, so a
// committed one, and one that was prepared, is for an operator.
func (b *DorisBegun) Settle(prepared bool, state DorisState) DorisAction {
	switch {
	case b.Probe == nil:
		return SettleDoris(b.Semantic, prepared, state)
	case prepared:
		return DorisIncidents
	default:
		return SettleDoris(ExactlyOnce, false, state)
	}
}

// TwoPhase reports whether the load of this intent ends PRECOMMITTED: Doris commits the
// loads of the weaker semantics itself, but never a probe.
func (b *DorisBegun) TwoPhase() bool {
	return b.Probe != nil || b.Semantic != None && b.Semantic != AtLeastOnce
}

func settlePrepared(state DorisState) DorisAction {
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
