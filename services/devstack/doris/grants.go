package doris

import (
	"fmt"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// privilege is a set of what a user may do.
type privilege uint8

const (
	privSelect privilege = 1 << iota
	privLoad
	privAlter
	privCreate
	privDrop
	privAdmin // everything, when it is granted everywhere
)

// privileges are their names in statements.
func privileges() map[string]privilege {
	return map[string]privilege{
		"SELECT_PRIV": privSelect, "LOAD_PRIV": privLoad, "ALTER_PRIV": privAlter, "CREATE_PRIV": privCreate,
		"DROP_PRIV": privDrop, "ADMIN_PRIV": privAdmin, "ALL": privSelect | privLoad | privAlter | privCreate | privDrop,
	}
}

// scope is where privileges hold: everywhere, in a database, or for a table.
type scope struct{ db, table string }

const anything = "*"

func (s scope) String() string { return s.db + "." + s.table }

// may says whether a user has a privilege on a table; on the whole database when table is anything.
func (a *accounts) may(user string, want privilege, db, table string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.builtIn(user) {
		return true
	}
	granted := a.grants[user]
	everywhere := granted[scope{anything, anything}]
	return (everywhere|granted[scope{db, anything}]|granted[scope{db, table}])&want != 0 || everywhere&privAdmin != 0
}

// mayEnter says whether a user has any privilege in a database: then it may be chosen.
func (a *accounts) mayEnter(user, db string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.builtIn(user) {
		return true
	}
	for on, p := range a.grants[user] {
		if p != 0 && (on.db == db || on.db == anything) {
			return true
		}
	}
	return false
}

// mayAdminister says whether a user may make users and give them privileges.
func (a *accounts) mayAdminister(user string) bool { return a.may(user, privAdmin, anything, anything) }

// loadRefused is what a front end says over HTTP to a user who may not load into a table (doris-wire.md §11.1, 21).
const loadRefused = "Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"

// readRefused is the same for one who may not read it.
const readRefused = "Access denied; you need (at least one of) the Admin_priv,Select_priv privilege(s) for this operation"

// mayBegin is the answer to a back end that asks in a user's name to load into a table (doris-wire.md §11.2).
func (a *accounts) mayBegin(user, db, table string) error {
	if a.may(user, privLoad, db, table) {
		return nil
	}
	return refuse("Access denied; you need (at least one of) the (priv predicate: OR, Admin_priv,Load_priv) privilege(s) for this operation")
}

// mayWatch is the answer to SHOW TRANSACTION and CLEAN LABEL: LOAD on one table is not enough (doris-wire.md §11.1, 19).
func (a *accounts) mayWatch(user, db string) error {
	if a.may(user, privLoad, db, anything) {
		return nil
	}
	return refuse("Access denied; you need (at least one of) the (Admin_priv,Load_priv) privilege(s) on database %s for this operation", db)
}

// mayRead is the answer to a SELECT.
func (a *accounts) mayRead(user, db, table string) error {
	if a.may(user, privSelect, db, table) {
		return nil
	}
	return refuse("Permission denied: user ['%s'@'%%'] does not have privilege for [priv predicate: OR, Admin_priv,Select_priv] command on [internal].[%s].[%s]", user, db, table)
}

// specificRefusal is error 1227, which Doris has for most privileges.
func specificRefusal(text string) *mysql.MyError {
	return &mysql.MyError{Code: mysql.ER_SPECIFIC_ACCESS_DENIED_ERROR, State: "42000", Message: "errCode = 2, detailMessage = " + text}
}

// mayChange is the answer to a statement that changes a table (fe: ErrorCode.ERR_TABLEACCESS_DENIED_ERROR).
func (a *accounts) mayChange(user, command string, want privilege, db, table string) error {
	if a.may(user, want, db, table) {
		return nil
	}
	return &mysql.MyError{
		Code: mysql.ER_TABLEACCESS_DENIED_ERROR, State: "42000",
		Message: fmt.Sprintf("errCode = 2, detailMessage = %s command denied to user '%s'@'127.0.0.1' for table '%s: %s'", command, user, db, table),
	}
}
