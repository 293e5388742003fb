package flinkimport

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/services/flinkimport/flinksql"
)

// document is the hefu.yaml that is being written: the keys that the SQL speaks of, each with the line it comes from.
// What it does not say has its default.
type document struct {
	pipelines []*node
}

// node is a key of hefu.yaml: a value, keys below it, or a list of items.
type node struct {
	key      string
	value    string // as YAML writes it
	raw      []string
	at       flinksql.Pos
	note     string
	children []*node
	items    []*node
	flow     bool     // of an item: all of it on one line
	comments []string // lines that stand before it
	tail     []string // lines that stand after its items
}

// child is a key below n, made if it is not there.
func (n *node) child(key string) *node {
	for _, c := range n.children {
		if c.key == key {
			return c
		}
	}
	c := &node{key: key}
	n.children = append(n.children, c)
	return c
}

// set gives a key below n a text.
func (n *node) set(key, value string, at flinksql.Pos, note string) {
	c := n.child(key)
	c.raw, c.value, c.at, c.note = []string{value}, "", at, note
}

// setPlain gives it a number, a truth value or a time.
func (n *node) setPlain(key, value string, at flinksql.Pos, note string) {
	c := n.child(key)
	c.raw, c.value, c.at, c.note = nil, value, at, note
}

// setList gives it a list of texts.
func (n *node) setList(key string, values []string, at flinksql.Pos, note string) {
	c := n.child(key)
	c.raw, c.value, c.at, c.note = values, "[]", at, note
}

// item adds one to the list below n.
func (n *node) item() *node {
	i := &node{}
	n.items = append(n.items, i)
	return i
}

// text writes the document; change is done to each text of it.
func (d *document) text(heading string, change func(string) string) string {
	var b strings.Builder
	b.WriteString(heading)
	b.WriteString("pipelines:\n")
	for _, p := range d.pipelines {
		p.write(&b, 2, true, change)
	}
	return b.String()
}

// write writes the keys below n, the first behind a dash when n is an item.
func (n *node) write(b *strings.Builder, indent int, item bool, change func(string) string) {
	pad := strings.Repeat(" ", indent)
	if n.flow {
		var keys []string
		for _, c := range n.children {
			keys = append(keys, scalar(c.key)+":"+c.written(change))
		}
		b.WriteString(pad + "- {" + strings.Join(keys, ", ") + "}" + n.comment() + "\n")
		return
	}
	if item {
		pad += "- "
		indent += 2
	}
	for _, c := range n.children {
		for _, line := range c.comments {
			fmt.Fprintf(b, "%s# %s\n", strings.Repeat(" ", indent), line)
		}
		b.WriteString(pad + scalar(c.key) + ":" + c.written(change) + c.comment() + "\n")
		pad = strings.Repeat(" ", indent)
		c.write(b, indent+2, false, change)
		for _, i := range c.items {
			for _, line := range i.comments {
				fmt.Fprintf(b, "%s# %s\n", strings.Repeat(" ", indent+2), line)
			}
			i.write(b, indent+2, true, change)
		}
		for _, line := range c.tail {
			b.WriteString(strings.TrimRight(strings.Repeat(" ", indent+2)+"# "+line, " ") + "\n")
		}
	}
}

// written is the value with a space before it, or nothing.
func (n *node) written(change func(string) string) string {
	switch {
	case n.value == "[]":
		var all []string
		for _, v := range n.raw {
			all = append(all, scalar(change(v)))
		}
		return " [" + strings.Join(all, ", ") + "]"
	case n.raw != nil:
		return " " + scalar(change(n.raw[0]))
	case n.value != "":
		return " " + n.value
	}
	return ""
}

// comment names the line that a key comes from.
func (n *node) comment() string {
	var parts []string
	if n.at.Line > 0 {
		parts = append(parts, fmt.Sprintf("%s:%d", n.at.Filename, n.at.Line))
	}
	if n.note != "" {
		parts = append(parts, n.note)
	}
	if len(parts) == 0 {
		return ""
	}
	return " # " + oneLine(strings.Join(parts, ": "))
}

// oneLine keeps a comment from becoming anything else.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == 0x85 || r == 0x2028 || r == 0x2029 || r == '\uFFFD' {
			return ' '
		}
		return r
	}, text)
}

// scalar writes a text so that YAML reads it back as that text.
func scalar(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./"
	first := text == "" || strings.ContainsRune("0123456789-./_", rune(text[0]))
	switch strings.ToLower(text) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n":
		first = true
	}
	if !first && strings.Trim(text, plain) == "" {
		return text
	}
	return strconv.Quote(text)
}

// find is where the SQL says what the key of an error is about, or else what is around it.
func (d *document) find(key string, otherwise flinksql.Pos) flinksql.Pos {
	at := otherwise
	n := &node{children: []*node{{key: "pipelines", items: d.pipelines}}}
	for _, part := range strings.Split(key, ".") {
		name, index, _ := strings.Cut(part, "[")
		var next *node
		for _, c := range n.children {
			if c.key == name {
				next = c
			}
		}
		if next == nil {
			break
		}
		if next.at.Line > 0 {
			at = next.at
		}
		if i, err := strconv.Atoi(strings.TrimSuffix(index, "]")); err == nil && i < len(next.items) {
			next = next.items[i]
			if next.at.Line > 0 {
				at = next.at
			}
		}
		n = next
	}
	return at
}

// heading are the lines at the top of hefu.yaml.
func (m *importer) heading() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Made by hefu import flink of %s (SHA-256 %s).\n", oneLine(m.name), m.result.SHA256)
	b.WriteString("# Behind each key is the line of the SQL that it comes from; deploy/hefu.yaml has every key and its meaning.\n")
	for _, t := range m.result.ToDo {
		fmt.Fprintf(&b, "# TO DO  %s (%s): %s\n", oneLine(t.Key), oneLine(t.At), oneLine(t.Text))
	}
	return b.String()
}
