# A place to try things: the providers' sandboxes, the smallest database, nothing kept warm.
#
#   terraform apply -var-file=environments/dev.tfvars -var project=… -var region=…
#
# A month: the database 26 $ and its disk 4 $ (db-g1-small; Google promises no availability for it), Cloud
# Scheduler 0.30 $ (six jobs, three are free), secrets and images below 1 $; all else fits what is free.

project     = "example-books-dev"
region      = "europe-west2"
environment = "dev"

organisations = {
  onpoint  = { name = "OnPoint" }
  powergen = { name = "PowerGen", every = "*/10 * * * *" }
}

quickbooks = {
  client_id   = "the-sandbox-app"
  environment = "sandbox"
}

database = {
  tier            = "db-g1-small"
  max_connections = 150
  backups_kept    = 7
}

alert_emails = ["books-dev@example.com"]
trace_share  = 1
