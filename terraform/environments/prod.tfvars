# The real thing, for some ten organisations.
#
#   terraform apply -var-file=environments/prod.tfvars -var project=… -var region=…
#
# What a month costs, in US dollars at list prices as of 2026-11 in a tier 1 region; each organisation is looked
# at every three minutes, a look takes 1.5 s and is mostly waiting, and six looks share an instance:
#
#                              10                1,000             10,000 organisations
#   ticks                      144,000           14.4 million      144 million
#   Cloud Run                  0                 91                961
#   kept warm, 10 each         20                20                40
#   Pub/Sub                    0                 1                 10
#   Cloud Scheduler            1                 0 (fleet)         0 (fleet)
#   secrets                    1                 60                600
#   reading them, hourly       0                 2                 22
#   logs                       0                 0                 176
#   database, with ha          98                198               394
#   in all                     about 120         about 370         about 2,200
#
# The database's disk comes on top: some 0.2 $ a GB, twice with ha.
#
#   ticks = 14,400 an organisation; Cloud Run = (ticks · 1.5 s / 6 − what is free) · (0.000024 $ a processor second
#   + 0.0000025 $ / 2 for half a GiB) + 0.40 $ a million calls above two; secrets = 0.06 $ each above six. In fleet
#   mode organisations with live webhooks are looked at less often than that: this is the most.
#
# What to change for more (see also docs/operations.md):
#   from 300    fleet = true
#   1,000       tier = "db-custom-2-7680", max_connections = 300; scale: syncorg = { max = 12 },
#               quickbookswebhook = { min = 1, max = 4 }, plaidwebhook = { min = 1, max = 4 }
#   10,000      tier = "db-custom-4-15360" or more, max_connections = 700; scale: syncorg = { max = 40, concurrency = 24 },
#               quickbookswebhook = { min = 2, max = 8 }, plaidwebhook = { min = 2, max = 8 }, reconcile = { memory = 2048 }.
#               Renewing 10,000 tokens an hour is 333 writes a minute to Secret Manager, which allows 600.

project     = "example-books-prod"
region      = "europe-west2"
environment = "prod"

organisations = {
  onpoint  = { name = "OnPoint" }
  powergen = { name = "PowerGen" }
}

custom_field_columns = "onpoint/invoices/Generator Model=generatormodel,powergen/invoices/Engine Model=enginemodel"

quickbooks = {
  client_id   = "the-production-app"
  environment = "production"
}

plaid = {
  client_id   = "the-plaid-app"
  environment = "production"
}

database = {
  tier            = "db-custom-1-3840"
  disk_gb         = 50
  ha              = true
  max_connections = 200
  backups_kept    = 30

  # AppSheet publishes the addresses that it comes from; a BI tool has its own. 49 $ more.
  # replica = {
  #   tier     = "db-custom-1-3840"
  #   networks = { office = "203.0.113.7/32" }
  # }
}

# With a name of one's own a load balancer stands in front: some 20 $ more.
# domain = "books.example.com"

alert_emails    = ["books@example.com"]
monthly_budget  = 200
billing_account = "000000-000000-000000"

# Intuit waits three seconds for an answer, Plaid ten: an instance of each is kept warm.
scale = {
  quickbookswebhook = { min = 1 }
  plaidwebhook      = { min = 1 }
}
