package doris

import (
	"maps"
	"slices"
	"strings"
)

// showGrants answers SHOW GRANTS, of the session's user or of another, and SHOW ALL GRANTS. Privileges that the stand-in
// does not have are NULL.
func (c *session) showGrants(p *parser, all bool) (*relation, error) {
	names := []string{c.user}
	if p.accept("FOR") {
		name, err := p.userName()
		if err != nil {
			return nil, err
		}
		if all {
			return nil, refuse("Can not specified keyword ALL when specified user")
		}
		names = []string{name}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	a := c.s.accounts
	if (all || names[0] != c.user) && !a.mayAdminister(c.user) {
		return nil, specificRefusal("Access denied; you need (at least one of) the (GRANT) privilege(s) for this operation")
	}
	r := newRelation("UserIdentity", "Comment", "Password", "Roles", "GlobalPrivs", "CatalogPrivs", "DatabasePrivs",
		"TablePrivs", "ColPrivs", "ResourcePrivs", "CloudClusterPrivs", "CloudStagePrivs", "StorageVaultPrivs", "WorkloadGroupPrivs")
	a.mu.RLock()
	defer a.mu.RUnlock()
	if all {
		names = slices.Sorted(maps.Keys(a.hashes))
	}
	for _, name := range names {
		hash, ok := a.hashes[name]
		if !ok {
			return nil, refuse("User: '%s'@'%%' does not exist", name)
		}
		global, databases, tables := a.listed(name)
		r.add("'"+name+"'@'%'", "", title(len(hash) > 0), "", global, nil, databases, tables, nil, nil, nil, nil, nil, nil)
	}
	return r, nil
}

// listed are a user's privileges by level; nil = none. The caller holds the lock.
func (a *accounts) listed(name string) (global, databases, tables any) {
	if a.builtIn(name) {
		return privAdmin.String(), nil, nil
	}
	var levels [3][]string
	for _, on := range slices.SortedFunc(maps.Keys(a.grants[name]), func(x, y scope) int { return strings.Compare(x.String(), y.String()) }) {
		p := a.grants[name][on]
		switch {
		case p == 0:
		case on.db == anything:
			levels[0] = append(levels[0], p.String())
		case on.table == anything:
			levels[1] = append(levels[1], "internal."+on.db+": "+p.String())
		default:
			levels[2] = append(levels[2], "internal."+on.String()+": "+p.String())
		}
	}
	var out [3]any
	for i, l := range levels {
		if len(l) > 0 {
			out[i] = strings.Join(l, "; ")
		}
	}
	return out[0], out[1], out[2]
}

// String lists the privileges as SHOW GRANTS does.
func (p privilege) String() string {
	var all []string
	for name, one := range privileges() {
		if one&(one-1) == 0 && p&one != 0 {
			all = append(all, name[:1]+strings.ToLower(name[1:]))
		}
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}
