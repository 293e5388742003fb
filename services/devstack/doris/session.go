package doris

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/server"
)

// session is one SQL connection. Its methods are called by that connection's goroutine only.
type session struct {
	ctx  context.Context //nolint:containedctx // go-mysql's Handler has no contexts; this one ends with the server
	s    *frontEnd
	conn *server.Conn
	db   string
	user string
	id   uint32 // of the connection
	vars map[string]string
}

func newSession(ctx context.Context, s *frontEnd) *session {
	return &session{ctx: ctx, s: s, vars: variables(s.cfg.TimeZone)}
}

// variables are the system variables that a client may read and set. Those that would change what a SELECT means are
// fixed (see set).
func variables(zone string) map[string]string {
	return map[string]string{
		"version": mysqlVersion, "version_comment": Banner, "time_zone": zone, "system_time_zone": zone,
		"autocommit": "1", "auto_increment_increment": "1", "max_allowed_packet": "16777216", "sql_mode": "",
		"query_timeout": "900", "insert_timeout": "14400", "wait_timeout": "28800", "interactive_timeout": "3600",
		"net_write_timeout": "600", "net_read_timeout": "600", "net_buffer_length": "16384", "exec_mem_limit": "2147483648",
		"tx_isolation": "REPEATABLE-READ", "transaction_isolation": "REPEATABLE-READ",
		"tx_read_only": "0", "transaction_read_only": "0", "license": "Apache License, Version 2.0", "init_connect": "",
		"character_set_client": "utf8mb4", "character_set_connection": "utf8mb4", "character_set_results": "utf8mb4",
		"character_set_server": "utf8mb4", "collation_connection": "utf8mb4_0900_bin", "collation_server": "utf8mb4_0900_bin",
		"lower_case_table_names": "0", "performance_schema": "0", "query_cache_size": "1048576", "query_cache_type": "0",
		"sql_select_limit": "9223372036854775807", "parallel_pipeline_task_num": "0", "enable_nereids_planner": "1",
		"enable_strong_consistency_read": "0", "enable_sql_cache": "0", "enable_query_cache": "0",
		"enable_partition_cache": "0", "use_fix_replica": "-1", "skip_missing_version": "0", "skip_bad_tablet": "0",
		"skip_delete_predicate": "0", "skip_delete_sign": "0", "skip_delete_bitmap": "0", "skip_storage_engine_merge": "0",
		"show_hidden_columns": "0", "forward_to_master": "1", "enable_unicode_name_support": "1",
	}
}

// UseDB is USE, and COM_INIT_DB.
func (c *session) UseDB(name string) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if unknown := c.s.unknownDatabase(name); unknown != nil {
		return unknown
	}
	if err := c.s.mayUse(c.user, name); err != nil {
		return sqlError(err)
	}
	c.db = name
	return nil
}

// unknownDatabase is the refusal of a database that is not there, nil for one that is; the lock must be held.
func (s *Server) unknownDatabase(name string) *mysql.MyError {
	if _, ok := s.catalog.dbs[name]; ok || strings.EqualFold(name, infoSchema) {
		return nil
	}
	return mysql.NewError(mysql.ER_BAD_DB_ERROR, refuse("Unknown database '%s'", name).Error())
}

// HandleQuery is COM_QUERY. Several statements in one are answered one after the other, up to the first that fails:
// a front end does that although its greeting does not offer it (doris-wire.md §11.1, 15).
func (c *session) HandleQuery(sql string) (*mysql.Result, error) {
	c.s.dawdle(c.ctx)
	all, err := statements(strings.Clone(sql)) // go-mysql reuses the packet's bytes
	if err != nil {
		return nil, sqlError(err)
	}
	for _, one := range all[:len(all)-1] {
		if err := c.runBefore(one); err != nil {
			return nil, sqlError(err)
		}
	}
	r, err := c.run(all[len(all)-1])
	return r, sqlError(err)
}

// runBefore answers a statement that is not the last one of its query.
func (c *session) runBefore(sql string) error {
	c.conn.SetStatus(mysql.SERVER_MORE_RESULTS_EXISTS)
	defer c.conn.UnsetStatus(mysql.SERVER_MORE_RESULTS_EXISTS)
	r, err := c.run(sql)
	if err != nil {
		return err
	}
	return c.conn.WriteValue(r)
}

// sqlError gives every error the number and state of a front end's errors: 1105/HY000, unless it has its own.
func sqlError(err error) error {
	var own *mysql.MyError
	var refused *Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.As(err, &refused):
		return &mysql.MyError{Code: mysql.ER_UNKNOWN_ERROR, State: mysql.DEFAULT_MYSQL_STATE, Message: refused.Error()}
	default:
		text := refuse("%s", err.Error()).Error()
		return &mysql.MyError{Code: mysql.ER_UNKNOWN_ERROR, State: mysql.DEFAULT_MYSQL_STATE, Message: text}
	}
}

func unsupportedCommand(name string) error {
	return &mysql.MyError{Code: mysql.ER_UNKNOWN_COM_ERROR, State: "08S01", Message: "Unsupported command(" + name + ")"}
}

