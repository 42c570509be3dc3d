# Who is who, and may do what. There are no keys: Google signs for each account where it runs.

# One account for each program (an id wants six letters: hence run-).
resource "google_service_account" "runtime" {
  for_each     = local.programs
  account_id   = "run-${each.key}"
  display_name = "Program ${each.key}"
  depends_on   = [google_project_service.services]
}

resource "google_service_account" "helper" {
  for_each = {
    builder   = "Builds and releases (cloudbuild.yaml)"
    scheduler = "Cloud Scheduler's calls"
    pusher    = "Pub/Sub's pushes"
  }
  account_id   = each.key
  display_name = each.value
  depends_on   = [google_project_service.services]
}

locals {
  account_ids  = { for name, a in merge(google_service_account.runtime, google_service_account.helper) : name => a.account_id }
  emails       = { for name, id in local.account_ids : name => "${id}@${var.project}.iam.gserviceaccount.com" }
  members      = { for name, email in local.emails : name => "serviceAccount:${email}" }
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# --- who calls what

# Public functions have no caller here: see run.tf. The builder looks at a release before it gets traffic.
locals {
  callers = merge([
    for name, f in local.services : { for who in [f.caller, "builder"] : "${who}/${name}" => { who = who, function = name } }
    if f.caller != "everyone"
  ]...)
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = local.callers
  name     = google_cloud_run_v2_service.function[each.value.function].name
  location = var.region
  role     = "roles/run.invoker"
  member   = local.members[each.value.who]
}

resource "google_cloud_run_v2_job_iam_member" "starter" {
  for_each = { for name, j in local.tasks : name => j if j.starter != "person" }
  name     = google_cloud_run_v2_job.job[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = local.members[each.value.starter]
}

# Arguments other than the job's own are a right of their own.
resource "google_project_iam_custom_role" "overrider" {
  role_id     = "countinghouseJobArguments"
  title       = "Countinghouse: start a job with arguments"
  permissions = ["run.jobs.runWithOverrides"]
  depends_on  = [google_project_service.services]
}

resource "google_cloud_run_v2_job_iam_member" "overrider" {
  for_each = toset([for name, x in local.executions : x.job if length(x.args) > 0])
  name     = google_cloud_run_v2_job.job[each.key].name
  location = var.region
  role     = google_project_iam_custom_role.overrider.name
  member   = local.members.scheduler
}

# --- the database: all reach it; the login is one of the account's own, or the owner's

resource "google_project_iam_member" "database" {
  for_each = merge(
    { for name, p in local.programs : "${name}/client" => { program = name, role = "roles/cloudsql.client" } },
    { for name, p in local.programs : "${name}/login" => { program = name, role = "roles/cloudsql.instanceUser" } if contains(p.reads, "login") },
  )
  project = var.project
  role    = each.value.role
  member  = local.members[each.value.program]
}

# --- traces. Logs need no right: Cloud Run takes them from the programs' output.

locals {
  # Lets in at Google's OTLP endpoint. Where it does not exist: roles/cloudtrace.agent.
  trace_role = "roles/telemetry.tracesWriter"
}

resource "google_project_iam_member" "traces" {
  for_each = local.programs
  project  = var.project
  role     = local.trace_role
  member   = local.members[each.key]
}

# --- the tokens of connections: secrets that begin with "connection-"

locals {
  # What "tokens" in house.tf means, in what the programs ask of Secret Manager.
  token_rights = {
    keep = { # read a token, store its successor, destroy what it replaced
      title       = "read, add and destroy tokens"
      permissions = ["secretmanager.versions.access", "secretmanager.versions.add", "secretmanager.versions.destroy", "secretmanager.versions.get", "secretmanager.versions.list"]
      limited     = true
    }
    make = { # a secret for a new connection; the right is the project's, and gives no look into any secret
      title       = "make secrets"
      permissions = ["secretmanager.secrets.create"]
      limited     = false
    }
    list = { # names alone
      title       = "list secrets"
      permissions = ["secretmanager.secrets.list"]
      limited     = false
    }
    delete = { # what is left when an organisation has gone
      title       = "delete secrets of connections"
      permissions = ["secretmanager.secrets.delete"]
      limited     = true
    }
  }

  token_holders = merge([
    for name, p in local.programs : { for right in p.tokens : "${name}/${right}" => { program = name, right = right } }
  ]...)
}

# Roles of our own: Google's would also let tokens be disabled, or secrets be changed.
resource "google_project_iam_custom_role" "tokens" {
  for_each    = local.token_rights
  role_id     = "countinghouseTokens${title(each.key)}"
  title       = "Countinghouse: ${each.value.title}"
  permissions = each.value.permissions
  depends_on  = [google_project_service.services]
}

resource "google_project_iam_member" "tokens" {
  for_each = local.token_holders
  project  = var.project
  role     = google_project_iam_custom_role.tokens[each.value.right].name
  member   = local.members[each.value.program]

  dynamic "condition" {
    for_each = local.token_rights[each.value.right].limited ? ["connection-"] : []
    content {
      title       = "connections only"
      description = "The app's own secrets are read where house.tf says so, and nowhere by this."
      expression  = "resource.name.startsWith(\"projects/${data.google_project.this.number}/secrets/${condition.value}\")"
    }
  }
}
