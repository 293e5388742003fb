package doris

import (
	"slices"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// useRefusal is why a login may not have a database, nil when it may; the server's lock must be held.
func (s *Server) useRefusal(user, db string) *mysql.MyError {
	if unknown := s.unknownDatabase(db); unknown != nil {
		return unknown
	}
	if err := s.mayUse(user, db); err != nil {
		return mysql.NewError(mysql.ER_DBACCESS_DENIED_ERROR, err.Error())
	}
	return nil
}

// mayUse is the answer to USE of a database that is there; at a login it has another number (doris-wire.md §11.6).
func (s *Server) mayUse(user, db string) error {
	if strings.EqualFold(db, infoSchema) || s.accounts.mayEnter(user, db) {
		return nil
	}
	return refuse("Access denied for user '%s' to database '%s'", user, db)
}

// mayFinish is the answer to a back end that asks in a user's name to commit or abort: LOAD on the transaction's table.
// What is not there is refused by whoever looks for it. The server's lock must be held.
func (s *Server) mayFinish(user string, db *Schema, id int64, label string) error {
	txn, ok := s.engine.Get(db.ID, id)
	if id == 0 {
		txn, ok = s.engine.Newest(db.ID, label)
	}
	table := s.catalog.tables[txn.Table]
	if !ok || table == nil {
		return nil
	}
	return s.accounts.mayBegin(user, db.Name, table.Name)
}

// visible are the tables of a database that are listed for the session's user.
func (c *session) visible(s *Schema) []*Table {
	return slices.DeleteFunc(s.tables(), func(t *Table) bool { return !c.s.accounts.may(c.user, ^privilege(0), s.Name, t.Name) })
}
