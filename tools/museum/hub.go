package main

// hubSemantics get wrong what a hub promises, or whose promise it was.
func hubSemantics() []exhibit {
	return []exhibit{
		{
			"the file's semantic settles",
			"an operator changes sink.semantic between two runs: what was under way is sent twice, or left out though it must be sent again",
			one("projections/hub/settle.go", "action, kind, facts := domain.SettleHub(found)",
				"if found.Begun != nil {\n\t\tb := *found.Begun\n\t\tb.Semantic, found.Begun = h.cfg.Semantic, &b\n\t}\n\taction, kind, facts := domain.SettleHub(found)"),
			hub, "TestSemanticChanges$",
		},
		{
			"at-least-once fences nobody",
			"the transaction of the exactly-once process before it is still open, and commits what was sent again meanwhile",
			one("projections/hub/open.go", "if p.begun != nil && p.begun.Semantic.Exactly() &&", "if p.begun == nil && h.opened &&"),
			hub, "TestTransactionOfAReplacedOwner$",
		},
		{
			"one progress record for all semantics",
			"a process without a fence that was replaced writes its record late, over the one that says what was committed",
			one("projections/hub/scan.go", `strconv.Itoa(shard) + "/unfenced"`, "strconv.Itoa(shard)"),
			hub, "TestRecordOfAReplacedOwner$",
		},
		{
			"a commit is sent twice before Kafka 4.0",
			"transactions share an epoch there: the second request ends the next transaction, with some of its rows",
			one("projections/hub/kgosender.go", "if c.version < 2 {", "if c.version < 0 {"),
			hub, "TestWire$/^kafka3.9_commit",
		},
		{
			"what none does not hear of counts as sent",
			"the journal names a place in the hub for a row that is nowhere, and Doris loads it from there",
			one("projections/hub/runs.go", "if at[start] < 0 {", "if at[start] < -1 {"),
			hub, "TestNoneLeavesOutWhatIsRefused$",
		},
		{
			"the batch after a loss goes on",
			"none throws a whole backlog at a hub that is down, and lists all of it as excluded",
			one("projections/hub/run.go", "\treturn lost\n", "\treturn nil\n"),
			hub, "TestNoneLeavesOutWhatIsRefused$",
		},
	}
}
