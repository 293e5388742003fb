package main

// Packages that keep a journal and prove what it says.
const (
	archiveRule = "./services/archive"
	archived    = "./journal/archive"
	checkpoints = "./services/checkpoint"
	reconcile   = "./services/reconcile"
)

// keeping loses or hides what is to outlive a disk.
func keeping() []exhibit {
	return []exhibit{
		{
			"a segment is dropped for a file that was good once",
			"the archive rots between the day it was written and the day the segment goes: then nobody has the events",
			one("services/archive/pass.go", "err := j.Archive.Verify(ctx, j.Journal, seg.archived)", "var err error"),
			archiveRule, "TestFileSpoiltBeforeTheDrop$",
		},
		{
			"a deletion that did not come to be is forgotten",
			"control says that the segment is dropped, and it stays in the store for ever",
			one("services/archive/pass.go", "seg.said = c.Dropped[seg.stream] >= seg.last", "seg.said = false"),
			archiveRule, "TestFaults$",
		},
		{
			"a file is taken by its seqs",
			"another history of the same length was archived: what is in the store is dropped for it",
			one("journal/archive/segment.go", "if end != a.Last {", "if end.Seq != a.Last.Seq {"),
			archived, "TestNameThatIsTaken$",
		},
		{
			"a store that lost its newest segments",
			"what was dropped is read from the archive, and the stream seems to begin anew behind it: seqs are given twice",
			one("journal/archive/store.go", "if len(list) == 0 || list[0].First != through+1 {", "if len(list) > 0 && list[0].First != through+1 {"),
			archived, "TestStoreThatLostSegments$",
		},
		{
			"a checkpoint that failed is done",
			"the file stays behind until there are new events: a journal cut back to it is not told",
			one("services/checkpoint/keeper.go", "k.behind = err != nil", "k.behind = false"),
			checkpoints, "TestNothingIsLostToFaults$",
		},
		{
			"a hub that could not be told is told with the next checkpoint",
			"while no row comes there is none: everything put back from an older copy is not told",
			one("services/checkpoint/tell.go", "\t\tretry.Reset(k.interval)\n", ""),
			checkpoints, "TestHubIsTold$",
		},
	}
}

// proving counts rows twice, or not at all.
func proving() []exhibit {
	return []exhibit{
		{
			"rows that waited for the table are read from the beginning",
			"each step that a slow table makes counts all rows before it again",
			one("services/reconcile/waiting.go", "\tr.late = to\n", ""),
			reconcile, "TestTableComesNearer$",
		},
		{
			"whatever was said of a window is verified",
			"a new process takes a window in which something was lost for good",
			one("services/reconcile/resume.go", "r.State == domain.WindowVerified", `r.State != ""`),
			reconcile, "TestResumed$",
		},
		{
			"a row that cannot be read is altered, too",
			"one row is two findings, and whoever accepts the one keeps the other",
			one("services/reconcile/judge.go", "return p.broken[place(&f)]", "return false"),
			reconcile, "TestUnreadableRow$",
		},
		{
			"all shards are proven by the first one's books",
			"what the others lose is nobody's",
			one("services/reconcile/prover.go", "books: p.in.NewBooks(shard)", "books: p.in.NewBooks(0)"),
			reconcile, "TestShards$",
		},
	}
}
