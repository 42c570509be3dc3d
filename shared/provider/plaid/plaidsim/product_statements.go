package plaidsim

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// firstStatements is how many of the last months an account has statements of when it is linked.
const firstStatements = 12

// hasStatements: the few banks that Plaid has statements of give those of depository accounts.
func (a *account) hasStatements() bool { return a.spec.Type == "depository" && a.spec.Unofficial == "" }

func (it *Item) makeStatements(a *account) []obj {
	var out []obj
	for i := range firstStatements {
		out = append(out, it.newStatement(a, it.made.AddDate(0, -1-i, 1-it.made.Day())))
	}
	return out
}

// newStatement makes the one of a month. In every third month the bank does not tell when it posted
// it, in every fifth Plaid leaves that out.
func (it *Item) newStatement(a *account, month time.Time) obj {
	n := month.Year()*12 + int(month.Month())
	out := obj{"statement_id": id(chance.Seed(it.seed, "statement "+strconv.Itoa(a.n)), n), "year": month.Year(), "month": int(month.Month()),
		"date_posted": isoDay(time.Date(month.Year(), month.Month()+1, 2, 0, 0, 0, 0, time.UTC))}
	switch {
	case it.login.spec.Plain:
	case n%3 == 0:
		out["date_posted"] = nil
	case n%5 == 0:
		delete(out, "date_posted")
	}
	return out
}

// statementsList answers /statements/list. The order of the statements is that of their ids, which is none.
func (s *Server) statementsList(q *query) (any, *refusal) {
	return obj{"accounts": q.item.statementAccounts(), "item_id": q.item.id, "institution_id": q.item.login.spec.Institution,
		"institution_name": q.item.login.spec.InstitutionName}, nil
}

func (it *Item) statementAccounts() []obj {
	out := []obj{}
	for _, a := range it.live() {
		if !a.hasStatements() {
			continue
		}
		all := slices.Clone(it.goods(a).statements)
		slices.SortFunc(all, func(x, y obj) int { return cmp.Compare(x["statement_id"].(string), y["statement_id"].(string)) })
		out = append(out, obj{"account_id": a.id, "account_mask": a.spec.Mask, "account_name": a.spec.Name, "account_official_name": a.spec.OfficialName,
			"account_type": a.spec.Type, "account_subtype": a.spec.Subtype, "statements": all})
	}
	return out
}

// statementsDownload answers /statements/download with a PDF.
func (s *Server) statementsDownload(q *query) (any, *refusal) {
	for _, a := range q.item.live() {
		if !a.hasStatements() {
			continue
		}
		for _, st := range q.item.goods(a).statements {
			if st["statement_id"] == q.text("statement_id") {
				return statementFile(q.item.login.spec.InstitutionName, a, st), nil
			}
		}
	}
	return nil, badField("statement_id is not one of this item's statements")
}

func statementFile(bank string, a *account, st obj) file {
	body := pdf(fmt.Sprintf("%s, statement of %d-%02d, account %s %s", bank, st["year"], st["month"], a.spec.Subtype, a.spec.Mask))
	sum := sha256.Sum256(body)
	return file{ContentType: "application/pdf", Header: map[string]string{"Plaid-Content-Hash": hex.EncodeToString(sum[:]), "Plaid-Version": version}, Body: body}
}

// statementsRefresh answers /statements/refresh: what the bank has of those months is listed from now on.
func (s *Server) statementsRefresh(q *query) (any, *refusal) {
	from, _ := time.Parse(time.DateOnly, q.text("start_date"))
	to, _ := time.Parse(time.DateOnly, q.text("end_date"))
	switch {
	case from.After(to):
		return nil, badField("start_date must be before end_date")
	case from.Before(q.now.AddDate(-2, 0, -1)):
		return nil, badField("start_date must be within the last 2 years")
	}
	s.stats.Billed["statements_refresh"]++
	for month := from.AddDate(0, 0, 1-from.Day()); month.Before(to) && month.AddDate(0, 1, 0).Before(q.now); month = month.AddDate(0, 1, 0) {
		for _, a := range q.item.live() {
			if a.hasStatements() {
				if _, err := q.item.change(change{Do: "add statement", ID: a.id, N: month.Year()*12 + int(month.Month())}); err != nil {
					panic(err) // the account is there
				}
			}
		}
	}
	s.tell(q.item, "STATEMENTS", "STATEMENTS_REFRESH_COMPLETE", obj{"result": "SUCCESS"})
	return obj{}, nil
}

// AddStatement has the bank post the statement of a month, and gives its id: that of the one that is
// there already, if so.
func (it *Item) AddStatement(accountID string, year, month int) (string, error) {
	return it.editProducts(change{Do: "add statement", ID: accountID, N: year*12 + month}, func(string) {
		it.s.tell(it, "STATEMENTS", "STATEMENTS_REFRESH_COMPLETE", obj{"result": "SUCCESS"})
	})
}

func (it *Item) addStatement(c change) (string, error) {
	a, err := it.holder(c.ID, (*account).hasStatements)
	if err != nil {
		return "", err
	}
	st := it.newStatement(a, time.Date((c.N-1)/12, time.Month((c.N-1)%12+1), 1, 0, 0, 0, 0, time.UTC))
	g := it.goods(a)
	if !slices.ContainsFunc(g.statements, func(old obj) bool { return old["statement_id"] == st["statement_id"] }) {
		g.statements = append(g.statements, st)
	}
	return st["statement_id"].(string), nil
}

// pdf makes the smallest document that readers accept: one page with a line of text.
func pdf(line string) []byte {
	text := "BT /F1 12 Tf 72 720 Td (" + printable(line) + ") Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(text), text),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	places := make([]int, len(objects))
	for i, o := range objects {
		places[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return b.Bytes()
}

// printable leaves out what a text in a PDF would need more for.
func printable(line string) string {
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '(' || r == ')' || r == '\\' {
			return '?'
		}
		return r
	}, []byte(line)))
}
