# Who may do what, row by row: a right that is not in these lists is one too many, and one that is missing from the
# house is one too few. Rows read "what: account".

mock_provider "google" {}

variables {
  metrics_known_after = 0
}

run "rights" {
  command = apply

  # The lists below go through the members of these blocks. A block that is not named here would escape them all.
  assert {
    condition = toset(flatten([for f in fileset(path.root, "*.tf") : [for r in regexall("(?m)^resource +\"(google_[a-z0-9_]*(?:_iam_|_acl|_access_control|_membership|service_account)[a-z0-9_]*)\" +\"([a-z0-9_]+)\"", file(f)) : "${r[0]}.${r[1]}"]])) == toset([
      "google_artifact_registry_repository_iam_member.builder",
      "google_cloud_run_v2_job_iam_member.overrider",
      "google_cloud_run_v2_job_iam_member.starter",
      "google_cloud_run_v2_service_iam_member.caller",
      "google_project_iam_audit_config.secrets",
      "google_project_iam_custom_role.overrider",
      "google_project_iam_custom_role.releaser",
      "google_project_iam_custom_role.tokens",
      "google_project_iam_member.builder",
      "google_project_iam_member.database",
      "google_project_iam_member.releaser",
      "google_project_iam_member.tokens",
      "google_project_iam_member.traces",
      "google_pubsub_subscription_iam_member.undertaker",
      "google_pubsub_topic_iam_member.publisher",
      "google_pubsub_topic_iam_member.undertaker",
      "google_secret_manager_secret_iam_member.reader",
      "google_service_account.helper",
      "google_service_account.runtime",
      "google_service_account_iam_member.builder_acts_as",
      "google_service_account_iam_member.builder_signs",
      "google_service_account_iam_member.pusher",
      "google_storage_bucket_iam_member.builder",
      "google_storage_bucket_iam_policy.exports",
    ])
    error_message = "There is a block about accounts or rights that this test does not know: name it here, and assert below what it may give."
  }

  assert {
    condition     = length(flatten([for f in fileset(path.root, "**/*.tf") : regexall("(?m)^module +\"", file(f))])) == 0 && length(fileset(path.root, "*.tf.json")) == 0
    error_message = "Modules and .tf.json would hide resources from this test."
  }

  # --- calls

  assert {
    condition = toset([for r in google_cloud_run_v2_service_iam_member.caller : "${r.name}: ${r.role} ${r.member}"]) == toset([
      for row in [
        "syncorg: pusher", "dispatch: scheduler", "watch: scheduler",
        "syncorg: builder", "dispatch: builder", "watch: builder", # looks at a release before it gets traffic
      ] : "${split(": ", row)[0]}: roles/run.invoker serviceAccount:${split(": ", row)[1]}@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "Private functions are called by Pub/Sub's pushes, the scheduler, and the builder, and by nobody else."
  }

  assert {
    condition     = toset([for name, f in google_cloud_run_v2_service.function : name if f.invoker_iam_disabled]) == toset(["connect", "quickbookswebhook", "plaidwebhook"])
    error_message = "connect and the webhooks are public, and nothing else is."
  }

  assert {
    condition = toset([for r in google_cloud_run_v2_job_iam_member.starter : "${r.name}: ${r.role} ${r.member}"]) == toset([
      for row in ["daily: scheduler", "reconcile: scheduler", "migrate: builder"] :
      "${split(": ", row)[0]}: roles/run.invoker serviceAccount:${split(": ", row)[1]}@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "The scheduler starts daily and reconcile, the builder migrate, and neither any other job: not erase, not export."
  }

  assert {
    condition = toset([for r in google_cloud_run_v2_job_iam_member.overrider : "${r.name} ${r.member}"]) == toset([
      "reconcile serviceAccount:scheduler@${var.project}.iam.gserviceaccount.com",
    ]) && google_project_iam_custom_role.overrider.permissions == toset(["run.jobs.runWithOverrides"])
    error_message = "Only reconcile is started with other arguments than its own."
  }

  # --- messages

  assert {
    condition = toset([for r in google_pubsub_topic_iam_member.publisher : "${r.topic}: ${r.role} ${r.member}"]) == toset([
      for program in ["syncorg", "connect", "quickbookswebhook", "plaidwebhook", "dispatch"] :
      "ticks: roles/pubsub.publisher serviceAccount:run-${program}@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "Those who ask for syncs publish ticks; nobody publishes anything else."
  }

  assert {
    condition = (
      toset([for r in google_pubsub_topic_iam_member.undertaker : "${r.topic}: ${r.role} ${r.member}"]) == toset([for t in ["ticks", "notices"] : "${t}-dead: roles/pubsub.publisher ${local.pubsub_agent}"])
      && google_pubsub_subscription_iam_member.undertaker.role == "roles/pubsub.subscriber"
      && google_pubsub_subscription_iam_member.undertaker.subscription == "syncorg"
      && google_pubsub_subscription_iam_member.undertaker.member == local.pubsub_agent
      && local.pubsub_agent == "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    )
    error_message = "Pub/Sub's own account moves dead letters, from syncorg's subscription to the dead topics alone."
  }

  # --- secrets of the app

  assert {
    condition = toset([for r in google_secret_manager_secret_iam_member.reader : "${r.secret_id}: ${r.role} ${r.member}"]) == toset([
      for row in concat(
        [for p in ["syncorg", "connect", "backfill", "reconcile", "daily", "erase"] : "quickbooks-client-secret: ${p}"],
        [for p in ["syncorg", "connect", "plaidwebhook", "backfill", "reconcile", "daily", "erase"] : "plaid-secret: ${p}"],
        ["quickbooks-webhook-verifier-token: quickbookswebhook", "connect-signing-key: connect", "database-password: migrate", "database-password: erase"],
      ) : "${split(": ", row)[0]}: roles/secretmanager.secretAccessor serviceAccount:run-${split(": ", row)[1]}@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "A secret of the app is read by those who cannot work without it, and not changed by anybody."
  }

  assert {
    condition     = toset([for s in google_secret_manager_secret.app : s.secret_id]) == toset(["quickbooks-client-secret", "quickbooks-webhook-verifier-token", "plaid-secret", "connect-signing-key", "database-password"]) && alltrue([for s in google_secret_manager_secret.app : !startswith(s.secret_id, "connection-")])
    error_message = "A new secret: who reads it, and is its name outside of those that programs may read as connections'?"
  }

  assert {
    condition     = alltrue([for v in google_secret_manager_secret_version.unset : v.secret_data == "(unset)"])
    error_message = "A value of a secret stands in Terraform, and so in its state."
  }

  # --- tokens of connections

  assert {
    condition = toset([for k, r in google_project_iam_member.tokens : "${split("/", k)[1]}: ${r.member}"]) == toset([
      for row in concat(
        [for p in ["syncorg", "connect", "backfill", "reconcile", "daily", "erase"] : "keep: ${p}"],
        ["make: connect", "list: daily", "list: erase", "delete: erase"],
      ) : "${split(": ", row)[0]}: serviceAccount:run-${split(": ", row)[1]}@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "Tokens are kept by those who sync, connect and clear away; made by connect, deleted by erase. Webhooks, dispatch, watch, migrate and export know none."
  }

  assert {
    condition = { for k, role in google_project_iam_custom_role.tokens : k => sort(role.permissions) } == {
      keep   = tolist(["secretmanager.versions.access", "secretmanager.versions.add", "secretmanager.versions.destroy", "secretmanager.versions.get", "secretmanager.versions.list"])
      make   = tolist(["secretmanager.secrets.create"])
      list   = tolist(["secretmanager.secrets.list"])
      delete = tolist(["secretmanager.secrets.delete"])
    }
    error_message = "What the roles for tokens let somebody do has changed."
  }

  assert {
    condition     = alltrue([for k, r in google_project_iam_member.tokens : r.role == google_project_iam_custom_role.tokens[split("/", k)[1]].name])
    error_message = "A right to tokens is called otherwise than it is."
  }

  # Whatever opens a secret, or takes one away, does so for connections' alone.
  assert {
    condition = alltrue([for k, r in google_project_iam_member.tokens :
      one(r.condition[*].expression) == "resource.name.startsWith(\"projects/${data.google_project.this.number}/secrets/connection-\")"
      if !contains(["make", "list"], split("/", k)[1])
    ])
    error_message = "A right to tokens reaches further than the secrets of connections."
  }

  # --- database and traces

  assert {
    condition = toset([for r in google_project_iam_member.database : "${r.role}: ${r.member}"]) == toset(concat(
      [for p in keys(local.programs) : "roles/cloudsql.client: serviceAccount:run-${p}@${var.project}.iam.gserviceaccount.com"],
      [for p in keys(local.programs) : "roles/cloudsql.instanceUser: serviceAccount:run-${p}@${var.project}.iam.gserviceaccount.com" if !contains(["migrate", "erase"], p)],
    ))
    error_message = "All programs reach the database; all but the two that sign in as its owner have a login of their own."
  }

  assert {
    condition     = toset([for u in google_sql_user.program : "${u.type} ${u.name}"]) == toset([for p in keys(local.programs) : "CLOUD_IAM_SERVICE_ACCOUNT run-${p}@${var.project}.iam" if !contains(["migrate", "erase"], p)])
    error_message = "Logins of the database: one for each program that has no password, and none with one."
  }

  assert {
    condition     = toset([for r in google_project_iam_member.traces : "${r.role}: ${r.member}"]) == toset([for p in keys(local.programs) : "roles/telemetry.tracesWriter: serviceAccount:run-${p}@${var.project}.iam.gserviceaccount.com"])
    error_message = "Programs write traces, and read none."
  }

  # --- the builder

  assert {
    condition = toset([for r in google_project_iam_member.builder : "${r.role}: ${r.member}"]) == toset([
      for role in ["cloudbuild.builds.viewer", "logging.logWriter", "ondemandscanning.admin", "serviceusage.serviceUsageConsumer"] :
      "roles/${role}: serviceAccount:builder@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "The builder has another right in the project than those to build, scan and release."
  }

  assert {
    condition = (
      google_project_iam_member.releaser.role == google_project_iam_custom_role.releaser.name
      && google_project_iam_member.releaser.member == local.members.builder
      && alltrue([for p in google_project_iam_custom_role.releaser.permissions : length(regexall("^run[.][a-z]+[.](get|list)$", p)) == 1 || contains(["run.services.update", "run.jobs.update"], p)])
      && alltrue([for p in ["run.services.get", "run.services.update", "run.jobs.get", "run.jobs.update", "run.revisions.get", "run.executions.get"] : contains(google_project_iam_custom_role.releaser.permissions, p)])
    )
    error_message = "The builder looks at and changes what runs: it makes and deletes nothing, starts no job by this role, and gives nobody rights."
  }

  assert {
    condition = (
      google_artifact_registry_repository_iam_member.builder.role == "roles/artifactregistry.writer"
      && google_artifact_registry_repository_iam_member.builder.repository == google_artifact_registry_repository.images.repository_id
      && google_artifact_registry_repository_iam_member.builder.member == local.members.builder
    )
    error_message = "The builder writes images into one repository."
  }

  assert {
    condition = (
      { for k, r in google_service_account_iam_member.builder_acts_as : k => "${r.service_account_id} ${r.role} ${r.member}" } == { for k, a in google_service_account.runtime : k => "${a.name} roles/iam.serviceAccountUser ${local.members.builder}" }
      && google_service_account_iam_member.builder_signs.service_account_id == google_service_account.helper["builder"].name
      && google_service_account_iam_member.builder_signs.member == local.members.builder
      && google_service_account_iam_member.pusher.service_account_id == google_service_account.helper["pusher"].name
      && google_service_account_iam_member.pusher.member == local.pubsub_agent
      && toset([google_service_account_iam_member.builder_signs.role, google_service_account_iam_member.pusher.role]) == toset(["roles/iam.serviceAccountTokenCreator"])
    )
    error_message = "The builder acts as the programs it releases and signs for itself; Pub/Sub signs as pusher. Nobody else is anybody else."
  }

  assert {
    condition = (
      google_storage_bucket_iam_member.builder.role == "roles/storage.objectViewer"
      && google_storage_bucket_iam_member.builder.bucket == google_storage_bucket.sources.name
      && google_storage_bucket_iam_member.builder.member == local.members.builder
    )
    error_message = "The builder reads sources, and changes none."
  }

  # --- the bucket of exports

  assert {
    condition = jsondecode(google_storage_bucket_iam_policy.exports.policy_data) == {
      bindings = [
        { role = "roles/storage.admin", members = ["projectOwner:${var.project}"] },
        { role = "roles/storage.objectUser", members = ["serviceAccount:run-export@${var.project}.iam.gserviceaccount.com"] },
      ]
    }
    error_message = "Exports are written by the job export, and read by the project's owners."
  }

  assert {
    condition     = alltrue([for b in [google_storage_bucket.exports, google_storage_bucket.sources] : b.uniform_bucket_level_access && b.public_access_prevention == "enforced"])
    error_message = "A bucket could become public."
  }

  assert {
    condition     = !google_storage_bucket.exports.force_destroy && length(google_storage_bucket.exports.soft_delete_policy) == 1 && one(flatten([for r in google_storage_bucket.exports.lifecycle_rule : [for c in r.condition : c.age]])) == 30
    error_message = "Exports are kept for 30 days, and do not go with their bucket."
  }

  # --- over everything

  assert {
    condition = alltrue([for role in concat(
      [for r in google_cloud_run_v2_service_iam_member.caller : r.role], [for r in google_cloud_run_v2_job_iam_member.starter : r.role],
      [for r in google_pubsub_topic_iam_member.publisher : r.role], [for r in google_pubsub_topic_iam_member.undertaker : r.role],
      [for r in google_secret_manager_secret_iam_member.reader : r.role], [for r in google_project_iam_member.database : r.role],
      [for r in google_project_iam_member.traces : r.role], [for r in google_project_iam_member.builder : r.role],
    ) : !contains(["roles/owner", "roles/editor", "roles/viewer"], role) && (!endswith(lower(role), "admin") || role == "roles/ondemandscanning.admin")])
    error_message = "A role for administrators, or one of the three that give nearly everything."
  }

  assert {
    condition = alltrue([for member in concat(
      [for r in google_cloud_run_v2_service_iam_member.caller : r.member], [for r in google_cloud_run_v2_job_iam_member.starter : r.member],
      [for r in google_pubsub_topic_iam_member.publisher : r.member], [for r in google_secret_manager_secret_iam_member.reader : r.member],
      [for r in google_project_iam_member.tokens : r.member], [for r in google_project_iam_member.database : r.member],
    ) : startswith(member, "serviceAccount:") && endswith(member, "@${var.project}.iam.gserviceaccount.com")])
    error_message = "A right for somebody who is not one of this project's own service accounts."
  }

  assert {
    condition     = toset([for a in google_service_account.helper : a.account_id]) == toset(["builder", "scheduler", "pusher"])
    error_message = "Another account than those of programs, builder, scheduler and pusher."
  }

  assert {
    condition     = { for c in google_project_iam_audit_config.secrets.audit_log_config : c.log_type => length(c.exempted_members == null ? [] : c.exempted_members) } == { DATA_READ = 0, DATA_WRITE = 0 } && google_project_iam_audit_config.secrets.service == "secretmanager.googleapis.com"
    error_message = "It must be kept who read which secret."
  }
}
