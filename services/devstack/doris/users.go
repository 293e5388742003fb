package doris

import (
	"context"
	"crypto/sha1" //nolint:gosec // mysql_native_password is made of it
	"crypto/subtle"
	"fmt"
	"sync"
)

// accounts are the users beside root and Config.User, and what they may do. Of a password only what MySQL's protocol
// needs is kept: the hash of its hash, as a front end keeps it.
type accounts struct {
	meta *metaStore

	mu     sync.RWMutex
	hashes map[string][]byte // nil = no password
	grants map[string]map[scope]privilege
	own    string // Config.User: may do everything, and is in no file
}

const rootUser = "root" // without a password, and may do everything

func openAccounts(ctx context.Context, meta *metaStore, cfg Config) (*accounts, error) {
	a := &accounts{meta: meta, hashes: map[string][]byte{}, grants: map[string]map[scope]privilege{}, own: cfg.User}
	err := execAll(ctx, meta.db,
		`CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash BLOB)`,
		`CREATE TABLE IF NOT EXISTS grants (user TEXT, db TEXT, tbl TEXT, privileges INTEGER, PRIMARY KEY (user, db, tbl))`)
	if err != nil {
		return nil, err
	}
	users, err := meta.db.QueryContext(ctx, `SELECT name, hash FROM users`)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	defer users.Close()
	for users.Next() {
		var name string
		var hash []byte
		if err := users.Scan(&name, &hash); err != nil {
			return nil, fmt.Errorf("read users: %w", err)
		}
		a.hashes[name], a.grants[name] = hash, map[scope]privilege{}
	}
	if err := users.Err(); err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	a.hashes[rootUser] = nil
	if cfg.User != "" {
		a.hashes[cfg.User] = hashed(cfg.Password)
	}
	return a, a.readGrants(ctx)
}

func (a *accounts) readGrants(ctx context.Context) error {
	rows, err := a.meta.db.QueryContext(ctx, `SELECT user, db, tbl, privileges FROM grants`)
	if err != nil {
		return fmt.Errorf("read grants: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var user string
		var on scope
		var p privilege
		if err := rows.Scan(&user, &on.db, &on.table, &p); err != nil {
			return fmt.Errorf("read grants: %w", err)
		}
		if a.grants[user] != nil {
			a.grants[user][on] = p
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read grants: %w", err)
	}
	return nil
}

// hashed is SHA1(SHA1(password)), nil for none.
func hashed(password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password)) //nolint:gosec // as the protocol has it
	twice := sha1.Sum(once[:])         //nolint:gosec // as the protocol has it
	return twice[:]
}

// knows says whether a user exists and this is the password.
func (a *accounts) knows(user, password string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	hash, ok := a.hashes[user]
	return ok && subtle.ConstantTimeCompare(hash, hashed(password)) == 1
}

// scrambled says whether a user exists and auth was made of the password and the salt, as mysql_native_password does:
// auth is SHA1(password) XOR SHA1(salt, hash).
func (a *accounts) scrambled(user string, salt, auth []byte) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	hash, ok := a.hashes[user]
	if !ok || len(hash) == 0 || len(auth) != sha1.Size {
		return ok && len(hash) == 0 && len(auth) == 0
	}
	mask := sha1.Sum(append(append([]byte{}, salt...), hash...)) //nolint:gosec // as the protocol has it
	once := make([]byte, sha1.Size)
	subtle.XORBytes(once, auth, mask[:])
	twice := sha1.Sum(once) //nolint:gosec // as the protocol has it
	return subtle.ConstantTimeCompare(twice[:], hash) == 1
}

// create makes a user who may do nothing.
func (a *accounts) create(ctx context.Context, name, password string, quiet bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.hashes[name]; ok || name == "" {
		if ok && quiet {
			return nil
		}
		return refuse("User '%s'@'%%' already exist", name)
	}
	hash := hashed(password)
	if _, err := a.meta.db.ExecContext(ctx, `INSERT INTO users VALUES (?,?)`, name, hash); err != nil {
		return fmt.Errorf("create user %s: %w", name, err)
	}
	a.hashes[name], a.grants[name] = hash, map[scope]privilege{}
	return nil
}

// drop forgets a user and what it may do. Dying between the two leaves grants of nobody, which a user of that name
// must not inherit: they go first.
func (a *accounts) drop(ctx context.Context, name string, quiet bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.mine(name); err != nil {
		if quiet && a.grants[name] == nil && !a.builtIn(name) {
			return nil
		}
		return err
	}
	for _, sql := range []string{`DELETE FROM grants WHERE user = ?`, `DELETE FROM users WHERE name = ?`} {
		if _, err := a.meta.db.ExecContext(ctx, sql, name); err != nil {
			return fmt.Errorf("drop user %s: %w", name, err)
		}
	}
	delete(a.hashes, name)
	delete(a.grants, name)
	return nil
}

func (a *accounts) builtIn(name string) bool { return name == rootUser || name == a.own }

// mine refuses users that are not there, and those that statements do not reach.
func (a *accounts) mine(name string) error {
	switch {
	case a.builtIn(name):
		return refuse("stand-in does not support changes of user '%s'", name)
	case a.grants[name] == nil:
		return refuse("user '%s'@'%%' does not exist", name)
	}
	return nil
}

// grant adds privileges of a user on a scope; revoke takes them away.
func (a *accounts) grant(ctx context.Context, name string, on scope, p privilege) error {
	return a.change(ctx, name, on, func(have privilege) privilege { return have | p })
}

func (a *accounts) revoke(ctx context.Context, name string, on scope, p privilege) error {
	return a.change(ctx, name, on, func(have privilege) privilege { return have &^ p })
}

func (a *accounts) change(ctx context.Context, name string, on scope, to func(privilege) privilege) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.mine(name); err != nil {
		return err
	}
	p := to(a.grants[name][on])
	_, err := a.meta.db.ExecContext(ctx, `INSERT OR REPLACE INTO grants VALUES (?,?,?,?)`, name, on.db, on.table, p)
	if err != nil {
		return fmt.Errorf("change what user %s may do in %s: %w", name, on, err)
	}
	a.grants[name][on] = p
	return nil
}
