package plaidsim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"testing"

	published "github.com/plaid/plaid-go/v20/plaid"

	"github.com/countinghouse/countinghouse/shared/provider/plaid/plaidsim"
)

// stranger is the published Go client of January 2024, which nobody here has written: what it reads is
// what any program that speaks to Plaid can read.
type stranger struct {
	*house
	api *published.PlaidApiService
}

func newStranger(t *testing.T) *stranger {
	t.Helper()
	h := newHouse(t, plaidsim.WebhookConfig{})
	cfg := published.NewConfiguration()
	cfg.AddDefaultHeader("PLAID-CLIENT-ID", appID)
	cfg.AddDefaultHeader("PLAID-SECRET", appSecret)
	cfg.UseEnvironment(published.Environment(h.url))
	return &stranger{h, published.NewAPIClient(cfg).PlaidApi}
}

// refused checks that a call was refused with a code.
func (s *stranger) refused(err error, kind published.PlaidErrorType, code string) {
	s.Helper()
	e, wrong := published.ToPlaidError(err)
	if wrong != nil || e.ErrorType != kind || e.ErrorCode != code || e.ErrorMessage == "" || e.GetRequestId() == "" {
		s.Errorf("%v, %+v: want %s/%s", wrong, e, kind, code)
	}
}

// TestPublishedClient goes through the life of an Item with it.
func TestPublishedClient(t *testing.T) {
	t.Parallel()
	s := newStranger(t)
	token := s.connect()
	s.accounts(token)
	cursor := s.everything(token)
	s.changes(token, cursor)
	s.products(token)
	s.statements(token)
	s.trouble(token)
	s.leave(token)
}

// connect makes an Item without a person, and exchanges its token once.
func (s *stranger) connect() string {
	s.Helper()
	ctx := s.Context()
	ask := published.NewSandboxPublicTokenCreateRequest("ins_109508", []published.Products{published.PRODUCTS_TRANSACTIONS, published.PRODUCTS_LIABILITIES,
		published.PRODUCTS_INVESTMENTS, published.PRODUCTS_STATEMENTS})
	options := published.NewSandboxPublicTokenCreateRequestOptions()
	options.SetWebhook(s.hook.url)
	ask.SetOptions(*options)
	public, _, err := s.api.SandboxPublicTokenCreate(ctx).SandboxPublicTokenCreateRequest(*ask).Execute()
	s.must(err)
	swap := published.NewItemPublicTokenExchangeRequest(public.GetPublicToken())
	got, _, err := s.api.ItemPublicTokenExchange(ctx).ItemPublicTokenExchangeRequest(*swap).Execute()
	s.must(err)
	_, _, err = s.api.ItemPublicTokenExchange(ctx).ItemPublicTokenExchangeRequest(*swap).Execute()
	s.refused(err, published.PLAIDERRORTYPE_INVALID_INPUT, "INVALID_PUBLIC_TOKEN")
	s.bank = s.sim.Item(got.GetItemId())
	return got.GetAccessToken()
}

func (s *stranger) accounts(token string) {
	s.Helper()
	item, _, err := s.api.ItemGet(s.Context()).ItemGetRequest(*published.NewItemGetRequest(token)).Execute()
	s.must(err)
	got := item.GetItem()
	if got.GetItemId() != s.bank.ID() || got.GetWebhook() != s.hook.url || got.Error.IsSet() && got.Error.Get() != nil {
		s.Errorf("item %+v", got)
	}
	all, _, err := s.api.AccountsGet(s.Context()).AccountsGetRequest(*published.NewAccountsGetRequest(token)).Execute()
	s.must(err)
	var ids []string
	for _, a := range all.GetAccounts() {
		ids = append(ids, a.GetAccountId())
	}
	if !slices.Equal(ids, s.bank.AccountIDs()) || len(ids) == 0 {
		s.Errorf("accounts %v, want %v", ids, s.bank.AccountIDs())
	}
}

