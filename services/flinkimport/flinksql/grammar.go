package flinksql

import "strings"

// CreateTable is CREATE TABLE: its columns, options, and what it takes from another table.
type CreateTable struct {
	Pos         Pos
	Name        Path       `parser:"'CREATE' ( 'OR' 'REPLACE' )? 'TEMPORARY'? 'TABLE' ( 'IF' 'NOT' 'EXISTS' )? @@"`
	Elements    []*Element `parser:"( '(' ( @@ ( ',' @@ )* )? ')' )?"`
	Comment     *Text      `parser:"( 'COMMENT' @@ )?"`
	Distributed bool       `parser:"( @'DISTRIBUTED' ( 'BY' ( 'HASH' | 'RANGE' )? '(' ( Ident | Quoted ) ( ',' ( Ident | Quoted ) )* ')' )? ( 'INTO' Number 'BUCKETS' )? )?"`
	Partitioned []Name     `parser:"( 'PARTITIONED' 'BY' '(' @@ ( ',' @@ )* ')' )?"`
	Options     []*Option  `parser:"( 'WITH' '(' ( @@ ( ',' @@ )* )? ')' )?"`
	Like        *Like      `parser:"@@?"`
}

// Element is one line of a table's definition.
type Element struct {
	Pos       Pos
	Watermark *Watermark `parser:"@@"`
	Key       *Key       `parser:"| @@"`
	Column    *Column    `parser:"| @@"`
}

// Watermark is WATERMARK FOR column AS expression.
type Watermark struct {
	Pos    Pos
	Column Name  `parser:"'WATERMARK' 'FOR' @@"`
	As     *Expr `parser:"'AS' @@"`
}

// Key is a PRIMARY KEY of the table.
type Key struct {
	Pos     Pos
	Columns []Name `parser:"( 'CONSTRAINT' ( Ident | Quoted ) )? 'PRIMARY' 'KEY' '(' @@ ( ',' @@ )* ')' ( 'NOT' 'ENFORCED' )?"`
}

// Column is a physical column, a metadata column or a computed one.
type Column struct {
	Pos      Pos
	Name     Name      `parser:"@@"`
	As       *Expr     `parser:"( 'AS' @@"`
	Type     *Type     `parser:"| @@"`
	Metadata *Metadata `parser:"@@? )"`
	Key      bool      `parser:"( @'PRIMARY' 'KEY' ( 'NOT' 'ENFORCED' )? )?"`
	Comment  *Text     `parser:"( 'COMMENT' @@ )?"`
}

// Metadata is METADATA FROM 'key' VIRTUAL.
type Metadata struct {
	Pos     Pos
	Word    string `parser:"@'METADATA'"`
	From    *Text  `parser:"( 'FROM' @@ )?"`
	Virtual bool   `parser:"@'VIRTUAL'?"`
}

// Option is 'key' = 'value'.
type Option struct {
	Pos   Pos
	Key   Text `parser:"@@ '='"`
	Value Text `parser:"@@"`
}

// Like is what a table takes from another one.
type Like struct {
	Pos     Pos
	Table   Path          `parser:"'LIKE' @@"`
	Options []*LikeOption `parser:"( '(' @@ ( ',' )? ( @@ ( ',' )? )* ')' )?"`
}

// LikeOption is INCLUDING ALL, EXCLUDING OPTIONS, OVERWRITING METADATA and their like.
type LikeOption struct {
	Pos     Pos
	How     string `parser:"@( 'INCLUDING' | 'EXCLUDING' | 'OVERWRITING' )"`
	Feature string `parser:"@( 'ALL' | 'CONSTRAINTS' | 'DISTRIBUTION' | 'GENERATED' | 'METADATA' | 'OPTIONS' | 'PARTITIONS' | 'WATERMARKS' )"`
}

// Insert is INSERT INTO a table SELECT …, with any number of UNION ALL.
type Insert struct {
	Pos       Pos
	Overwrite bool      `parser:"'INSERT' ( 'INTO' | @'OVERWRITE' ) 'TABLE'?"`
	Into      TableRef  `parser:"@@"`
	Columns   []Name    `parser:"( '(' @@ ( ',' @@ )* ')' )?"`
	Branches  []*Branch `parser:"@@ ( 'UNION' 'ALL' @@ )*"`
}

