# What happens when, in UTC. Cloud Scheduler may call twice, and late: everything here bears that.

locals {
  # Schedules of "every N minutes" would all fire in the same second: each starts at a minute of its own, the
  # first at 0, the second at 1, and so on. Those that do not divide the hour are taken as they are.
  every = { for slug, o in var.organisations : slug => try(tonumber(one(regex("^\\*/([0-9]+) ", o.every))), 1) }
  schedules = { for i, slug in sort(keys(var.organisations)) :
    slug => local.every[slug] > 1 && 60 % local.every[slug] == 0 ? "${i % local.every[slug]}-59/${local.every[slug]} * * * *" : var.organisations[slug].every
  }

  # Seconds between two ticks, of any organisations, at the longest.
  ticks_apart = var.fleet ? 60 : 60 * min(15, values(local.every)...)
}

# A tick for each organisation.
resource "google_cloud_scheduler_job" "tick" {
  for_each    = var.fleet ? {} : local.schedules
  name        = "tick-${each.key}"
  description = "Has ${var.organisations[each.key].name} synced"
  region      = var.region
  schedule    = each.value
  time_zone   = "Etc/UTC"
  pubsub_target {
    topic_name = google_pubsub_topic.topic["ticks"].id
    attributes = { org = each.key, reason = "schedule" }
  }
  retry_config {
    retry_count = 1
  }
}

# Instead of those: dispatch sends the ticks of a minute, and the next minute's call makes up for a failed one.
resource "google_cloud_scheduler_job" "dispatch" {
  count            = var.fleet ? 1 : 0
  name             = "dispatch"
  description      = "Has ticks sent to all connections that are due"
  region           = var.region
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.functions.dispatch.timeout}s"
  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.function["dispatch"].uri}/"
    oidc_token {
      service_account_email = local.emails.scheduler
      audience              = google_cloud_run_v2_service.function["dispatch"].uri
    }
  }
  depends_on = [google_cloud_run_v2_service_iam_member.caller]
}

resource "google_cloud_scheduler_job" "watch" {
  name             = "watch"
  description      = "Has it told in the log what is behind, and what people have to do"
  region           = var.region
  schedule         = "*/5 * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.functions.watch.timeout}s"
  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.function["watch"].uri}/"
    oidc_token {
      service_account_email = local.emails.scheduler
      audience              = google_cloud_run_v2_service.function["watch"].uri
    }
  }
  depends_on = [google_cloud_run_v2_service_iam_member.caller]
}

# Jobs. Counting every night would cost more of Intuit's calls than a live company needs in all.
locals {
  executions = {
    daily          = { job = "daily", at = "40 3 * * *", does = "Drops old bookkeeping and replaced tokens", args = [] }
    reconcile      = { job = "reconcile", at = "20 5 * * 0", does = "Counts everything at the providers and here", args = [] }
    reconcile-full = { job = "reconcile", at = "20 5 4 * *", does = "Compares every value", args = ["-all", "-full"] }
  }
}

resource "google_cloud_scheduler_job" "execution" {
  for_each         = local.executions
  name             = each.key
  description      = each.value.does
  region           = var.region
  schedule         = each.value.at
  time_zone        = "Etc/UTC"
  attempt_deadline = "180s"
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${google_cloud_run_v2_job.job[each.value.job].name}:run"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode(length(each.value.args) == 0 ? {} : { overrides = { containerOverrides = [{ args = each.value.args }] } }))
    oauth_token {
      service_account_email = local.emails.scheduler
    }
  }
  retry_config {
    retry_count          = 3
    min_backoff_duration = "60s"
  }
  depends_on = [google_cloud_run_v2_job_iam_member.starter, google_cloud_run_v2_job_iam_member.overrider]
}
