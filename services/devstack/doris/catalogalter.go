package doris

import (
	"context"
	"encoding/json"
	"fmt"
)

func quotaCounter(db int64) string { return fmt.Sprintf("transaction quota of database %d", db) }

// setQuota makes a database's transaction quota durable.
func (c *Catalog) setQuota(s *Schema, n int) error {
	if err := c.meta.setCounter(quotaCounter(s.ID), int64(n)); err != nil {
		return err
	}
	s.Quota = n
	return nil
}

func (c *Catalog) readQuotas(ctx context.Context) error {
	for _, s := range c.dbs {
		n, err := c.meta.counter(ctx, quotaCounter(s.ID))
		if err != nil {
			return err
		}
		s.Quota = int(n)
	}
	return nil
}

// replace puts another definition in a table's place. Whoever holds the old one goes on with it.
func (c *Catalog) replace(ctx context.Context, now *Table) error {
	if err := c.store(ctx, now); err != nil {
		return err
	}
	c.place(now)
	return nil
}

// swap gives two tables of a database each other's names, in one step.
func (c *Catalog) swap(ctx context.Context, a, b *Table) error {
	first, second := *a, *b
	first.Name, second.Name = b.Name, a.Name
	if err := c.store(ctx, &first, &second); err != nil {
		return err
	}
	c.place(&first)
	c.place(&second)
	return nil
}

// rename gives a table a name that is free.
func (c *Catalog) rename(ctx context.Context, t *Table, name string) error {
	next := *t
	next.Name = name
	if err := c.store(ctx, &next); err != nil {
		return err
	}
	delete(t.DB.Tables, t.Name)
	c.place(&next)
	return nil
}

func (c *Catalog) place(t *Table) { t.DB.Tables[t.Name], c.tables[t.ID] = t, t }

// store makes definitions durable, all or none.
func (c *Catalog) store(ctx context.Context, all ...*Table) error {
	tx, err := c.meta.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("alter table %s: %w", all[0].Name, err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	for _, t := range all {
		definition, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("alter table %s: %w", t.Name, err)
		}
		if _, err := tx.ExecContext(ctx, `UPDATE tables SET name = ?, definition = ? WHERE id = ?`, t.Name, string(definition), t.ID); err != nil {
			return fmt.Errorf("alter table %s: %w", t.Name, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("alter table %s: %w", all[0].Name, err)
	}
	return nil
}
