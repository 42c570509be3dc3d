package qbosim

import (
	"slices"

	"github.com/countinghouse/countinghouse/shared/provider/chance"
)

// Beside invoices and payments a company has some of every other kind of transaction. They come in
// rounds over its history; a round reserves a run of transaction ids, one for each place below, and
// things happen in it in that order.
const roundIDs = 32

const (
	estimatePlace = iota
	orderPlace
	billPlace // two: the second one is paid
	paidBillPlace
	vendorCreditPlace
	purchasePlace
	journalPlace
	receiptPlace
	billPaymentPlace
	depositPlace
	transferPlace
	memoPlace
	refundPlace
	timePlace
	cardPaymentPlace
	adjustmentPlace
	chargePlace
	recurringPlace
	attachablePlace
	budgetPlace
)

const (
	fewestRounds = 3
	mostRounds   = 24
	leastHistory = 30 * 24 * 3600 // seconds
)

// planRounds lays the rounds over the history, which ends at end.
func (b *books) planRounds(end int64) {
	b.rounds = b.spec.Each
	if b.rounds == 0 {
		b.rounds = min(mostRounds, fewestRounds+b.spec.Invoices/20)
	}
	b.rounds = max(0, b.rounds)
	b.firstRound = firstTxn + int64(b.blocks)*blockIDs
	b.lastTxn = b.firstRound + int64(b.rounds)*roundIDs - 1
	b.roundStart = min(b.start, end-leastHistory)
	b.roundLength = (end - b.roundStart) / int64(max(1, b.rounds))
}

func (b *books) roundEnd() int64 { return b.roundStart + b.roundLength*int64(max(1, b.rounds)) }

// roundTime is when the thing at a place of a round happens.
func (b *books) roundTime(round, place int) int64 {
	return b.roundStart + b.roundLength*int64(round) + b.roundLength*int64(place)/roundIDs
}

func (b *books) roundTxn(round, place int) string {
	return count(int(b.firstRound) + round*roundIDs + place).String()
}

// roundDraw starts the chances of the thing at a place of a round.
func (b *books) roundDraw(round, place int) chance.Sequence {
	return chance.Draw(chance.Seed(b.spec.Seed, "round"), round*roundIDs+place)
}

// perRound makes one object a round at a place, by make.
func perRound(place int, make func(b *books, round int) *object) *generator {
	return perRoundUntil(place, func(int) int { return place }, make)
}

// perRoundUntil is perRound for objects that change later in their round: at that place.
func perRoundUntil(place int, last func(round int) int, make func(b *books, round int) *object) *generator {
	return &generator{
		count: func(b *books) int { return b.rounds },
		id:    func(b *books, i int) string { return b.roundTxn(i, place) },
		index: func(b *books, id string) int { return b.roundOf(id) },
		when: func(b *books, i int) (int64, int64) {
			return b.roundTime(i, place), b.roundTime(i, last(i))
		},
		make: make,
		token: func(_ *books, i int) int {
			if last(i) != place {
				return 1
			}
			return 0
		},
	}
}

// under gives the objects other ids than transactions have.
func (g *generator) under(id func(b *books, i int) string) *generator {
	g.id, g.index = id, nil
	return g
}

// byDay is for objects that show the day of their last update only: the search knows no more.
func (g *generator) byDay() *generator {
	exact := g.when
	g.when = func(b *books, i int) (int64, int64) {
		created, updated := exact(b, i)
		return created, unixOf(string(appendDate(nil, updated)))
	}
	return g
}

// roundOf gives the round that a transaction id belongs to, -1 for none.
func (b *books) roundOf(id string) int {
	n, ok := parseDecimal(id)
	if txn := int64(n / one); ok && txn >= b.firstRound {
		return int(txn-b.firstRound) / roundIDs
	}
	return -1
}

// buyer picks a customer that trades in dollars and is active.
func (b *books) buyer(r *chance.Sequence) int {
	for range 20 {
		if i := r.Below(len(b.customers)); !b.customers[i].foreign && !inactive(i) {
			return i
		}
	}
	return 0
}

// supplier picks an active vendor.
func supplier(r *chance.Sequence) int { return r.Below(len(vendors) - 1) }

func buyerRef(i int) *object { return ref(listID(i), displayName(i)) }

func supplierRef(i int) *object { return ref(listID(i), vendorName(i)) }

func accountRef(id string) *object { return chart[accountIndex(nil, id)].ref() }

func (b *books) day(round, place int) string {
	return string(appendDate(nil, b.roundTime(round, place)))
}

// tagged puts a class on some lines, and a department on some transactions, of companies that have such.
func (b *books) tagged(r *chance.Sequence, o *object, key string) *object {
	if key == "ClassRef" && !b.without("Class") && r.OneIn(2) {
		class := classes[r.Below(len(classes))]
		o.set(key, ref(class.id, class.name))
	}
	if key == "DepartmentRef" && !b.without("Department") && r.OneIn(3) {
		o.set(key, ref(departments[0].id, departments[0].name))
	}
	return o
}

// withoutByDefault are the entities of features that one currency does not need.
var withoutByDefault = []string{"ExchangeRate", "CompanyCurrency"}

// without: the company's subscription does not have the entity.
func (b *books) without(entity string) bool {
	if b.spec.Without != nil {
		return slices.Contains(b.spec.Without, entity)
	}
	return !b.spec.MultiCurrency && slices.Contains(withoutByDefault, entity)
}
