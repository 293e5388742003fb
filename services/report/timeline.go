package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
)

const (
	timelineCells = 120 // more windows share a cell, which shows the worst of them
	cityTracks    = 8   // partitions of a city that get a line each; with more the city has one
)

// track is one line of the timeline: the windows of a partition, or of a whole city, in the
// order of their offsets, as runs of the same state.
type track struct {
	Label    string // of the partition
	Windows  int64
	Runs     []run
	From, To *time.Time // extract_time of the first and the last row
	States   []Counted
}

// run is a part of a track in one state.
type run struct {
	State    domain.WindowState // empty: no rows, for a reason that is listed
	At, Wide float64            // in per cent of the track
	Windows  int64
}

// tracks are the lines of a proof whose windows are of one of the sources; of the hub's
// partitions without any.
func tracks(r *Report, p domain.Proof, sources []string) []track {
	of := map[WindowID][]*Window{}
	var order []WindowID
	for i := range r.Windows {
		w := &r.Windows[i]
		id := w.WindowID
		id.Index = 0
		if w.Proof != p || w.Source != "" && !slices.Contains(sources, string(w.Source)) {
			continue
		}
		if of[id] == nil {
			order = append(order, id)
		}
		of[id] = append(of[id], w)
	}
	var out []track
	if len(order) > cityTracks && len(sources) > 0 {
		var all []*Window
		for _, id := range order {
			all = append(all, of[id]...)
		}
		return append(out, newTrack(count(int64(len(order)), "partition")+", one after the other", all, false))
	}
	for _, id := range order {
		label := domain.Window(id)
		out = append(out, newTrack(trackName(label, len(sources) > 1), of[id], true))
	}
	return out
}

func trackName(w domain.Window, several bool) string {
	text := "partition " + fmt.Sprint(w.Partition)
	if w.Generation > 1 {
		text += ", generation " + fmt.Sprint(w.Generation)
	}
	if several {
		text = string(w.Source) + " " + text
	}
	return text
}

// newTrack lays out windows; holes says that a missing index is a place without rows.
func newTrack(label string, windows []*Window, holes bool) track {
	t := track{Label: label, Windows: int64(len(windows))}
	var cells []domain.WindowState
	for i, w := range windows {
		if holes && i > 0 {
			for n := windows[i-1].Index + 1; n < w.Index && len(cells) < 1<<16; n++ {
				cells = append(cells, "")
			}
		}
		cells = append(cells, w.State)
		if w.FromTime != nil && (t.From == nil || w.FromTime.Before(*t.From)) {
			t.From = w.FromTime
		}
		if w.ToTime != nil && (t.To == nil || w.ToTime.After(*t.To)) {
			t.To = w.ToTime
		}
	}
	each := max(1, (len(cells)+timelineCells-1)/timelineCells)
	for from := 0; from < len(cells); from += each {
		cell := cells[from:min(from+each, len(cells))]
		next := run{State: worst(cell), At: 100 * float64(from) / float64(len(cells)), Wide: 100 * float64(len(cell)) / float64(len(cells)), Windows: int64(len(cell))}
		if last := len(t.Runs) - 1; last >= 0 && t.Runs[last].State == next.State {
			t.Runs[last].Wide += next.Wide
			t.Runs[last].Windows += next.Windows
			continue
		}
		t.Runs = append(t.Runs, next)
	}
	values := make([]Window, len(windows))
	for i, w := range windows {
		values[i] = *w
	}
	t.States = inStates(values, func(*Window) bool { return true })
	return t
}

func worst(cell []domain.WindowState) domain.WindowState {
	for _, s := range States() {
		if slices.Contains(cell, s) {
			return s
		}
	}
	return ""
}

// letter is what stands in a window for who sees no colours.
func letter(s domain.WindowState) string {
	switch s {
	case domain.WindowDiverged:
		return "D"
	case domain.WindowSuspect:
		return "S"
	case domain.WindowUnverifiable:
		return "U"
	case domain.WindowNotChecked:
		return "N"
	case domain.WindowBlocked:
		return "B"
	case domain.WindowSettling:
		return "T"
	case domain.WindowOpen:
		return "O"
	default:
		return ""
	}
}

// meaning is a state as a sentence.
func meaning(s domain.WindowState) string {
	switch s {
	case domain.WindowDiverged:
		return "the places differ, and all of them stood still"
	case domain.WindowSuspect:
		return "the places differ; looked at again until they stand still"
	case domain.WindowUnverifiable:
		return "one place does not have the rows any more"
	case domain.WindowNotChecked:
		return "nobody looked"
	case domain.WindowBlocked:
		return "an open transaction in the city holds back the rest"
	case domain.WindowSettling:
		return "complete, and not looked at yet"
	case domain.WindowOpen:
		return "what is there is the same in all places; rows are on their way"
	case domain.WindowVerified:
		return "all rows are the same in all places"
	default:
		return "offsets without a row, for a listed reason"
	}
}
