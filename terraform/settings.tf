# The values of all variables that programs read. One that is "" is left out: the program takes it as not set.
# All are made of names that are known before anything is made, so that the first plan shows them, too.

locals {
  # The same for every program that reads them.
  values = {
    GOOGLE_CLOUD_PROJECT = var.project
    LOG_FORMAT           = "json"
    LOG_LEVEL            = var.log_level
    TRACE_ENDPOINT       = var.trace_share > 0 ? "https://telemetry.googleapis.com" : ""
    TRACE_SHARE          = tostring(var.trace_share)

    INSTANCE_CONNECTION_NAME = "${var.project}:${var.region}:${local.instance}"
    DB_NAME                  = local.database
    DB_USER                  = "migrate"
    DB_PROGRAM_USERS         = join(",", values(local.logins))

    SYNC_TOPIC           = local.ticks
    SYNC_INTERVAL        = "3m"
    SYNC_AFTER_WEBHOOK   = "30m"
    SYNC_MAX_RETRIES     = "3"
    SYNC_RETRY_DELAY     = "1s"
    SYNC_LIMIT           = "${local.functions.syncorg.timeout - 60}s" # a run ends before its request is cut off
    SYNC_LEASE           = "60s"
    TOKEN_REFRESH_BUFFER = "5m"
    WEBHOOK_COLLECT      = "3s"
    DISPATCH_WINDOW      = "59s"
    DISPATCH_RATE        = "100"
    WATCH_BEHIND         = "15m"

    QUICKBOOKS_CLIENT_ID        = var.quickbooks.client_id
    QUICKBOOKS_ENVIRONMENT      = var.quickbooks.environment
    QUICKBOOKS_MONTHLY_CALLS    = tostring(var.quickbooks.monthly_calls)
    QUICKBOOKS_CALLS_PER_MINUTE = tostring(var.quickbooks.calls_per_minute)

    PLAID_CLIENT_ID         = var.plaid.client_id
    PLAID_ENVIRONMENT       = var.plaid.environment
    PLAID_COUNTRIES         = join(",", var.plaid.countries)
    PLAID_RECURRING         = tostring(var.plaid.recurring)
    PLAID_LIMIT_FACTOR      = tostring(var.plaid.limit_factor)
    PLAID_CLIENT_NAME       = var.plaid.client_name
    PLAID_PRODUCTS          = join(",", var.plaid.products)
    PLAID_OPTIONAL_PRODUCTS = join(",", var.plaid.optional_products)
    PLAID_LANGUAGE          = var.plaid.language
    PLAID_DAYS              = tostring(var.plaid.days)
    PLAID_WEBHOOK_URL       = local.banks ? local.addresses.plaid_webhook : ""

    PUBLIC_URL           = local.addresses.public
    ORGANISATIONS        = join(",", [for slug, o in var.organisations : "${slug}=${trimspace(o.name)}"])
    CUSTOM_FIELD_COLUMNS = var.custom_field_columns
    EXPORT_FOLDER        = local.jobs.export.bucket
  }

  # One for each program.
  own_values = {
    DB_IAM_USER        = { for name in keys(local.programs) : name => local.database_users[name] }
    DB_MAX_CONNECTIONS = { for name, p in local.programs : name => tostring(p.db_connections) }
  }

  # From Secret Manager: the secret's name.
  secret_values = {
    QUICKBOOKS_CLIENT_SECRET          = "quickbooks-client-secret"
    QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN = "quickbooks-webhook-verifier-token"
    PLAID_SECRET                      = "plaid-secret"
    CONNECT_SIGNING_KEY               = "connect-signing-key"
    DB_PASSWORD                       = "database-password"
  }
}

# Where browsers and providers come to. Cloud Run's addresses are known before there is a service, by the
# project's number: a service can so be told its own.
locals {
  run_addresses = { for name in keys(local.functions) : name => "https://${name}-${data.google_project.this.number}.${var.region}.run.app" }

  addresses = var.domain == null ? {
    public                = local.run_addresses.connect
    quickbooks_webhook    = "${local.run_addresses.quickbookswebhook}/"
    quickbooks_disconnect = "${local.run_addresses.quickbookswebhook}/disconnect"
    plaid_webhook         = "${local.run_addresses.plaidwebhook}/"
    } : {
    public                = "https://${var.domain}"
    quickbooks_webhook    = "https://${var.domain}/webhooks/quickbooks"
    quickbooks_disconnect = "https://${var.domain}/webhooks/quickbooks/disconnect"
    plaid_webhook         = "https://${var.domain}/webhooks/plaid"
  }
}
