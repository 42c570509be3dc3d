package qbosim

import (
	"fmt"
	"strconv"
	"strings"
)

// statement is a parsed query.
type statement struct {
	entity      string
	counting    bool // SELECT COUNT(*)
	conditions  []condition
	order       []ordering
	start, rows int // STARTPOSITION from 1, MAXRESULTS
}

type condition struct {
	field  string
	op     string // = < > <= >= LIKE IN
	values []token
}

type ordering struct {
	field      string
	descending bool
}

const (
	defaultRows = 100
	maxRows     = 1000
)

// parser reads tokens by recursive descent. Keywords are case-insensitive.
type parser struct {
	tokens []token
	i      int
}

func (p *parser) peek() token { return p.tokens[p.i] }

func (p *parser) next() token {
	t := p.tokens[p.i]
	if t.kind != endToken {
		p.i++
	}
	return t
}

// accept takes the next token when it is that keyword or sign.
func (p *parser) accept(text string) bool {
	t := p.peek()
	if (t.kind == wordToken || t.kind == signToken) && strings.EqualFold(t.text, text) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(texts ...string) error {
	for _, text := range texts {
		if !p.accept(text) {
			return p.unexpected(text)
		}
	}
	return nil
}

func (p *parser) unexpected(want string) error {
	t := p.peek()
	found := t.text
	if t.kind == endToken {
		found = "<EOF>"
	}
	return badSyntax(fmt.Sprintf("Encountered \" %s \" at line 1, column %d. Was expecting: %s", found, t.at, want))
}

func (p *parser) word(what string) (string, error) {
	if t := p.peek(); t.kind == wordToken {
		p.i++
		return t.text, nil
	}
	return "", p.unexpected(what)
}

func parseStatement(text string) (*statement, error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	st := &statement{start: 1, rows: defaultRows}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	if p.accept("COUNT") {
		st.counting = true
		err = p.expect("(", "*", ")", "FROM")
	} else {
		err = p.expect("*", "FROM")
	}
	if err != nil {
		return nil, err
	}
	if st.entity, err = p.word("an entity"); err != nil {
		return nil, err
	}
	for _, clause := range []func(*statement) error{p.where, p.orderBy, p.page} {
		if err := clause(st); err != nil {
			return nil, err
		}
	}
	if p.peek().kind != endToken {
		return nil, p.unexpected("<EOF>")
	}
	return st, nil
}

func (p *parser) where(st *statement) error {
	if !p.accept("WHERE") {
		return nil
	}
	for {
		c, err := p.condition()
		if err != nil {
			return err
		}
		st.conditions = append(st.conditions, c)
		if !p.accept("AND") {
			return nil
		}
	}
}

func (p *parser) condition() (condition, error) {
	field, err := p.word("a property")
	if err != nil {
		return condition{}, err
	}
	c := condition{field: field}
	if p.accept("IN") {
		c.op = "IN"
		c.values, err = p.set()
		return c, err
	}
	for _, op := range []string{"=", "<=", ">=", "<", ">", "LIKE"} {
		if p.accept(op) {
			c.op = op
			v, err := p.value()
			c.values = []token{v}
			return c, err
		}
	}
	return c, p.unexpected("= < > <= >= LIKE IN")
}

func (p *parser) set() ([]token, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var values []token
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if !p.accept(",") {
			return values, p.expect(")")
		}
	}
}

func (p *parser) value() (token, error) {
	t := p.peek()
	literal := t.kind == textToken || t.kind == numberToken
	if t.kind == wordToken {
		switch strings.ToLower(t.text) {
		case "true", "false", "current_date":
			t.text, literal = strings.ToLower(t.text), true
		}
	}
	if !literal {
		return t, p.unexpected("a value")
	}
	p.i++
	return t, nil
}

func (p *parser) orderBy(st *statement) error {
	if !p.accept("ORDERBY") {
		if !p.accept("ORDER") {
			return nil
		}
		if err := p.expect("BY"); err != nil {
			return err
		}
	}
	for {
		field, err := p.word("a property")
		if err != nil {
			return err
		}
		o := ordering{field: field}
		if !p.accept("ASC") {
			o.descending = p.accept("DESC")
		}
		st.order = append(st.order, o)
		if !p.accept(",") {
			return nil
		}
	}
}

// page reads STARTPOSITION and MAXRESULTS, each at most once, in either order.
func (p *parser) page(st *statement) error {
	seen := map[string]bool{}
	for {
		var target *int
		most := 0
		word := strings.ToUpper(p.peek().text)
		switch {
		case seen[word]:
			return p.unexpected("<EOF>")
		case p.accept("STARTPOSITION"):
			target, most = &st.start, 1<<31-1
		case p.accept("MAXRESULTS"):
			target, most = &st.rows, maxRows
		default:
			return nil
		}
		seen[word] = true
		t := p.next()
		n, err := strconv.Atoi(t.text)
		switch {
		case t.kind != numberToken || err != nil:
			return p.unexpected("a number")
		case n < 1:
			return badQuery("value %d is too small. Min allowed value is 1", n)
		case n > most:
			return badQuery("value %d is too large. Max allowed value is %d", n, most)
		}
		*target = n
	}
}
