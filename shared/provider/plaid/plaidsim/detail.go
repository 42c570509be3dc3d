package plaidsim

import "maps"

// detail is what a transaction says beside its ids.
type detail struct {
	amount           decimal
	iso, unofficial  string // one of them
	date, authorized string
	at, authorizedAt string // datetime, authorized_datetime; "": null
	name, original   string
	merchant         *merchant // nil: null
	merchantName     string    // as it is printed; may be empty though there is a merchant
	unsorted         bool      // no personal_finance_category
	channel          string
	code             string // transaction_code; "": null
	kind             string // transaction_type
	pending          bool
	pendingID        string // pending_transaction_id; "": null
	check, owner     string // "": null
	bare             bool   // optional keys are absent, not null
	v2               bool   // the category says its version
	further          obj    // laid over all
}

// merchant is whom the money goes to.
type merchant struct {
	name, entity, website  string
	primary, detailed      string // category
	channel, kind, counter string // payment_channel, transaction_type, type of the counterparty
	city, region           string
	income                 bool
}

// printer writes the members of an object that stands at the margin, in the order of their calls.
type printer struct {
	b     []byte
	depth int
	sep   byte
}

func (p *printer) key(name string) {
	p.b = lineBreak(append(p.b, p.sep), p.depth)
	p.b = append(append(append(p.b, '"'), name...), `": `...)
	p.sep = ','
}

func (p *printer) text(name, v string) {
	p.key(name)
	p.b = appendText(p.b, v)
}

// textOrNull prints null for "".
func (p *printer) textOrNull(name, v string) {
	p.key(name)
	if v == "" {
		p.b = append(p.b, "null"...)
		return
	}
	p.b = appendText(p.b, v)
}

func (p *printer) raw(name, v string) {
	p.key(name)
	p.b = append(p.b, v...)
}

func (p *printer) open(name string) {
	p.key(name)
	p.depth++
	p.sep = '{'
}

func (p *printer) close() {
	p.depth--
	p.b = append(lineBreak(p.b, p.depth), '}')
	p.sep = ','
}

// append prints the transaction; original says whether with original_description.
func (d *detail) append(b []byte, id, account string, original bool) []byte {
	if d.further != nil {
		return appendValue(b, d.object(id, account, original), 0)
	}
	return d.print(b, id, account, original)
}

// object is the transaction as a value that can be changed.
func (d *detail) object(id, account string, original bool) obj {
	out := parsed(d.print(nil, id, account, original)).(obj)
	maps.Copy(out, d.further)
	return out
}

// print writes all but what is laid over, sorted by the keys.
func (d *detail) print(b []byte, id, account string, original bool) []byte {
	p := &printer{b: b, depth: 1, sep: '{'}
	p.text("account_id", account)
	d.printMoney(p)
	d.printCounterparties(p)
	p.text("date", d.date)
	p.textOrNull("datetime", d.at)
	p.textOrNull("iso_currency_code", d.iso)
	d.printLocation(p)
	d.printMerchant(p)
	p.text("name", d.name)
	if original {
		p.textOrNull("original_description", d.original)
	}
	p.text("payment_channel", d.channel)
	p.raw("payment_meta", noPayment)
	p.raw("pending", yesOrNo(d.pending))
	p.textOrNull("pending_transaction_id", d.pendingID)
	d.printCategory(p)
	p.textOrNull("transaction_code", d.code)
	p.text("transaction_id", id)
	p.text("transaction_type", d.kind)
	p.textOrNull("unofficial_currency_code", d.unofficial)
	if !d.bare {
		p.textOrNull("website", d.merchant.site())
	}
	return append(p.b, "\n}"...)
}

func (d *detail) printMoney(p *printer) {
	p.textOrNull("account_owner", d.owner)
	p.raw("amount", string(d.amount))
	p.textOrNull("authorized_date", d.authorized)
	p.textOrNull("authorized_datetime", d.authorizedAt)
	if !d.bare {
		p.raw("category", "null")
		p.raw("category_id", "null")
		p.textOrNull("check_number", d.check)
	}
}

func yesOrNo(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

func (d *detail) printCounterparties(p *printer) {
	if d.merchant == nil {
		if !d.bare {
			p.raw("counterparties", "[]")
		}
		return
	}
	m := d.merchant
	p.key("counterparties")
	p.b = append(p.b, "[\n    "...)
	p.sep, p.depth = '{', 3
	p.text("confidence_level", "VERY_HIGH")
	p.text("entity_id", m.entity)
	p.textOrNull("logo_url", m.logo())
	p.text("name", m.name)
	p.text("type", m.counter)
	p.textOrNull("website", m.website)
	p.b = append(p.b, "\n    }\n  ]"...)
	p.sep, p.depth = ',', 1
}

func (d *detail) printLocation(p *printer) {
	var city, region, country string
	if d.merchant != nil && d.channel == "in store" {
		city, region, country = d.merchant.city, d.merchant.region, "US"
	}
	p.open("location")
	p.raw("address", "null")
	p.textOrNull("city", city)
	p.textOrNull("country", country)
	if city != "" {
		p.raw("lat", "40.740352")
		p.raw("lon", "-74.001761")
	} else {
		p.raw("lat", "null")
		p.raw("lon", "null")
	}
	p.raw("postal_code", "null")
	p.textOrNull("region", region)
	p.raw("store_number", "null")
	p.close()
}

func (d *detail) printMerchant(p *printer) {
	if d.merchant == nil {
		if !d.bare {
			p.raw("logo_url", "null")
			p.raw("merchant_entity_id", "null")
			p.raw("merchant_name", "null")
		}
		return
	}
	p.textOrNull("logo_url", d.merchant.logo())
	p.text("merchant_entity_id", d.merchant.entity)
	p.text("merchant_name", d.merchantName)
}

// noPayment is a payment_meta of a transaction that the bank says nothing more of.
const noPayment = `{
    "by_order_of": null,
    "payee": null,
    "payer": null,
    "payment_method": null,
    "payment_processor": null,
    "ppd_id": null,
    "reason": null,
    "reference_number": null
  }`

func (d *detail) printCategory(p *printer) {
	if d.unsorted || d.merchant == nil {
		p.raw("personal_finance_category", "null")
		return
	}
	p.open("personal_finance_category")
	p.text("confidence_level", "VERY_HIGH")
	p.text("detailed", d.merchant.detailed)
	p.text("primary", d.merchant.primary)
	if d.v2 {
		p.text("version", "v2")
	}
	p.close()
	p.text("personal_finance_category_icon_url", "https://plaid-category-icons.plaid.com/PFC_"+d.merchant.primary+".png")
}

func (m *merchant) site() string {
	if m == nil {
		return ""
	}
	return m.website
}

func (m *merchant) logo() string {
	if m.website == "" {
		return ""
	}
	return "https://plaid-merchant-logos.plaid.com/" + m.website + ".png"
}