// Branch is a SELECT, in brackets or not.
type Branch struct {
	Pos    Pos
	Select *Select `parser:"@@ | '(' @@ ')'"`
}

// Select is SELECT items FROM a table.
type Select struct {
	Pos   Pos
	Hints []*Hint  `parser:"'SELECT' @@*"`
	Items []*Item  `parser:"'ALL'? @@ ( ',' @@ )*"`
	From  TableRef `parser:"'FROM' @@"`
	Alias *Name    `parser:"( 'AS'? @@ )?"`
	Where *Expr    `parser:"( 'WHERE' @@ )?"`
}

// Item is one of the values that a SELECT gives.
type Item struct {
	Pos   Pos
	Star  bool  `parser:"( @'*'"`
	Expr  *Expr `parser:"| @@ )"`
	Alias *Name `parser:"( 'AS'? @@ )?"`
}

// TableRef is a table with the hints of this place.
type TableRef struct {
	Pos   Pos
	Name  Path    `parser:"@@"`
	Hints []*Hint `parser:"@@*"`
}

// Hint is a comment that begins with a plus: OPTIONS overrides a table's options.
type Hint struct {
	Pos   Pos
	Hints []*HintCall `parser:"HintStart @@ ( ','? @@ )* HintEnd"`
}

// HintCall is one hint.
type HintCall struct {
	Pos     Pos
	Name    Name      `parser:"@@"`
	Options []*Option `parser:"( '(' ( @@ ( ',' @@ )*"`
	Words   []string  `parser:"| @( Ident | Number | String ) ( ',' @( Ident | Number | String ) )* )? ')' )?"`
}

// Set is SET 'key' = 'value'; the client of old wanted no quotes. Without a key it shows the settings.
type Set struct {
	Pos   Pos
	Key   *SetText `parser:"'SET' ( @@"`
	Value *SetText `parser:"( '=' @@ )? )?"`
}

// SetText is a text in quotes, or words and signs up to the end of the statement.
type SetText struct {
	Pos    Pos
	Quoted *Text    `parser:"@@"`
	Bare   []string `parser:"| @( Ident | Keyword | Number ) @( Ident | Keyword | Number | '.' | '-' | '/' | ':' | '_' | '+' )*"`
}

// String is the text.
func (s *SetText) String() string {
	if s == nil {
		return ""
	}
	if s.Quoted != nil {
		return s.Quoted.String()
	}
	return strings.Join(s.Bare, "")
}

// marker is a bracket of a statement set.
type marker struct {
	Word string `parser:"@( 'EXECUTE' 'STATEMENT' 'SET' 'BEGIN' | 'BEGIN' 'STATEMENT' 'SET' | 'END' )"`
}

// Path is a table's name, with catalog and database where they are said.
type Path struct {
	Pos   Pos
	Parts []Name `parser:"@@ ( '.' @@ )*"`
}

// Last is the name of the table alone.
func (p Path) Last() string { return p.Parts[len(p.Parts)-1].String() }

// String is all of it.
func (p Path) String() string {
	var parts []string
	for _, n := range p.Parts {
		parts = append(parts, n.String())
	}
	return strings.Join(parts, ".")
}

// Name is an identifier.
type Name struct {
	Pos Pos
	Raw string `parser:"@( Ident | Quoted )"`
}

// Quoted says whether it stands in backticks, where no word is a function.
func (n Name) Quoted() bool { return strings.HasPrefix(n.Raw, "`") }

// String is the name without backticks.
func (n Name) String() string {
	if n.Quoted() {
		return strings.ReplaceAll(n.Raw[1:len(n.Raw)-1], "``", "`")
	}
	return n.Raw
}

// Text is a text in quotes.
type Text struct {
	Pos Pos
	Raw string `parser:"@String"`
}

// String is the text without its quotes.
func (t Text) String() string { return strings.ReplaceAll(t.Raw[1:len(t.Raw)-1], "''", "'") }
