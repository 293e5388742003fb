package doris

import (
	"strings"
)

// manageUsers answers CREATE USER, DROP USER, GRANT and REVOKE.
func (c *session) manageUsers(p *parser) error {
	a := c.s.accounts
	if !a.mayAdminister(c.user) {
		return specificRefusal("Access denied; you need (at least one of) the (GRANT) privilege(s) for this operation")
	}
	switch {
	case p.accept("CREATE", "USER"):
		quiet := p.accept("IF", "NOT", "EXISTS")
		name, err := p.userName()
		if err != nil {
			return err
		}
		password := ""
		if p.accept("IDENTIFIED", "BY") {
			if password, err = p.text(); err != nil {
				return err
			}
		}
		if err := p.end(); err != nil {
			return err
		}
		return a.create(c.ctx, name, password, quiet)
	case p.accept("DROP", "USER"):
		quiet := p.accept("IF", "EXISTS")
		name, err := p.userName()
		if err == nil {
			err = p.end()
		}
		if err != nil {
			return err
		}
		return a.drop(c.ctx, name, quiet)
	case p.accept("GRANT"):
		what, on, name, err := p.grantTail("TO")
		if err != nil {
			return err
		}
		return a.grant(c.ctx, name, on, what)
	case p.accept("REVOKE"):
		what, on, name, err := p.grantTail("FROM")
		if err != nil {
			return err
		}
		return a.revoke(c.ctx, name, on, what)
	default:
		return p.unsupported()
	}
}

// userName reads name or 'name'@'%': here users come from anywhere.
func (p *parser) userName() (string, error) {
	name, err := p.word()
	if err != nil || !p.accept("@") {
		return name, err
	}
	host, err := p.word()
	if err == nil && host != "%" {
		err = refuse("stand-in does not support users of one host: %s", host)
	}
	return name, err
}

// word reads a name, in quotes or not.
func (p *parser) word() (string, error) {
	if p.peek().kind == lexString {
		return p.text()
	}
	return p.name()
}

// grantTail reads SELECT_PRIV, LOAD_PRIV ON db.table, and whose they are to be or were.
func (p *parser) grantTail(whose string) (what privilege, on scope, name string, err error) {
	for {
		l := p.next()
		known, ok := privileges()[strings.ToUpper(l.text)]
		if !ok || l.kind != lexWord {
			return 0, on, "", refuse("Unknown privilege type %s", l.text)
		}
		what |= known
		if !p.accept(",") {
			break
		}
	}
	if err = p.expect("ON"); err != nil {
		return 0, on, "", err
	}
	if on, err = p.scope(); err != nil {
		return 0, on, "", err
	}
	if err = p.expect(whose); err != nil {
		return 0, on, "", err
	}
	if name, err = p.userName(); err == nil {
		err = p.end()
	}
	if what&privAdmin != 0 && on.db != anything {
		err = refuse("ADMIN_PRIV privilege can only be granted/revoked on/from *.*.*")
	}
	return what, on, name, err
}

// scope reads *.*.*, *.*, db.*, db.table, or the latter two with the catalog's name, internal, before them.
func (p *parser) scope() (scope, error) {
	var parts []string
	for {
		part := anything
		if !p.accept(anything) {
			var err error
			if part, err = p.name(); err != nil {
				return scope{}, err
			}
		}
		parts = append(parts, part)
		if !p.accept(".") {
			break
		}
	}
	if len(parts) == 3 && (parts[0] == "internal" || parts[0] == anything && parts[1] == anything) {
		parts = parts[1:]
	}
	if len(parts) != 2 || parts[0] == anything && parts[1] != anything {
		return scope{}, p.unsupported()
	}
	return scope{parts[0], parts[1]}, nil
}
