package plaid

// About says, for the data dictionary, what holds for all tables: units, signs and what null means.
const About = `
- A connection is an Item: one login at one bank. Linking the same login again makes another Item, and
  all ids in it are others.
- Ids are opaque and case-sensitive, such as BxBXxLj1m4HMXBm9WZZmCWVbPjX16EHwv99vp.
- Amounts are in major units (dollars, not cents), with as many digits as the bank has sent.
- POSITIVE amounts of transactions are money that leaves the account, negative ones money that comes in,
  whatever kind of account it is: a purchase is 12.5, a salary is -3000. Recurring streams and investment
  transactions have the same sign. Balances do not: those of cards and loans are positive when money is owed.
- The currency stands in one of two columns beside the amount, never in both: iso_currency_code, or
  unofficial_currency_code for what has no ISO code. Take coalesce of the two. Liabilities have no currency
  of their own: it is that of the account's balances.
- date is a day at the bank, without a zone; a …_datetime is an instant, given by some banks only, and may
  have the time 00:00:00 where the bank knows the day only.
- A pending transaction that is posted becomes another transaction: the pending one is deleted, the posted one
  names it in pending_transaction_id. The same happens where a bank numbers its transactions anew.
  origin_id is the id under which the thing was first known, so coalesce(origin_id, id) stays the same
  all the way.
- Accounts can be replaced in the same way. The transactions of the old one stay under it, and come again under the new one:
  count only those whose account has no merged_into.
- What is deleted is marked, not removed: leave out rows with deleted_at. Transactions of an account that was closed are not deleted.
- Lists of words (types, categories, frequencies) grow without notice: those named here are what Plaid documents now.
- Names that end in percentage are a year's: 5.25 is 5.25 %.
- Products that an Item does not have leave their tables empty: nothing is asked for that the bank's customer has not agreed to,
  because asking is what Plaid bills.
- Arrays of texts, and what Plaid leaves open, are kept as JSON; all else that has no column is in raw.
- deprecated: Plaid keeps it for old customers only; it may always be null.
`
