package quickbooks

// About says, for the data dictionary, what holds for all tables: units and what null means.
const About = `
- Amounts are in major units (dollars, not cents) and in the object's own currency, currency_ref_value,
  unless the name begins with home: those are in the company's home currency. exchange_rate is home
  currency for one unit of the other. It and home_… are null in companies that have one currency.
- Names that end in percent, discount_rate, abatement_rate, reverse_charge_rate and the rate_value of
  taxes are percentages: 8 is 8 %. qty, quantity, qty_on_hand, qty_diff, new_qty and reorder_point
  count in the item's own unit.
- A reference is the other object's id (…_value) and the name it had when QuickBooks printed the row
  (…_name), which may be out of date: join on the value, the connection and the organisation. Null: it
  refers to nothing. What it refers to may be inactive or deleted. A tax_code_ref_value of TAX or NON is
  taxable or not, without saying by which rate.
- bill_rate and cost_rate of vendors and deferred_revenue of items come only when QuickBooks is asked
  for one object; they are null in rows that were read by pages.
- total_tax and tax lines are as QuickBooks calculated them; a voided transaction stays, with amounts
  of 0 and "Voided" in private_note: is_voided.
- total_amt of journal entries is 0 or null, whatever their lines say: add up the debits. That of
  deposits is without the cash that was taken back. Credits, refunds and vendor credits are positive.
- Durations of time activities are hours, minutes and seconds in whole numbers that add up, or a
  start and an end; rates are for one hour.
- Lists keep what is inactive: active is false, and QuickBooks may have added "(deleted)" to the name.
  merged_into names the object that took the place of one that was merged.
- Budget amounts are for the period that begins on budget_date. Exchange rates have no id of their own.
- Recurring transactions are templates: nothing of them was posted. Their columns are those of every
  kind of transaction together; what a kind does not have is null.
- Numbers of persons (ssn, tax_identifier) come masked, and stay as they come.
- Custom fields, what QuickBooks calls …Ex, and a few rare objects are kept as JSON; all else that has
  no column is in raw.
`
