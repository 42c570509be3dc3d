# What holds for every program, every message and every schedule, however many there will be.

mock_provider "google" {}

variables {
  metrics_known_after = 0
}

run "house" {
  command = apply

  # --- programs

  assert {
    condition = toset(flatten([for f in fileset(path.root, "*.tf") : [for r in regexall("(?m)^resource +\"(google_(?:cloud_run|cloudfunctions|app_engine|container|compute_instance)[a-z0-9_]*)\" +\"([a-z0-9_]+)\"", file(f)) : "${r[0]}.${r[1]}"]])) == toset([
      "google_cloud_run_v2_job.job", "google_cloud_run_v2_job_iam_member.overrider", "google_cloud_run_v2_job_iam_member.starter",
      "google_cloud_run_v2_service.function", "google_cloud_run_v2_service_iam_member.caller",
    ])
    error_message = "Something runs that is not in house.tf."
  }

  assert {
    condition = (
      toset(keys(google_cloud_run_v2_service.function)) == toset(keys(local.functions))
      && toset(keys(google_cloud_run_v2_job.job)) == toset(keys(local.jobs))
      && alltrue([for name, f in google_cloud_run_v2_service.function : f.name == name])
      && alltrue([for name, j in google_cloud_run_v2_job.job : j.name == name])
    )
    error_message = "Each program of house.tf is deployed under its own name."
  }

  assert {
    condition = (
      alltrue([for name, f in google_cloud_run_v2_service.function : f.template[0].service_account == "run-${name}@${var.project}.iam.gserviceaccount.com"])
      && alltrue([for name, j in google_cloud_run_v2_job.job : j.template[0].template[0].service_account == "run-${name}@${var.project}.iam.gserviceaccount.com"])
      && toset(keys(google_service_account.runtime)) == setunion(keys(google_cloud_run_v2_service.function), keys(google_cloud_run_v2_job.job))
    )
    error_message = "Two programs share an account, or one has none."
  }

  assert {
    condition = alltrue([for f in google_cloud_run_v2_service.function :
      length(f.template[0].containers[0].startup_probe[0].tcp_socket) == 1
      && f.template[0].containers[0].startup_probe[0].period_seconds * f.template[0].containers[0].startup_probe[0].failure_threshold >= 10
      && f.template[0].containers[0].liveness_probe[0].http_get[0].path == "/healthz"
    ])
    error_message = "A function without probes; or its life hangs on /readyz, and so on the database."
  }

  assert {
    condition = alltrue([for f in google_cloud_run_v2_service.function :
      f.template[0].max_instance_request_concurrency > 1
      && tonumber(f.template[0].containers[0].resources[0].limits.cpu) >= 1
      && f.template[0].containers[0].resources[0].cpu_idle
      && f.template[0].containers[0].resources[0].startup_cpu_boost
      && f.template[0].scaling[0].max_instance_count >= 1
      && f.template[0].scaling[0].max_instance_count <= 100
    ])
    error_message = "An instance for each request: that is what costs most. Or no limit to the number of instances, and so to the connections."
  }

  assert {
    condition = (
      alltrue([for f in google_cloud_run_v2_service.function : f.template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY" && length(f.template[0].vpc_access[0].network_interfaces) == 1])
      && alltrue([for j in google_cloud_run_v2_job.job : j.template[0].template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY"])
    )
    error_message = "A program that does not reach the database's private address, or everything else only through it."
  }

  # Secrets come from Secret Manager by their names; in a plain variable anybody who may look at the service sees them.
  assert {
    condition = alltrue([for name, vars in local.environment : length(setintersection(keys(vars), keys(local.secret_values))) == 0]) && alltrue(flatten([
      for c in concat([for f in google_cloud_run_v2_service.function : f.template[0].containers[0]], [for j in google_cloud_run_v2_job.job : j.template[0].template[0].containers[0]]) :
      [for e in c.env : e.value_source == null ? true : length(e.value_source) == 0 || e.value == null]
    ]))
    error_message = "A secret stands in a plain variable."
  }

  assert {
    condition = alltrue([for name, p in local.programs :
      toset(p.variables) == setunion([for v in p.variables : v if try(local.values[v], "") != "" || contains(keys(local.own_values), v) || contains(keys(local.secret_values), v)],
      [for v in p.variables : v if try(local.values[v], null) == ""])
    ])
    error_message = "A program reads a variable that has no value in settings.tf."
  }

  assert {
    condition     = alltrue([for name, p in local.programs : length(setsubtract(p.reads, keys(local.groups))) == 0])
    error_message = "A program reads a group of variables that house.tf does not have."
  }

  # What a run does last, it does before its request is cut off; and Pub/Sub waits for longer than that.
  assert {
    condition = (
      tonumber(trimsuffix(local.values.SYNC_LIMIT, "s")) + 30 <= tonumber(trimsuffix(google_cloud_run_v2_service.function["syncorg"].template[0].timeout, "s"))
      && tonumber(trimsuffix(google_cloud_run_v2_service.function["dispatch"].template[0].timeout, "s")) > tonumber(trimsuffix(local.values.DISPATCH_WINDOW, "s"))
    )
    error_message = "A run may take longer than its request."
  }

  assert {
    condition     = { for name, j in google_cloud_run_v2_job.job : name => join(" ", j.template[0].template[0].containers[0].args) if length(j.template[0].template[0].containers[0].args) > 0 } == { reconcile = "-all" }
    error_message = "Jobs get their arguments from whoever starts them; only reconcile has some of its own."
  }

  assert {
    condition     = length([for name, j in google_cloud_run_v2_job.job : name if length(j.template[0].template[0].volumes) > 0]) == 1 && google_cloud_run_v2_job.job["export"].template[0].template[0].containers[0].volume_mounts[0].mount_path == local.values.EXPORT_FOLDER
    error_message = "The bucket of exports is where the job export writes, and in no other program."
  }

  # --- messages

  assert {
    condition = toset(flatten([for f in fileset(path.root, "*.tf") : [for r in regexall("(?m)^resource +\"(google_pubsub_[a-z0-9_]*)\" +\"([a-z0-9_]+)\"", file(f)) : "${r[0]}.${r[1]}"]])) == toset([
      "google_pubsub_subscription.dead", "google_pubsub_subscription.syncorg", "google_pubsub_subscription_iam_member.undertaker",
      "google_pubsub_topic.dead", "google_pubsub_topic.topic", "google_pubsub_topic_iam_member.publisher", "google_pubsub_topic_iam_member.undertaker",
    ])
    error_message = "A topic or subscription that this test does not know: name it here, and let it take part in the rules below."
  }

  assert {
    condition     = toset([for t in google_pubsub_topic.topic : t.name]) == toset(["ticks", "notices"]) && google_pubsub_topic.topic["ticks"].name == local.values.SYNC_TOPIC
    error_message = "Programs send their ticks elsewhere."
  }

  assert {
    condition = (
      toset([for t in google_pubsub_topic.dead : t.name]) == toset([for t in google_pubsub_topic.topic : "${t.name}-dead"])
      && { for k, s in google_pubsub_subscription.dead : k => s.topic } == { for k, t in google_pubsub_topic.dead : k => t.id }
    )
    error_message = "A topic without a dead-letter topic, or one whose dead letters are lost because nobody subscribes to it."
  }

  assert {
    condition     = alltrue([for s in concat(values(google_pubsub_subscription.dead), [google_pubsub_subscription.syncorg]) : one(s.expiration_policy[*].ttl) == ""])
    error_message = "A subscription that Pub/Sub deletes when nothing has come for a month."
  }

  assert {
    condition     = alltrue([for s in [google_pubsub_subscription.syncorg] : s.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.dead["ticks"].id && s.dead_letter_policy[0].max_delivery_attempts >= 5 && s.retry_policy[0].minimum_backoff == "10s"])
    error_message = "A subscription without dead letters, or whose messages come again at once."
  }

  assert {
    condition = (
      google_pubsub_subscription.syncorg.ack_deadline_seconds >= tonumber(trimsuffix(google_cloud_run_v2_service.function["syncorg"].template[0].timeout, "s"))
      && google_pubsub_subscription.syncorg.ack_deadline_seconds <= 600
      && google_pubsub_subscription.syncorg.message_retention_duration == "600s"
      && google_pubsub_subscription.syncorg.topic == google_pubsub_topic.topic["ticks"].id
      && google_pubsub_subscription.syncorg.filter == null
      && google_pubsub_subscription.syncorg.enable_message_ordering != true
    )
    error_message = "Ticks are worked on for up to the service's time, kept for 10 minutes, and neither filtered nor ordered."
  }

  assert {
    condition = (
      google_pubsub_subscription.syncorg.push_config[0].push_endpoint == google_cloud_run_v2_service.function["syncorg"].uri
      && google_pubsub_subscription.syncorg.push_config[0].oidc_token[0].audience == google_cloud_run_v2_service.function["syncorg"].uri
      && google_pubsub_subscription.syncorg.push_config[0].oidc_token[0].service_account_email == "pusher@${var.project}.iam.gserviceaccount.com"
      && length(google_pubsub_subscription.syncorg.push_config[0].no_wrapper) == 0
    )
    error_message = "Ticks are pushed to syncorg, wrapped, and signed by pusher."
  }

  # --- schedules

  assert {
    condition = toset(flatten([for f in fileset(path.root, "*.tf") : [for r in regexall("(?m)^resource +\"(google_cloud_scheduler_job)\" +\"([a-z0-9_]+)\"", file(f)) : "${r[0]}.${r[1]}"]])) == toset([
      "google_cloud_scheduler_job.dispatch", "google_cloud_scheduler_job.execution", "google_cloud_scheduler_job.tick", "google_cloud_scheduler_job.watch",
    ])
    error_message = "A schedule that this test does not know: name it here, and assert below who it signs as."
  }
}

# --- what changes with the variables

# plaidwebhook is there and refuses; no bank is told of it.
run "without_banks" {
  command = plan
  variables {
    plaid = {}
  }

  assert {
    condition     = output.plaid.webhook_endpoint == null && !contains(keys(local.environment.connect), "PLAID_WEBHOOK_URL")
    error_message = "Without a Plaid app nothing is to be registered at Plaid, and no bank is told where to send webhooks."
  }
}

run "with_banks" {
  command = plan
  variables {
    plaid = { client_id = "a-plaid-app" }
  }

  assert {
    condition     = contains(keys(google_cloud_run_v2_service.function), "plaidwebhook") && local.environment.connect.PLAID_WEBHOOK_URL == output.plaid.webhook_endpoint && startswith(output.plaid.webhook_endpoint, "https://plaidwebhook-")
    error_message = "Banks are told another address than that of plaidwebhook."
  }
}

# A figure in scale that would cost more connections than there are is refused, in words.
run "too_many_connections" {
  command = plan
  variables {
    scale = { syncorg = { max = 100 } }
  }
  expect_failures = [google_sql_database_instance.primary]
}

run "one_request_an_instance" {
  command = plan
  variables {
    scale = { watch = { concurrency = 1 } }
  }
  expect_failures = [google_cloud_run_v2_service.function]
}

run "a_program_that_is_not_there" {
  command = plan
  variables {
    scale = { syncorgs = { max = 1 } }
  }
  expect_failures = [var.scale]
}

# Google takes a range by its first address only.
run "a_range_from_its_middle" {
  command = plan
  variables {
    programs_range = "10.11.1.0/20"
  }
  expect_failures = [var.programs_range]
}

run "quiet_log" {
  command = plan
  variables {
    log_level = "ERROR"
  }
  expect_failures = [var.log_level]
}

run "an_organisation_each" {
  command = plan
  variables {
    fleet = false
    organisations = {
      a = { name = "A" }
      b = { name = "B" }
      c = { name = "C" }
      d = { name = "D", every = "*/7 * * * *" }
      e = { name = "E", every = "*/5 * * * *" }
    }
  }

  assert {
    condition = (
      { for k, j in google_cloud_scheduler_job.tick : k => j.pubsub_target[0].attributes } == { for k in keys(var.organisations) : k => tomap({ org = k, reason = "schedule" }) }
      && alltrue([for j in google_cloud_scheduler_job.tick : j.pubsub_target[0].topic_name == google_pubsub_topic.topic["ticks"].id])
    )
    error_message = "An organisation without ticks of its own."
  }

  assert {
    condition     = { for k, j in google_cloud_scheduler_job.tick : k => j.schedule } == { a = "0-59/3 * * * *", b = "1-59/3 * * * *", c = "2-59/3 * * * *", d = "*/7 * * * *", e = "4-59/5 * * * *" }
    error_message = "Schedules are not spread over the minutes, or one was changed that cannot be."
  }

  assert {
    condition     = length(google_cloud_scheduler_job.dispatch) == 0
    error_message = "Ticks come twice: from schedules and from dispatch."
  }

  # Whoever is called knows who calls.
  assert {
    condition = alltrue([for j in concat([google_cloud_scheduler_job.watch], values(google_cloud_scheduler_job.execution)) :
      j.http_target[0].http_method == "POST"
      && try(j.http_target[0].oidc_token[0].service_account_email, j.http_target[0].oauth_token[0].service_account_email) == "scheduler@${var.project}.iam.gserviceaccount.com"
    ])
    error_message = "A call of the scheduler's that is not signed as scheduler."
  }

  assert {
    condition = (
      google_cloud_scheduler_job.watch.schedule == "*/5 * * * *"
      && google_cloud_scheduler_job.watch.http_target[0].uri == "${google_cloud_run_v2_service.function["watch"].uri}/"
      && google_cloud_scheduler_job.watch.http_target[0].oidc_token[0].audience == google_cloud_run_v2_service.function["watch"].uri
    )
    error_message = "watch is called every 5 minutes: alerts count on it."
  }

  assert {
    condition = { for k, j in google_cloud_scheduler_job.execution : k => "${j.schedule} ${basename(j.http_target[0].uri)} ${base64decode(j.http_target[0].body)}" } == {
      daily          = "40 3 * * * daily:run {}"
      reconcile      = "20 5 * * 0 reconcile:run {}"
      reconcile-full = "20 5 4 * * reconcile:run ${jsonencode({ overrides = { containerOverrides = [{ args = ["-all", "-full"] }] } })}"
    }
    error_message = "Jobs: daily every day, reconcile every week, and with -full every month."
  }

  assert {
    condition     = alltrue([for j in concat([google_cloud_scheduler_job.watch], values(google_cloud_scheduler_job.execution), values(google_cloud_scheduler_job.tick)) : j.time_zone == "Etc/UTC"])
    error_message = "A schedule that jumps twice a year."
  }
}

run "fleet" {
  command = plan
  variables {
    fleet = true
  }

  assert {
    condition     = length(google_cloud_scheduler_job.tick) == 0 && google_cloud_scheduler_job.dispatch[0].schedule == "* * * * *"
    error_message = "In fleet mode dispatch is called every minute, and organisations have no schedules."
  }

  assert {
    condition = (
      google_cloud_scheduler_job.dispatch[0].http_target[0].uri == "${google_cloud_run_v2_service.function["dispatch"].uri}/"
      && google_cloud_scheduler_job.dispatch[0].http_target[0].oidc_token[0].service_account_email == "scheduler@${var.project}.iam.gserviceaccount.com"
      && google_cloud_scheduler_job.dispatch[0].http_target[0].oidc_token[0].audience == google_cloud_run_v2_service.function["dispatch"].uri
      && tonumber(trimsuffix(google_cloud_scheduler_job.dispatch[0].attempt_deadline, "s")) > tonumber(trimsuffix(local.values.DISPATCH_WINDOW, "s"))
    )
    error_message = "dispatch is called as scheduler, and given its time."
  }
}

run "organisations_that_cannot_be" {
  command = plan
  variables {
    organisations = { "Not A Slug" = { name = "x" } }
  }
  expect_failures = [var.organisations]
}

# Watch takes who is looked at less often than every 15 minutes for being behind.
run "once_a_day" {
  command = plan
  variables {
    organisations = { a = { name = "A", every = "0 6 * * *" } }
  }
  expect_failures = [var.organisations]
}

run "every_16_minutes" {
  command = plan
  variables {
    organisations = { a = { name = "A", every = "*/16 * * * *" } }
  }
  expect_failures = [var.organisations]
}

run "in_office_hours" {
  command = plan
  variables {
    organisations = { a = { name = "A", every = "*/5 9-17 * * *" } }
  }
  expect_failures = [var.organisations]
}

run "builds_elsewhere" {
  command = plan
  variables {
    build_region = "europe-west1"
    repository   = { name = "projects/p/locations/europe-west1/connections/c/repositories/r" }
  }

  assert {
    condition = (
      google_cloudbuild_trigger.release[0].location == "europe-west1"
      && google_cloudbuild_trigger.release[0].substitutions._REGION == var.region
      && strcontains(output.release, " --region=europe-west1 ")
      && strcontains(output.release, ";_REGION=${var.region};")
    )
    error_message = "Builds are elsewhere, and what they release is where it was; or they are not where they may be."
  }
}
