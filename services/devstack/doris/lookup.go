package doris

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Get finds a transaction of a database by id.
func (e *Engine) Get(db, id int64) (Txn, bool) {
	e.sweep()
	t, ok := e.txns[id]
	if !ok || t.DB != db {
		return Txn{}, false
	}
	return *t, true
}

// Newest is the transaction with the highest id under a label.
func (e *Engine) Newest(db int64, label string) (Txn, bool) {
	e.sweep()
	all := e.labels[labelKey{db, label}]
	if len(all) == 0 {
		return Txn{}, false
	}
	return *all[len(all)-1], true
}

// LabelLike lists all transactions whose label matches, newest first. As in Doris `%` becomes `.*` and the rest is a
// regular expression over the whole label: `_` is a letter like any other.
func (e *Engine) LabelLike(db int64, pattern string) ([]Txn, error) {
	e.sweep()
	re, err := regexp.Compile("^(?:" + strings.ReplaceAll(pattern, "%", ".*") + ")$")
	if err != nil {
		return nil, refuse("label pattern %s: %v", pattern, err)
	}
	var found []Txn
	for k, all := range e.labels {
		if k.db != db || !re.MatchString(k.label) {
			continue
		}
		for _, t := range all {
			found = append(found, *t)
		}
	}
	slices.SortFunc(found, func(a, b Txn) int { return cmp.Compare(b.ID, a.ID) })
	return found, nil
}
