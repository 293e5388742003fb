package doctor

// judge says what the facts mean. It is pure.
func judge(f *facts) []Check {
	journal := system{name: "journal"}
	f.judgeJournal(&journal)
	if f.journal.dirErr == nil { // else nothing in it can be said, and that is said
		f.signing.judge(&journal)
	}
	checks := journal.checks
	if f.archive != nil {
		segments := system{name: "archive"}
		f.archive.judge(&segments)
		checks = append(checks, segments.checks...)
	}
	for i := range f.pipelines {
		p := &f.pipelines[i]
		if p.config.ReadHub == nil {
			hub := system{name: hubName(p.config)}
			p.judgeHub(&hub, f)
			checks = append(checks, hub.checks...)
		}
		for j := range p.sources {
			source := system{name: sourceName(p.config, &p.sources[j])}
			p.sources[j].judge(&source, f)
			checks = append(checks, source.checks...)
		}
		if p.doris != nil {
			table := system{name: dorisName(p.config)}
			p.doris.judge(&table, f.at)
			checks = append(checks, table.checks...)
		}
		if p.lineage != nil {
			index := system{name: lineageName(p.config)}
			p.lineage.judge(&index)
			checks = append(checks, index.checks...)
		}
	}
	host := system{name: "host"}
	f.host.judge(&host, f.at)
	return append(checks, host.checks...)
}