// everything syncs from the start in pages of seven, and gives the cursor.
func (s *stranger) everything(token string) (cursor string) {
	s.Helper()
	seen := map[string]bool{}
	for pages := 1; ; pages++ {
		page := s.sync(token, cursor)
		for _, tx := range page.GetAdded() {
			seen[tx.GetTransactionId()] = true
		}
		if cursor = page.GetNextCursor(); page.GetHasMore() {
			continue
		}
		if truth := s.truth("transactions"); len(seen) != len(truth) || len(seen) == 0 || pages < 3 {
			s.Errorf("%d transactions of %d, in %d pages", len(seen), len(truth), pages)
		}
		return cursor
	}
}

func (s *stranger) sync(token, cursor string) published.TransactionsSyncResponse {
	s.Helper()
	ask := published.NewTransactionsSyncRequest(token)
	ask.SetCount(7)
	if cursor != "" {
		ask.SetCursor(cursor)
	}
	page, _, err := s.api.TransactionsSync(s.Context()).TransactionsSyncRequest(*ask).Execute()
	s.must(err)
	return page
}

// changes come by the cursor, are told of by a webhook, and that is believed with the key that is asked for.
func (s *stranger) changes(token, cursor string) {
	s.Helper()
	pending, err := s.bank.Pend(plaidsim.TransactionSpec{Amount: "12.30"})
	s.must(err)
	first := s.sync(token, cursor)
	cursor = first.GetNextCursor()
	posted, err := s.bank.Post(pending, plaidsim.PostSpec{})
	s.must(err)
	page := s.sync(token, cursor)
	if added, removed := page.GetAdded(), page.GetRemoved(); len(added) != 1 || len(removed) != 1 || added[0].GetTransactionId() != posted ||
		added[0].GetPendingTransactionId() != pending || removed[0].GetTransactionId() != pending {
		s.Errorf("added %+v, removed %+v", added, removed)
	}
	fire := published.NewSandboxItemFireWebhookRequest(token, "SYNC_UPDATES_AVAILABLE")
	fired, _, err := s.api.SandboxItemFireWebhook(s.Context()).SandboxItemFireWebhookRequest(*fire).Execute()
	s.must(err)
	s.deliver()
	if got := s.hook.codes(s.T); !fired.GetWebhookFired() || got[len(got)-1] != "TRANSACTIONS/SYNC_UPDATES_AVAILABLE" {
		s.Errorf("told of %v", got)
	}
	key, err := s.key(s.sim.SigningKey())
	s.must(err)
	if k := key.GetKey(); k.GetAlg() != "ES256" || k.GetKid() != s.sim.SigningKey() || k.GetCreatedAt() == 0 {
		s.Errorf("key %+v", k)
	}
	_, err = s.key("x")
	s.refused(err, published.PLAIDERRORTYPE_INVALID_INPUT, "INVALID_WEBHOOK_VERIFICATION_KEY_ID")
}

func (s *stranger) key(kid string) (published.WebhookVerificationKeyGetResponse, error) {
	ask := published.NewWebhookVerificationKeyGetRequest(kid)
	got, _, err := s.api.WebhookVerificationKeyGet(s.Context()).WebhookVerificationKeyGetRequest(*ask).Execute()
	return got, err
}

func (s *stranger) products(token string) {
	s.Helper()
	ctx := s.Context()
	owed, _, err := s.api.LiabilitiesGet(ctx).LiabilitiesGetRequest(*published.NewLiabilitiesGetRequest(token)).Execute()
	s.must(err)
	lists := owed.GetLiabilities()
	held, _, err := s.api.InvestmentsHoldingsGet(ctx).InvestmentsHoldingsGetRequest(*published.NewInvestmentsHoldingsGetRequest(token)).Execute()
	s.must(err)
	years := published.NewInvestmentsTransactionsGetRequest(token, "2024-01-01", "2026-12-31")
	trades, _, err := s.api.InvestmentsTransactionsGet(ctx).InvestmentsTransactionsGetRequest(*years).Execute()
	s.must(err)
	card := published.NewTransactionsRecurringGetRequest(token, []string{s.account("credit")})
	again, _, err := s.api.TransactionsRecurringGet(ctx).TransactionsRecurringGetRequest(*card).Execute()
	s.must(err)
	for what, got := range map[string][2]int{
		"credit_liabilities": {len(lists.GetCredit()), 0}, "student_loans": {len(lists.GetStudent()), 0}, "mortgages": {len(lists.GetMortgage()), 0},
		"holdings": {len(held.GetHoldings()), 0}, "investment_transactions": {len(trades.GetInvestmentTransactions()), int(trades.GetTotalInvestmentTransactions())},
	} {
		if want := len(s.truth(what)); got[0] != want || want == 0 || got[1] != 0 && got[1] != want {
			s.Errorf("%s: %v of %d", what, got, want)
		}
	}
	if len(held.GetSecurities()) == 0 || len(again.GetOutflowStreams()) == 0 || len(again.GetInflowStreams()) != 0 {
		s.Errorf("%d securities, %d streams out and %d in of a card", len(held.GetSecurities()), len(again.GetOutflowStreams()), len(again.GetInflowStreams()))
	}
}

