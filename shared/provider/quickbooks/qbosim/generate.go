package qbosim

import (
	"strconv"
	"time"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// Base invoices and payments come in blocks: ten invoices and the six payments that belong to them,
// sixteen consecutive transaction ids. So every question about a row is answered by arithmetic.
//
// A row's rank inside its block is its place by last update. Ranks 0…3 are open invoices, 4…9 were
// paid; a paid invoice was last updated in the second of its payment.
const (
	blockInvoices = 10
	blockPayments = 6
	blockIDs      = blockInvoices + blockPayments
)

var (
	// idPlace mixes ids against ranks: the order of ids is not the order of last updates.
	idPlace = [blockInvoices]int{1, 3, 6, 8, 0, 2, 4, 5, 7, 9}
	rankOf  = [blockInvoices]int{4, 0, 5, 1, 6, 7, 2, 8, 3, 9} // its inverse

	// payer is the payment of a rank, -1 for none. Payment 2 covers two invoices, 3 a part of one,
	// 4 at times more than its invoice, 5 is wholly unapplied.
	payer = [blockInvoices]int{-1, -1, -1, -1, 0, 1, 2, 2, 3, 4}
	// paysFrom is the first rank of a payment.
	paysFrom = [blockPayments]int{4, 5, 6, 8, 9, 10}
	// paymentsIn is how many payments a last block of so many invoices has.
	paymentsIn = [blockInvoices + 1]int{0, 0, 0, 0, 0, 1, 2, 2, 3, 4, blockPayments}

	// In sixteenths of the block's time. Ranks 0 and 1, 4 and 5 share their second.
	createdPart = [blockInvoices]int64{0, 0, 2, 3, 1, 1, 3, 4, 5, 6}
	updatedPart = [blockInvoices]int64{0, 0, 2, 4, 8, 9, 10, 10, 11, 12}
	paymentPart = [blockPayments]int64{8, 9, 10, 11, 12, 13}
)

const (
	partialPayment   = 3
	generousPayment  = 4
	unappliedPayment = 5
)

// Now and then an import tool wrote a run of blocks within one second, more rows than one page holds.
const (
	importEvery  = 4096 // blocks
	importFirst  = 100
	importBlocks = 150
)

const (
	firstTxn   = 101
	firstDoc   = 1001
	maxHistory = 3 * 365 * 24 * time.Hour
	maxBlock   = 48 * time.Hour
	// quiet is how long before the company's making its history ends.
	quiet = time.Hour

	taxRateID          = "3"
	taxCodeID          = "2"
	taxPercent decimal = 8 * one
	euroRate   decimal = 10_835_000 // 1.0835 dollars
)

// books is all that the base rows of a company are made of.
type books struct {
	spec         CompanySpec
	blocks       int
	start, width int64 // unix seconds of the first block, seconds of each

	firstDoc, lastTxn int64
	undeposited       string

	made                    int64 // when the lists were typed in
	rounds                  int   // of other transactions
	firstRound              int64 // transaction id
	roundStart, roundLength int64 // unix seconds
	sums                    sums

	customers []customerFact
	items     []itemFact
	sellable  []int // items that lines may sell
	bundles   []int // items of type Group
	accounts  []accountFact
	terms     []termFact
	fields    []string          // printed heads of the custom fields
	methods   map[string]string // payment methods that were merged, nil: none

	invoiceSeed, paymentSeed, blockSeed uint64
}

func newBooks(spec CompanySpec, now time.Time, shared *sharedFacts) *books {
	b := &books{spec: spec, firstDoc: firstDoc, undeposited: undepositedFunds}
	b.blocks = (spec.Invoices + blockInvoices - 1) / blockInvoices
	width := maxBlock
	if b.blocks > 0 {
		width = min(width, maxHistory/time.Duration(b.blocks))
	}
	b.width = int64(width / time.Second)
	b.start = now.Add(-quiet).Unix() - b.width*int64(b.blocks)
	b.made = b.start - 90*24*3600
	b.planRounds(now.Add(-quiet).Unix())
	b.invoiceSeed, b.paymentSeed, b.blockSeed = chance.Seed(spec.Seed, "invoice"), chance.Seed(spec.Seed, "payment"), chance.Seed(spec.Seed, "block")
	for i, name := range spec.CustomFields {
		head := appendText([]byte(`{"DefinitionId":"`+strconv.Itoa(i+1)+`","Name":`), name)
		b.fields = append(b.fields, string(append(head, `,"Type":"StringType"`...)))
	}
	customers := spec.Customers
	if customers == 0 {
		customers = min(2000, 8+spec.Invoices/20)
	}
	shared.lend(b, customers)
	return b
}

// when gives the instant at so many sixteenths of block's time.
func (b *books) when(block int, sixteenths int64) int64 {
	if place := block%importEvery - importFirst; place >= 0 && place < importBlocks {
		return b.start + b.width*int64(block-place)
	}
	return b.start + b.width*int64(block) + b.width*sixteenths/16
}

// invoicesIn is how many invoices a block has: the last one may be short.
func (b *books) invoicesIn(block int) int {
	return min(blockInvoices, b.spec.Invoices-block*blockInvoices)
}

func (b *books) paymentCount() int {
	if b.blocks == 0 {
		return 0
	}
	return (b.blocks-1)*blockPayments + paymentsIn[b.invoicesIn(b.blocks-1)]
}

// place reads a transaction id: its block and place in it.
func (b *books) place(id string) (block, place int, ok bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < firstTxn || n > b.lastTxn || id[0] == '0' || id[0] == '+' {
		return 0, 0, false
	}
	n -= firstTxn
	return int(n / blockIDs), int(n % blockIDs), true
}

// customerOf gives the customer of the invoice at a rank. One payment covers ranks 6 and 7, so they
// belong to one customer. Some customers buy much more than others.
func (b *books) customerOf(block, rank int) int {
	if rank == 7 {
		rank = 6
	}
	r := chance.Draw(b.blockSeed, block*blockIDs+rank)
	n := len(b.customers)
	return min(r.Below(n), r.Below(n))
}
