package main

// Packages whose tests catch exhibits of the projections.
const (
	doris     = "./projections/doris"
	dorisconn = "./projections/dorisconn"
	hub       = "./projections/hub"
)

// exhibits are all that the museum has. A new hall is a new function here: each exhibit
// wants a short text that is in its file once, and the narrowest tests that catch it.
func exhibits() []exhibit {
	var all []exhibit
	for _, hall := range [][]exhibit{dorisLabels(), dorisFences(), dorisForgets(), dorisAnswers(), dorisRoads(), hubSemantics(), keeping(), proving()} {
		all = append(all, hall...)
	}
	return all
}

func one(file, from, to string) []edit { return []edit{{file, from, to}} }

// dorisLabels get the identity of a load wrong.
func dorisLabels() []exhibit {
	return []exhibit{
		{
			"a label from the clock",
			"after a crash nobody knows which load was the one of this intent: it can be neither found nor aborted",
			one("projections/doris/carry.go", "Label: domain.Label(in.ref)", `Label: fmt.Sprint("hefu-", int64(l.j.Now()))`),
			doris, "TestEvents$",
		},
		{
			"a label without the hash",
			"a journal made anew counts from one again, and takes the loads of the lost one for its own",
			one("domain/settle_doris_label.go", "begun.Seq, begun.Hash[:6])", "begun.Seq, make([]byte, 6))"),
			doris, "TestWhoseOrphans$",
		},
		{
			"orphans of another pipeline",
			"a prefix of a label is also that of other pipelines, whose loads are aborted before their commit",
			one("projections/doris/orphans.go", "ours && parts.Stream == l.stream", "ours && parts.Seq != 0"),
			doris, "TestWhoseOrphans$",
		},
		{
			"the load under way is an orphan",
			"what is being loaded just now is aborted by whoever cleans up",
			one("projections/doris/orphans.go", `case outcome == "":`, `case outcome == "-":`),
			doris, "TestOrphanUnderWay$",
		},
	}
}

// dorisFences let two owners of a shard work at once.
func dorisFences() []exhibit {
	return []exhibit{
		{
			"no fence before the commit",
			"a process that was replaced while it slept commits what its successor aborted and loaded again",
			one("projections/doris/answered.go", `crash.Point("doris.prepared.before")`,
				"l.conn.Commit(ctx, l.cfg.Database, in.said.Txn)"),
			doris, "TestSim$",
		},
		{
			"nothing is settled at open",
			"what the last process left prepared is loaded a second time, and then committed twice or never",
			one("projections/doris/open.go", "if t := l.w.Trail(); t.Open() {", "if t := l.w.Trail(); t.Open() && l.opened {"),
			doris, "TestSettles$/^prepared,_VISIBLE",
		},
		{
			"a table that is ahead is not looked for",
			"a journal from a backup loads what the table has already",
			one("projections/doris/open.go", "if err := l.checkRows(ctx); err != nil {", "if err := ctx.Err(); err != nil {"),
			doris, "TestAhead$",
		},
		{
			"a zombie calls the operator",
			"a slow process sees the rows of its successor, takes them for foreign ones, and stops the shard for nothing",
			one("projections/doris/file.go", "owned.Owner() > l.incarnation", "owned.Owner() > 1<<40"),
			doris, "TestReplacedFilesNothing$",
		},
	}
}

// dorisForgets get wrong what a forgotten or unfinished label means.
func dorisForgets() []exhibit {
	return []exhibit{
		{
			"an unknown label counts as committed",
			"a load that Doris aborted after an hour, and forgot after twelve, is lost",
			one("domain/settle_doris.go", "return DorisAskRows", "return DorisDone"),
			doris, "TestSim$",
		},
		{
			"an unknown label counts as aborted",
			"a load that was committed twelve hours before, or 2,000 transactions, is loaded a second time",
			one("domain/settle_doris.go", "return DorisAskRows", "return DorisAbort"),
			doris, "TestSim$",
		},
		{
			"rows decide alone",
			"a front end that lagged has forgotten nothing: the load is still prepared, or is being published, and comes twice",
			one("projections/doris/incident.go", "if state != domain.DorisUnknown {", `if state == "" {`),
			doris, "TestRowsOfAKnownLabel$",
		},
		{
			"rows are only counted",
			"one row twice and another one missing is as many as there must be",
			one("domain/settle_doris_rows.go", "t != w {", "t.Rows != w.Rows {"),
			doris, "TestRowsDoNotDecide$/^one_twice",
		},
		{
			"rows are asked of a follower",
			"it shows the table as it was: none of the rows is there yet, and they are loaded again",
			one("projections/dorisconn/session.go", `"enable_strong_consistency_read", "true"`, `"enable_strong_consistency_read", "false"`),
			dorisconn, "TestStaleFollower$",
		},
	}
}

// dorisAnswers take Doris at the wrong word.
func dorisAnswers() []exhibit {
	return []exhibit{
		{
			"HTTP 200 is success",
			"Doris refuses with HTTP 200, too: whatever it answers counts as prepared",
			one("projections/dorisconn/load.go", "return c.judge(&read, q, w)", "read.Meaning = Prepared\n\treturn &read"),
			dorisconn, "TestMeanings$",
		},
		{
			"Publish Timeout is a failure",
			"it is a commit that shows later: loaded again, every row is there twice",
			one("projections/dorisconn/answers.go", "data will be visible later\", Committed", "data will be visible later\", Aborted"),
			dorisconn, "TestAnswers$",
		},
		{
			"committed but not visible is aborted",
			"a load whose publishing takes its time is loaded again, and both show",
			one("domain/settle_doris.go", "\tcase DorisInCommit:\n\t\treturn DorisWait", "\tcase DorisInCommit:\n\t\treturn DorisAbort"),
			doris, "TestSim$",
		},
		{
			"the cursor moves at COMMITTED",
			"the journal calls rows visible that nobody can read yet",
			one("domain/settle_doris.go", "\tcase DorisInCommit:\n\t\treturn DorisWait", "\tcase DorisInCommit:\n\t\treturn DorisDone"),
			doris, "TestWaits$",
		},
		{
			"Doris's count of rows is not compared",
			"what it left out on the way is never noticed",
			one("projections/doris/answered.go", "a.Meaning == dorisconn.Prepared && !counted", "a.Meaning == dorisconn.Prepared && rows < 0"),
			doris, "TestWire$",
		},
	}
}

// dorisRoads get lost between front end and back end.
func dorisRoads() []exhibit {
	return []exhibit{
		{
			"the client follows the 307 by itself",
			"it sends the body to the front end, or not at all, and the password to nobody or to everybody",
			one("projections/dorisconn/cluster.go", "return http.ErrUseLastResponse", "return nil"),
			dorisconn, "TestMeanings$",
		},
		{
			"a load is repeated under its label",
			"the first one may still be under way, and be committed after the second one was",
			one("projections/dorisconn/http.go", "r, err = c.hop(ctx, http.MethodPut, r.location.String(), header, body)",
				"to := r.location.String()\n\tif r, err = c.hop(ctx, http.MethodPut, to, header, body); err != nil {\n\t\tr, err = c.hop(ctx, http.MethodPut, to, header, body)\n\t}"),
			dorisconn, "TestBackEndOnce$",
		},
		{
			"loads that fail are repeated at once",
			"aborted transactions push the labels of committed ones out of Doris's memory",
			one("projections/doris/pace.go", "if p.aborts == 0 {", "if p.aborts < 1000 {"),
			doris, "TestPause$",
		},
	}
}
