package plaidsim

// addRoutes lists every endpoint with the fields that it knows.
func (s *Server) addRoutes() {
	s.linkRoutes()
	s.itemRoutes()
	s.transactionRoutes()
	s.productRoutes()
	s.sandboxRoutes()
}

func (s *Server) linkRoutes() {
	s.handle("/link/token/create", linkFields(), s.linkCreate)
	s.handle("/link/token/get", fields{"link_token": text().must()}, s.linkGet)
	s.handle("/item/public_token/exchange", fields{"public_token": text().must()}, s.exchange)
	s.handle("/institutions/get_by_id", fields{"institution_id": text().must(), "country_codes": list(text(countries...)).must(),
		"options": object(fields{"include_optional_metadata": flag(), "include_status": flag(), "include_auth_metadata": flag(),
			"include_payment_initiation_metadata": flag()})}, s.institution)
	s.handle("/webhook_verification_key/get", fields{"key_id": text().must()}, s.webhookKey)
}

func (s *Server) itemRoutes() {
	s.handle("/item/get", tokenAnd(fields{}), s.itemGet)
	s.handle("/item/remove", tokenAnd(fields{"reason_code": text("FRAUD_FIRST_PARTY", "FRAUD_FALSE_IDENTITY", "FRAUD_ABUSE", "FRAUD_OTHER",
		"CONNECTION_IS_NON_FUNCTIONAL", "OTHER").orNull(), "reason_note": text().orNull()}), s.itemRemove)
	s.handle("/item/webhook/update", tokenAnd(fields{"webhook": text().orNull()}), s.itemWebhook)
	s.handle("/item/access_token/invalidate", tokenAnd(fields{}), s.itemInvalidate)
	s.handle("/accounts/get", tokenAnd(fields{"options": object(accountOptions(fields{}))}), s.accountsGet)
	s.handleProduct("/accounts/balance/get", "", fields{"options": object(accountOptions(fields{"min_last_updated_datetime": text()}))}, s.balanceGet)
}

func (s *Server) transactionRoutes() {
	options := func() fields {
		return fields{"include_original_description": flag().orNull(), "include_personal_finance_category": flag(),
			"include_logo_and_counterparty_beta": flag(), "personal_finance_category_version": text("v1", "v2"), "days_requested": whole(1, 730)}
	}
	sync := options()
	sync["account_id"] = text()
	s.handleProduct("/transactions/sync", "transactions", fields{"cursor": text(), "count": whole(1, 500), "options": object(sync)}, s.sync)
	get := accountOptions(options())
	get["count"], get["offset"], get["include_personal_finance_category_beta"] = whole(1, 500), whole(0, 1<<30), flag()
	s.handleProduct("/transactions/get", "transactions", fields{"start_date": day().must(), "end_date": day().must(), "options": object(get)}, s.transactionsGet)
	s.handleProduct("/transactions/refresh", "transactions", fields{}, s.transactionsRefresh)
}

// productRoutes: what stands in product_*.go.
func (s *Server) productRoutes() {
	only := func() field { return object(accountOptions(fields{})) }
	s.handleProduct("/transactions/recurring/get", "recurring_transactions", fields{"account_ids": list(text()),
		"options": object(fields{"include_personal_finance_category": flag(), "personal_finance_category_version": text("v1", "v2")})}, s.recurringGet)
	s.handleProduct("/liabilities/get", "liabilities", fields{"options": only()}, s.liabilitiesGet)
	s.handleProduct("/investments/holdings/get", "investments", fields{"options": only()}, s.holdingsGet)
	s.handleProduct("/investments/transactions/get", "investments", fields{"start_date": day().must(), "end_date": day().must(),
		"options": object(accountOptions(fields{"count": whole(1, 500), "offset": whole(0, 1<<30), "async_update": flag()}))}, s.investmentTransactionsGet)
	s.handleProduct("/investments/refresh", "investments", fields{}, s.investmentsRefresh)
	s.handleProduct("/statements/list", "statements", fields{}, s.statementsList)
	s.handleProduct("/statements/download", "statements", fields{"statement_id": text().must()}, s.statementsDownload)
	s.handleProduct("/statements/refresh", "statements", fields{"start_date": day().must(), "end_date": day().must()}, s.statementsRefresh)
}

func (s *Server) sandboxRoutes() {
	span := func() field { return object(fields{"start_date": day().must(), "end_date": day().must()}).orNull() }
	s.handle("/sandbox/public_token/create", fields{"institution_id": text().must(), "initial_products": list(text(knownProducts...)).must(),
		"options": object(fields{"webhook": text(), "override_username": text().orNull(), "override_password": text().orNull(),
			"transactions": object(fields{"start_date": day(), "end_date": day(), "days_requested": whole(1, 730)}).orNull(),
			"statements":   span()}), "user_token": text(), "user_id": text()}, s.sandboxPublicToken)
	s.handle("/sandbox/item/fire_webhook", tokenAnd(fields{"webhook_code": text().must(), "webhook_type": text()}), s.fireWebhook)
	s.handle("/sandbox/item/reset_login", tokenAnd(fields{}), s.resetLogin)
	s.handle("/sandbox/transactions/create", tokenAnd(fields{"transactions": list(object(fields{"date_transacted": day().must(),
		"date_posted": day().must(), "amount": number().must(), "description": text().must(), "iso_currency_code": text()})).must()}), s.sandboxTransactions)
}