func (s *stranger) statements(token string) {
	s.Helper()
	all, _, err := s.api.StatementsList(s.Context()).StatementsListRequest(*published.NewStatementsListRequest(token)).Execute()
	s.must(err)
	of := all.GetAccounts()
	if len(of) == 0 || len(of) != len(s.truth("statement_accounts")) {
		s.Fatalf("statements of %d accounts", len(of))
	}
	ask := published.NewStatementsDownloadRequest(token, of[0].GetStatements()[0].StatementId)
	file, res, err := s.api.StatementsDownload(s.Context()).StatementsDownloadRequest(*ask).Execute()
	s.must(err)
	text, err := io.ReadAll(file)
	s.must(errors.Join(err, file.Close(), os.Remove(file.Name())))
	if sum := sha256.Sum256(text); res.Header.Get("Plaid-Content-Hash") != hex.EncodeToString(sum[:]) || len(text) == 0 {
		s.Errorf("%d bytes with the hash of others", len(text))
	}
}

// trouble resets the login: calls are refused, and the Item says why.
func (s *stranger) trouble(token string) {
	s.Helper()
	ctx := s.Context()
	reset, _, err := s.api.SandboxItemResetLogin(ctx).SandboxItemResetLoginRequest(*published.NewSandboxItemResetLoginRequest(token)).Execute()
	s.must(err)
	_, _, err = s.api.TransactionsSync(ctx).TransactionsSyncRequest(*published.NewTransactionsSyncRequest(token)).Execute()
	s.refused(err, published.PLAIDERRORTYPE_ITEM_ERROR, "ITEM_LOGIN_REQUIRED")
	item, _, err := s.api.ItemGet(ctx).ItemGetRequest(*published.NewItemGetRequest(token)).Execute()
	s.must(err)
	got := item.GetItem()
	if inside := got.Error.Get(); !reset.GetResetLogin() || inside == nil || inside.GetErrorCode() != "ITEM_LOGIN_REQUIRED" {
		s.Errorf("reset %t, item %+v", reset.GetResetLogin(), got)
	}
	s.bank.Repair()
}

// leave removes the Item, after a call that Plaid does not understand and one that comes too often.
func (s *stranger) leave(token string) {
	s.Helper()
	ctx := s.Context()
	wrong := published.NewTransactionsSyncRequest(token)
	wrong.SetCursor("bm9uZSBvZiBvdXJz")
	_, _, err := s.api.TransactionsSync(ctx).TransactionsSyncRequest(*wrong).Execute()
	s.refused(err, published.PLAIDERRORTYPE_INVALID_REQUEST, "INVALID_FIELD")
	s.sim.Fail("/accounts/get", 1, "ACCOUNTS_LIMIT")
	_, res, err := s.api.AccountsGet(ctx).AccountsGetRequest(*published.NewAccountsGetRequest(token)).Execute()
	s.refused(err, published.PLAIDERRORTYPE_RATE_LIMIT_EXCEEDED, "ACCOUNTS_LIMIT")
	if res.StatusCode != http.StatusTooManyRequests {
		s.Errorf("too often: %d", res.StatusCode)
	}
	_, _, err = s.api.ItemRemove(ctx).ItemRemoveRequest(*published.NewItemRemoveRequest(token)).Execute()
	s.must(err)
	_, _, err = s.api.AccountsGet(ctx).AccountsGetRequest(*published.NewAccountsGetRequest(token)).Execute()
	s.refused(err, published.PLAIDERRORTYPE_ITEM_ERROR, "ITEM_NOT_FOUND")
}