// HandleFieldList is COM_FIELD_LIST.
func (c *session) HandleFieldList(string, string) ([]*mysql.Field, error) {
	return nil, unsupportedCommand("COM_FIELD_LIST")
}

// HandleStmtPrepare is COM_STMT_PREPARE: older front ends refuse it too, and newer ones only half know it, so clients
// interpolate parameters themselves.
func (c *session) HandleStmtPrepare(string) (int, int, any, error) {
	return 0, 0, nil, unsupportedCommand("COM_STMT_PREPARE")
}

// HandleStmtExecute is never reached: nothing was prepared.
func (c *session) HandleStmtExecute(any, string, []any) (*mysql.Result, error) {
	return nil, unsupportedCommand("COM_STMT_EXECUTE")
}

// HandleStmtClose is never reached: nothing was prepared.
func (c *session) HandleStmtClose(any) error { return nil }

// HandleOtherCommand is every other command.
func (c *session) HandleOtherCommand(cmd byte, _ []byte) error {
	names := map[byte]string{
		mysql.COM_RESET_CONNECTION: "COM_RESET_CONNECTION", mysql.COM_CHANGE_USER: "COM_CHANGE_USER",
		mysql.COM_STATISTICS: "COM_STATISTICS", mysql.COM_PROCESS_INFO: "COM_PROCESS_INFO", mysql.COM_REFRESH: "COM_REFRESH",
		mysql.COM_SET_OPTION: "COM_SET_OPTION", mysql.COM_DEBUG: "COM_DEBUG",
	}
	if name, ok := names[cmd]; ok {
		return unsupportedCommand(name)
	}
	return unsupportedCommand(fmt.Sprintf("%d", cmd))
}

// set is SET: k = v, NAMES, and TRANSACTION, which means nothing here.
func (c *session) set(p *parser) error {
	switch {
	case p.accept("NAMES"):
		p.next()
		if p.accept("COLLATE") {
			p.next()
		}
		return p.end()
	case p.is("TRANSACTION"), p.is("SESSION", "TRANSACTION"):
		return nil
	}
	next := maps.Clone(c.vars)
	for {
		_ = p.accept("SESSION") || p.accept("GLOBAL") || p.accept("LOCAL")
		l := p.next()
		name := strings.ToLower(l.text)
		if err := p.expect("="); err != nil {
			return err
		}
		value, err := c.setValue(p)
		if err != nil {
			return err
		}
		if err := checkSet(next, name, value); err != nil {
			return err
		}
		next[name] = value
		if !p.accept(",") {
			break
		}
	}
	c.vars = next
	return p.end()
}

func (c *session) setValue(p *parser) (string, error) {
	l := p.next()
	switch v := strings.ToLower(l.text); {
	case l.kind == lexVar:
		have, ok := c.vars[l.text]
		if !ok {
			return "", refuse("Unknown system variable '%s'", l.text)
		}
		return have, nil
	case l.kind == lexString, l.kind == lexNumber:
		return l.text, nil
	case l.text == "-" && p.peek().kind == lexNumber:
		return "-" + p.next().text, nil
	case l.kind == lexWord && (v == "true" || v == "on"):
		return "1", nil
	case l.kind == lexWord && (v == "false" || v == "off"):
		return "0", nil
	case l.kind == lexWord || l.kind == lexName:
		return l.text, nil
	}
	p.at--
	return "", p.unsupported()
}

func checkSet(vars map[string]string, name, value string) error {
	if _, ok := vars[name]; !ok {
		return refuse("Unknown system variable '%s'", name)
	}
	switch name {
	case "version", "version_comment", "system_time_zone", "license", "lower_case_table_names":
		return refuse("Variable '%s' is a read only variable", name)
	case "time_zone":
		if _, err := zone(value); err != nil {
			return refuse("%s", err.Error())
		}
	case "skip_missing_version", "skip_bad_tablet", "skip_delete_predicate", "skip_delete_sign", "skip_delete_bitmap",
		"skip_storage_engine_merge", "show_hidden_columns":
		if value != "0" && !strings.EqualFold(value, "false") {
			return refuse("stand-in does not support %s = %s", name, value)
		}
	}
	return nil
}

// function is a function of the session: one without arguments.
func (c *session) function(name string) (string, bool) {
	switch name {
	case "database", "schema":
		return c.db, true
	case "version":
		return mysqlVersion, true
	case "user", "current_user", "session_user":
		return "'" + c.user + "'@'%'", true
	case "connection_id":
		return fmt.Sprint(c.id), true
	case "now", "current_timestamp":
		return c.s.cfg.Now().In(c.location()).Format(time.DateTime), true
	default:
		return "", false
	}
}

func (c *session) location() *time.Location {
	if loc, err := zone(c.vars["time_zone"]); err == nil {
		return loc
	}
	return c.s.zone
}

func (c *session) variable(name string) (string, bool) {
	v, ok := c.vars[name]
	return v, ok
}
