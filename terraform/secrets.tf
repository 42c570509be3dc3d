# The app's own secrets. Each is made with a first version that says "(unset)", which programs take as not
# set, so that Terraform can make all programs before the providers have given their keys. The two receivers of
# webhooks start without, and refuse what comes; syncorg and connect do not start before they have the keys of their
# provider. The real value is added by a person, and never passes through Terraform:
#
#   printf %s "$VALUE" | gcloud secrets versions add quickbooks-client-secret --data-file=-
#
# Instances read the latest version when they start: release once more, so that all do. Leave version 1 as it
# is: Terraform makes a destroyed one anew, and that would then be the latest.
#
# Secrets of connections, connection-…, are made by the programs when somebody connects, and are unknown here.

locals {
  app_secrets = toset(values(local.secret_values))
}

resource "google_secret_manager_secret" "app" {
  for_each  = local.app_secrets
  secret_id = each.key
  replication {
    auto {}
  }
  depends_on = [google_project_service.services]
}

resource "google_secret_manager_secret_version" "unset" {
  for_each        = local.app_secrets
  secret          = google_secret_manager_secret.app[each.key].id
  secret_data     = "(unset)"
  deletion_policy = "ABANDON"
  lifecycle {
    ignore_changes = [enabled]
  }
}

# Each is read by the programs whose variables come from it, and by nobody else.
locals {
  readings = merge([
    for name, p in local.programs : {
      for v in p.variables : "${name}/${local.secret_values[v]}" => { program = name, secret = local.secret_values[v] }
      if contains(keys(local.secret_values), v)
    }
  ]...)
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.readings
  secret_id = google_secret_manager_secret.app[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.members[each.value.program]
}
