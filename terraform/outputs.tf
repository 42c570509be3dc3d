output "intuit" {
  description = "What to register in Intuit's developer portal, for the app's environment."
  value = {
    redirect_uri       = "${local.addresses.public}/connect/quickbooks/callback"
    webhook_endpoint   = local.addresses.quickbooks_webhook
    disconnect_address = local.addresses.quickbooks_disconnect
  }
}

output "plaid" {
  description = "What to register in Plaid's dashboard. Its webhooks' address is given to each bank login by itself."
  value = {
    redirect_uri     = "${local.addresses.public}/connect/plaid/callback"
    webhook_endpoint = local.banks ? local.addresses.plaid_webhook : null
  }
}

output "addresses" {
  description = "Where Cloud Run serves each function."
  value       = { for name, f in google_cloud_run_v2_service.function : name => f.uri }
}

output "database" {
  description = "The instance by the name that connectors want, the private address, and the replica's public one, for AppSheet and BI tools."
  value = {
    instance = google_sql_database_instance.primary.connection_name
    private  = google_sql_database_instance.primary.private_ip_address
    replica  = one(google_sql_database_instance.replica[*].public_ip_address)
  }
}

output "connections" {
  description = "Connections that everything together may open to the database, and what it allows."
  value       = merge(local.connections, { sum = local.connections_wanted, allowed = var.database.max_connections })
}

output "exports" {
  description = "The bucket of jobs/export."
  value       = google_storage_bucket.exports.url
}

output "release" {
  description = "Builds and releases what is checked out, from the root of the sources. A version that ends with -dirty is more than its commit."
  value = join(" ", [
    "gcloud builds submit --project=${var.project} --region=${local.build_region} --config=cloudbuild.yaml",
    "--gcs-source-staging-dir=gs://${google_storage_bucket.sources.name}/sources",
    "\"--substitutions=^;^_VERSION=$(git describe --always --dirty);${join(";", [for k, v in local.substitutions : "${k}=${v}"])}\"",
  ])
}

output "next_steps" {
  description = "What is left to people after the first apply, in this order; docs/operations.md has the whole."
  value       = <<-STEPS
    1. The owner of the tables. Only Secret Manager and the database learn its password:
         PASSWORD=$(openssl rand -hex 32)
         gcloud sql users create migrate --project=${var.project} --instance=${local.instance} --password="$PASSWORD"
         printf %s "$PASSWORD" | gcloud secrets versions add database-password --project=${var.project} --data-file=-
    2. The key of the connect links:
         openssl rand -hex 32 | tr -d '\n' | gcloud secrets versions add connect-signing-key --project=${var.project} --data-file=-
    3. At Intuit: register ${local.addresses.public}/connect/quickbooks/callback, ${local.addresses.quickbooks_webhook} and ${local.addresses.quickbooks_disconnect}
       add what it gives to quickbooks-client-secret and quickbooks-webhook-verifier-token, as in step 2.
    4. ${local.banks ? "At Plaid: register ${local.addresses.public}/connect/plaid/callback; add the secret of its environment to plaid-secret." : "No banks: plaid.client_id is not set, nothing to do."}
    5. Build and release: terraform output -raw release
    6. Connect the first organisation: go run ./jobs/link, with CONNECT_SIGNING_KEY from Secret Manager and PUBLIC_URL=${local.addresses.public}
  STEPS
}
