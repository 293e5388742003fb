package doris

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Model is a table's key model.
type Model string

// The models that the stand-in has.
const (
	Unique    Model = "UNIQUE KEY"
	Duplicate Model = "DUPLICATE KEY"
)

// Column is one column of a table.
type Column struct {
	Name    string  `json:"name"`
	Type    Type    `json:"type"`
	NotNull bool    `json:"not_null"`
	Default *string `json:"default,omitempty"` // nil = none
	Comment string  `json:"comment,omitempty"`
	Key     bool    `json:"key"`
}

// Table is a Doris table. It is never changed once made: TRUNCATE and ALTER put another in its place, under its id.
type Table struct {
	ID      int64    `json:"-"`
	DB      *Schema  `json:"-"`
	Name    string   `json:"name"`
	Model   Model    `json:"model"`
	Columns []Column `json:"columns"`
	Random  bool     `json:"random,omitempty"` // DISTRIBUTED BY RANDOM
	Comment string   `json:"comment,omitempty"`
	// Placement is what the CREATE TABLE said after the key: distribution and properties.
	Placement string `json:"placement,omitempty"`
	// Epoch counts the TRUNCATEs: rows that were loaded before one belong to partitions that are gone.
	Epoch int `json:"epoch,omitempty"`
}

// rowsName is the table in the row store; ids are never reused, so rows of a dropped table cannot come back.
func (t *Table) rowsName() string {
	if t.Epoch == 0 {
		return fmt.Sprintf("t%d", t.ID)
	}
	return fmt.Sprintf("t%d_%d", t.ID, t.Epoch)
}

// column finds a column by name; Doris' column names ignore case.
func (t *Table) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}

// Schema is a database.
type Schema struct {
	ID     int64
	Name   string
	Tables map[string]*Table
	// Quota is how many transactions may be under way in it: the configured number when it was made, until
	// ALTER DATABASE says otherwise (doris-wire.md §11.1, 3).
	Quota int
}

// Catalog is the set of databases and tables. The server's lock guards it.
type Catalog struct {
	meta   *metaStore
	dbs    map[string]*Schema
	tables map[int64]*Table
	lastID int64
}

func openCatalog(ctx context.Context, meta *metaStore) (*Catalog, error) {
	c := &Catalog{meta: meta, dbs: map[string]*Schema{}, tables: map[int64]*Table{}}
	var err error
	if c.lastID, err = meta.counter(ctx, "catalog"); err != nil {
		return nil, err
	}
	byID := map[int64]*Schema{}
	rows, err := meta.db.QueryContext(ctx, `SELECT id, name, 0, '' FROM databases UNION ALL SELECT id, name, db, definition FROM tables`)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, db int64
		var name, definition string
		if err := rows.Scan(&id, &name, &db, &definition); err != nil {
			return nil, fmt.Errorf("read catalog: %w", err)
		}
		if db == 0 {
			s := &Schema{ID: id, Name: name, Tables: map[string]*Table{}}
			c.dbs[name], byID[id] = s, s
			continue
		}
		t := &Table{ID: id, DB: byID[db]}
		if err := json.Unmarshal([]byte(definition), t); err != nil {
			return nil, fmt.Errorf("read table %s: %w", name, err)
		}
		t.DB.Tables[t.Name], c.tables[id] = t, t
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return c, c.readQuotas(ctx)
}

// takeID makes the id durable as used before anything is named by it.
func (c *Catalog) takeID() (int64, error) {
	if err := c.meta.setCounter("catalog", c.lastID+1); err != nil {
		return 0, err
	}
	c.lastID++
	return c.lastID, nil
}

func (c *Catalog) createDatabase(ctx context.Context, name string, quota int) error {
	id, err := c.takeID() //nolint:contextcheck // an id is used up whatever becomes of the statement
	if err != nil {
		return err
	}
	if _, err := c.meta.db.ExecContext(ctx, `INSERT INTO databases VALUES (?,?)`, id, name); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	c.dbs[name] = &Schema{ID: id, Name: name, Tables: map[string]*Table{}}
	return c.setQuota(c.dbs[name], quota) //nolint:contextcheck // as takeID
}

func (c *Catalog) dropDatabase(ctx context.Context, s *Schema) error {
	for _, t := range s.Tables {
		if err := c.dropTable(ctx, t); err != nil {
			return err
		}
	}
	if _, err := c.meta.db.ExecContext(ctx, `DELETE FROM databases WHERE id = ?`, s.ID); err != nil {
		return fmt.Errorf("drop database %s: %w", s.Name, err)
	}
	delete(c.dbs, s.Name)
	return nil
}

// add makes a table known whose rows have a place already: a crash between the two leaves an unused sqlite table.
func (c *Catalog) add(ctx context.Context, t *Table) error {
	definition, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("create table %s: %w", t.Name, err)
	}
	_, err = c.meta.db.ExecContext(ctx, `INSERT INTO tables VALUES (?,?,?,?)`, t.ID, t.DB.ID, t.Name, string(definition))
	if err != nil {
		return fmt.Errorf("create table %s: %w", t.Name, err)
	}
	t.DB.Tables[t.Name], c.tables[t.ID] = t, t
	return nil
}

func (c *Catalog) dropTable(ctx context.Context, t *Table) error {
	if _, err := c.meta.db.ExecContext(ctx, `DELETE FROM tables WHERE id = ?`, t.ID); err != nil {
		return fmt.Errorf("drop table %s: %w", t.Name, err)
	}
	delete(t.DB.Tables, t.Name)
	delete(c.tables, t.ID)
	return nil
}

func (c *Catalog) databases() []*Schema {
	all := make([]*Schema, 0, len(c.dbs))
	for _, s := range c.dbs {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Schema) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (s *Schema) tables() []*Table {
	all := make([]*Table, 0, len(s.Tables))
	for _, t := range s.Tables {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *Table) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// table finds a table for a load; the refusal says which of the two is missing.
func (c *Catalog) table(db, name string) (*Table, error) {
	s, ok := c.dbs[db]
	if !ok {
		return nil, refuseMissing(codeNotFound, "unknown database, database=%s", db)
	}
	t, ok := s.Tables[name]
	if !ok {
		return nil, refuseMissing(codeNotFound, "table not found, tableName=%s", name)
	}
	return t, nil
}
